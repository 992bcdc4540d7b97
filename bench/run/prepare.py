"""Before a run: check what can be checked without a model, and give the run its address.

A run's identity is the hash of everything that can change its outcome. A finished run with that identity is
shown, not repeated; a suite with results is frozen; committed results are append-only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.engine.sampling import blind_order
from bench.errors import UserError
from bench.models.base import model_digest
from bench.protocol import PROTOCOL
from bench.records.provenance import is_tracked
from bench.records.schema import Card, MethodUse, Record, WrapperUse
from bench.records.store import digest_of, identity_of, read, record_files, record_path
from bench.records.track import TuningUse, base_suite
from bench.request.request import RESULTS, Request, surroundings
from bench.request.suite import ROOT, Suite
from methods import GradientCombination, Method, RunPlan, SampleWeighting, Settings, StepWrapper
from methods import _registry as methods
from tasks import Row, Task, data_hash
from tasks._registry import get_task


@dataclass(frozen=True)
class Chosen:
    """A method, or a wrapper, with its settings; tasks of per-task settings are in the suite's order."""

    kind: type[Method]
    settings: Settings
    card: methods.MethodCard

    @property
    def use(self) -> dict[str, Any]:
        """What a record says of it."""
        card = self.card
        return {
            "name": card.name,
            "version": card.version,
            "settings": self.settings.model_dump(mode="json"),
            "source_digest": methods.source_digest(card.path),
            "card": Card(**{field: getattr(card, field) for field in Card.model_fields}),
        }


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs before a model is loaded; tasks and rows are in the suite's order."""

    request: Request
    tasks: list[Task]
    rows: list[tuple[Row, ...]]
    data: list[dict[str, Any]]
    """Name, revision and data hash of each task, as a record has them."""
    method: Chosen
    wrapper: Chosen | None
    use: MethodUse
    """The method and its wrapper, as a record has them."""
    model: str
    identity: str
    order: list[int]
    path: Path


def prepare(request: Request) -> Prepared:
    """Check everything that can be checked before training, and derive the run's identity."""
    suite = request.suite
    surroundings(request)
    tasks = [get_task(name) for name in suite.tasks]
    scorable(suite, tasks)
    method, wrapper = chosen_methods(request)
    if request.shard:
        shardable(request, method, wrapper)
    if suite.standard:
        from bench.evaluation.standard_tasks import ready

        ready(suite)
    if suite.rollout == "vllm" and issubclass(method.kind, RunPlan):
        raise UserError(
            f"{method.card.name} is a plan of runs, and each would start an engine: say rollout=transformers."
        )
    use = MethodUse(
        **method.use,
        acts_on=list(method.card.acts_on),
        wrapper=WrapperUse(**wrapper.use) if wrapper else None,
        tuning=tuning_use(request, method),
    )
    if not request.exploratory and request.seed not in suite.seeds:
        raise UserError(
            f"seed {request.seed} is not one of {suite.name}'s prescribed seeds {list(suite.seeds)}; seeds are paired "
            "between methods, so only these can be compared. Choose one of them."
        )
    frozen(request)
    model, folder = model_digest(suite.model, suite.revision), folder_of(method, wrapper, request.tuning is not None)
    rows = [task.rows("train", suite.train_rows(task.name)) for task in tasks]
    skip = suite.evaluation.skip
    held = [task.rows("heldout", skip + suite.evaluation.items)[skip:] for task in tasks]
    hashes = [data_hash((*train, *heldout)) for train, heldout in zip(rows, held, strict=True)]
    data = [
        {"name": task.name, "revision": task.revision, "data_hash": digest}
        for task, digest in zip(tasks, hashes, strict=True)
    ]
    address = {
        "protocol": PROTOCOL,
        "suite": {"digest": suite.digest},
        "tasks": data,
        "model": {"digest": model},
        "method": use.model_dump(mode="json"),
        "seed": request.seed,
    }
    return Prepared(
        request=request,
        tasks=tasks,
        rows=rows,
        data=data,
        method=method,
        wrapper=wrapper,
        use=use,
        model=model,
        identity=identity_of(address),
        order=blind_order(suite.tasks, request.seed),
        path=record_path(request.store, suite.name, folder, request.seed),
    )


def scorable(suite: Suite, tasks: Sequence[Task]) -> None:
    """UserError if a diagnostic task would enter the means."""
    strange = [task.name for task in tasks if task.diagnostic and task.name in suite.scored_tasks]
    if strange:
        others = [name for name in suite.tasks if name not in strange]
        raise UserError(
            f"{', '.join(strange)}: a diagnostic task has nothing that a model should learn, and is never scored. "
            f"Say scored={','.join(others) or 'TASK,...'}."
        )


def chosen_methods(request: Request) -> tuple[Chosen, Chosen | None]:
    """The method and the wrapper that are asked for. UserError if they do not go together."""
    method = _chosen(request.method, request.settings, request.suite.tasks)
    name = method.card.name
    if issubclass(method.kind, StepWrapper):
        raise UserError(f"{name} is a wrapper, it acts around a method: say method=uniform wrapper={name}.")
    if request.suite.regime == "sft" and issubclass(method.kind, SampleWeighting):
        raise UserError(f"{name} weights rollouts, and SFT has none; it runs in suites with regime=grpo.")
    if request.wrapper is None:
        return method, None
    wrapper = _chosen(request.wrapper, request.wrapper_settings, request.suite.tasks)
    if not issubclass(wrapper.kind, StepWrapper):
        known = [card.name for card in methods.cards().values() if "StepWrapper" in card.acts_on]
        raise UserError(f"{wrapper.card.name} is not a wrapper. Wrappers are: {', '.join(known)}.")
    if issubclass(method.kind, RunPlan):
        raise UserError(f"{name} is a plan of runs and takes no wrapper; leave wrapper={wrapper.card.name} out.")
    if wrapper.kind.needs_weights and issubclass(method.kind, GradientCombination):
        raise UserError(
            f"{wrapper.card.name} changes the weights that a method returns, and {name} returns a direction. "
            "Choose a method that acts on weights, such as pcgrad."
        )
    return method, wrapper


def shardable(request: Request, method: Chosen, wrapper: Chosen | None) -> None:
    """UserError unless the run can do with a part of every parameter in each process."""
    if request.suite.regime != "sft":
        raise UserError("shard=true cannot sample rollouts: say regime=sft, or use devices that hold the whole model.")
    if request.suite.lora.r and request.suite.dtype == "bf16":
        raise UserError("shard=true needs one dtype for all weights: say dtype=fp32, or leave lora.r out.")
    if wrapper or issubclass(method.kind, (GradientCombination, RunPlan)):
        raise UserError(
            f"{(wrapper or method).card.name} needs whole gradients or parameters, and with shard=true each process "
            "has a part. Choose a method that acts on weights, such as pcgrad."
        )


def _chosen(name: str, values: Mapping[str, Any], tasks: Sequence[str]) -> Chosen:
    card, kind = methods.find(name), methods.load(name)
    return Chosen(kind, methods.settings_of(kind, values, tasks), card)


def tuning_use(request: Request, method: Chosen) -> TuningUse | None:
    """What a record says of the tuning. UserError if it was not of the method as it is."""
    found, use = request.tuning, method.use
    if found is None:
        return None
    names = ("name", "version", "source_digest")
    if [found.method, found.version, found.source_digest] != [use[name] for name in names]:
        raise UserError(
            f"the tuning of {found.method} on {found.suite} is of version {found.version}, and {method.card.path.name} "
            f"has other code. Tune again: `bench tune method={request.method} suite={found.suite} trials=N`."
        )
    return found.use


def folder_of(method: Chosen, wrapper: Chosen | None, tuned: bool = False) -> str:
    """The method's folder in a store: `name@wrapper`, and `+` with 8 hex digits for settings not default.

    tuned: in the tuned track a method has one choice of settings, and needs no mark.
    """
    parts = [method, wrapper] if wrapper else [method]
    name = "@".join(part.card.name for part in parts)
    settings = [part.settings.model_dump(mode="json") for part in parts]
    if tuned or all(part.settings == part.kind.Settings() for part in parts):
        return name
    return f"{name}+{digest_of(settings if wrapper else settings[0])[:8]}"


def frozen(request: Request) -> None:
    """UserError if an unchanged suite differs from the one its committed results were made with."""
    if request.exploratory:
        return
    suite, tuned = request.suite, request.tuning
    digest, file = (tuned.suite_digest if tuned else suite.digest), base_suite(suite.name)
    for path in record_files(RESULTS / suite.name):
        record = read(path)
        found = record.method.tuning.suite if record.method.tuning else record.suite.digest
        if found != digest:
            raise UserError(
                f"suites/{file}.yaml was changed after it got results ({path.relative_to(ROOT)} was made with "
                f"{found[:8]}, the file is {digest[:8]} now). Copy it to a new suite, and restore "
                f"this one with `git checkout -- suites/{file}.yaml`."
            )
        return


def finished(prepared: Prepared) -> Record | None:
    """The finished run of the same identity, if the store has it; failed runs are run again.

    UserError if another run, or a failed one, is committed there: results are append-only.
    """
    if not prepared.path.exists():
        return None
    record = read(prepared.path)
    same = record.identity == prepared.identity and record.method.tuning == prepared.use.tuning
    if same and record.status != "failed":
        return record
    if is_tracked(prepared.path):
        what = "that failed" if same else "of another version of its method, task or tuning"
        raise UserError(
            f"{prepared.path} is a committed run {what}. "
            "Committed results stay; say store=DIR to keep this run elsewhere."
        )
    return None


def normaliser(kind: type[Method], regime: str) -> str:
    """How the loss of a run with this method is normalised, in words."""
    if regime == "sft":
        return "token mean: every answer token of a task's batch counts the same (SFT)"
    if issubclass(kind, SampleWeighting) and kind.token_weights is not SampleWeighting.token_weights:
        return f"token weights of {kind.name}"
    return "per-sequence mean: each completion counts the same, a token 1 / length (GRPO)"
