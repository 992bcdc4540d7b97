"""Held-out scores of a run's model, before and after: of the suite's tasks, and of lm-eval's own beside them.

Of the base model also what it can do if it may try again. All of its scores are measured once and kept.
"""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.errors import RunFailed
from bench.evaluation.apart import Apart
from bench.evaluation.cache import base_scores, measured_once
from bench.models.base import parameters_digest
from bench.places import CACHE
from bench.protocol import PROTOCOL
from bench.records.attempts import ITEMS, SAMPLES, Attempts, attempts_of
from bench.records.schema import Evaluated, Score
from bench.records.standard import StandardScore
from bench.request.suite import Sampling, Suite
from bench.run.prepare import Prepared
from tasks import Task, data_hash


class HeldOut:
    """What is measured of one model. speaks: whether this process measures at all; phase: shows what begins.

    fork: let a process measure that is forked here and now; `way` says how it is done, as a record does.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        prepared: Prepared,
        speaks: bool,
        phase: Callable[[str], None],
        fork: bool = False,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.prepared = prepared
        self.suite: Suite = prepared.request.suite
        self.speaks = speaks
        self.phase = phase
        self._apart = Apart({"scores": self._scores, "standard": self._standard_json}, self._load) if fork else None
        self.way: Evaluated = "forked" if fork else "in process"

    def begin(self) -> None:
        """Measure the base model, or read what was measured of it."""
        speaks = self.speaks
        self.before = self._base() if speaks else {}
        self.attempts = self._attempts() if speaks else {}
        self._standard_before = self._standard_base() if speaks and self.suite.standard else {}
        self._standard_after: dict[str, Any] = {}

    def put(self, parameters: Tensor) -> None:
        """Measure the model with these trained parameters, [P], from here on; this process's model has them already.

        RunFailed if more than the trained parameters differs from the model that was loaded.
        """
        if self._apart and self._apart.load(parameters) != parameters_digest(self.model):
            raise RunFailed("something other than the harness changed weights of the model that are not trained.")

    def scores(self, tasks: Sequence[Task], sampling: Sampling | None = None) -> dict[str, Score]:
        """Scores of the model as it is now, by task name; sampling: another than the suite's."""
        how = (sampling or self.suite.sampling).model_dump(mode="json")
        asked = [[task.name for task in tasks], how]
        found = self._apart.ask("scores", asked) if self._apart else self._scores(asked)
        return {name: Score.model_validate(score) for name, score in found.items()}

    def close(self) -> None:
        """Nothing more is measured."""
        if self._apart:
            self._apart.close()

    def _scores(self, asked: Any) -> dict[str, Any]:
        """Scores by task name, in their JSON form. asked: names of tasks, and the sampling."""
        from bench.evaluation.rewards import evaluate  # lm-eval takes seconds to load

        names, how = asked
        tasks = [task for task in self.prepared.tasks if task.name in names]
        found = evaluate(self.model, self.tokenizer, tasks, Sampling.model_validate(how))
        return {name: score.model_dump(mode="json") for name, score in found.items()}

    def _load(self, parameters: Tensor) -> str:
        """Set the model's trained parameters, from [P]; the digest of the whole model."""
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        sizes = [parameter.numel() for parameter in trained]
        for parameter, part in zip(trained, parameters.split(sizes), strict=True):  # type: ignore[no-untyped-call]
            parameter.data.copy_(part.view_as(parameter))
        return parameters_digest(self.model)

    def finish(self) -> None:
        """Measure lm-eval's own tasks on the final model."""
        if self.speaks and self.suite.standard:
            self.phase("evaluate lm-eval's own tasks")
            self._standard_after = self._standard()

    @property
    def standard(self) -> list[StandardScore]:
        """Scores of lm-eval's own tasks, as a record has them; without `after` for a run that has no final model."""
        if not self._standard_before:
            return []
        from bench.evaluation.standard import as_records

        return as_records(self._standard_before, self._standard_after or None)

    def _base(self) -> dict[str, Score]:
        """Scores of the base model. Processes with shards must all measure: a cache may answer one and not another."""

        def measure() -> dict[str, Score]:
            self.phase("evaluate base model")
            return self.scores(self.prepared.tasks)

        return measure() if self.prepared.request.shard else base_scores(measure, self._key(), CACHE)

    def _attempts(self) -> dict[str, Attempts]:
        """pass@k of the base model, kept by task: suites that share task, rows and sampling measure it once."""
        sampling = self.suite.sampling
        sampling = sampling.model_copy(update={"items": min(ITEMS, sampling.items), "samples": SAMPLES})
        shard = self.prepared.request.shard
        found: dict[str, Attempts] = {}

        def measure(task: Task) -> dict[str, Attempts]:
            self.phase(f"try {task.name} several times with the base model")
            scores = self.scores([task], sampling)
            return {name: attempts_of(score.right, score.samples) for name, score in scores.items()}

        for task, rows in zip(self.prepared.tasks, self.prepared.mixture.heldout, strict=True):
            tried = {"task": task.name, "revision": task.revision, "rows": data_hash(rows[: sampling.items])}
            key = {**self._key(), "tasks": tried, "sampling": sampling.model_dump(mode="json")}
            again = partial(measure, task)
            found |= again() if shard else measured_once(again, Attempts, key, CACHE)

        return found

    def _standard_base(self) -> dict[str, Any]:
        from bench.evaluation.standard import base_standard

        def measure() -> dict[str, Any]:
            self.phase("evaluate lm-eval's own tasks on the base model")
            return self._standard()

        return measure() if self.prepared.request.shard else base_standard(measure, self.suite, self._key(), CACHE)

    def _standard(self) -> dict[str, Any]:
        from bench.evaluation.standard import Measured  # it loads a package that most runs do not need

        found = self._apart.ask("standard") if self._apart else self._standard_json()
        return {name: Measured.model_validate(one) for name, one in found.items()}

    def _standard_json(self, _: object = None) -> dict[str, Any]:
        from bench.evaluation.standard import standard

        found = standard(self.model, self.tokenizer, self.suite)
        return {name: one.model_dump(mode="json") for name, one in found.items()}

    def _key(self) -> dict[str, Any]:
        """All that the base model's scores depend on."""
        suite = self.suite
        return {
            "protocol": PROTOCOL,
            "model": self.prepared.model,
            "tasks": self.prepared.data,
            "sampling": suite.sampling.model_dump(mode="json"),
            "dtype": suite.dtype,
            "adapters": suite.lora.r > 0,  # with them, weights may be stored in bfloat16
            "threads": suite.recipe.threads,
            "packages": {name: version(name) for name in ("torch", "transformers", "lm_eval")},
        }
