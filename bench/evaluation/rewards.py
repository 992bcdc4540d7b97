"""Held-out reward of every task, measured by lm-eval in this process with the tasks' own verifiers.

The result depends on the model and the settings alone: neither on what the global generators did before
nor on which other tasks are measured beside. An evaluation leaves everything that it touches as it was.
"""

import io
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import torch
from lm_eval import evaluator
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.models.noise import key_of
from bench.models.prompts import encoded, ends
from bench.models.sampler import Sampler
from bench.models.trainable import merged
from bench.records.schema import Score
from tasks import Task


class EvaluationSettings(Protocol):
    """How to sample. Scores of different settings are not comparable."""

    @property
    def items(self) -> int:
        """Held-out rows a task."""

    @property
    def samples(self) -> int:
        """Replies to each row."""

    @property
    def skip(self) -> int:
        """Held-out rows before these."""

    @property
    def temperature(self) -> float:
        """Above 0; the whole distribution is sampled from, without top-k or top-p."""

    @property
    def max_reply_tokens(self) -> int:
        """Where a reply without end is cut."""

    @property
    def batch_size(self) -> int:
        """Replies sampled together; those to one row share its prompt."""

    @property
    def seed(self) -> int:
        """Seed of the sampling: an item meets the same noise in every model, so that models are paired by item.

        Its first replies are the same however many are sampled.
        """


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tasks: Sequence[Task],
    settings: EvaluationSettings,
) -> dict[str, Score]:
    """Score of every task by name, in the order given. UserError if a task has fewer rows than asked.

    tokenizer: needs a padding and an end-of-text token; it encodes a prompt as `bench.models.prompts` says.
    """
    with quietly(), undisturbed(model), merged(model):
        wanted = {"items": settings.items, "skip": settings.skip, "samples": settings.samples}
        manager = TaskManager(include_defaults=False, metadata=wanted)
        loaded = manager.load([str(task.harness_yaml) for task in tasks])
        sampler = _Sampler(model, tokenizer, settings)
        samples = evaluator.evaluate(sampler, loaded, bootstrap_iters=0, log_samples=True)["samples"]
    return {task.name: score(_rewards(samples[task.name]), settings.samples) for task in tasks}


def score(rewards: Sequence[float], samples: int = 1) -> Score:
    """Rewards of 0 or 1 as a Score, item by item; the first is the highest bit of the first digit, 0 fills the last.

    samples: rewards of each item. ValueError if a reward is neither 0 nor 1.
    """
    bits = "".join("1" if reward == 1 else "0" for reward in rewards)
    digits = -(-len(bits) // 4)
    items = f"{int(bits.ljust(4 * digits, '0'), 2):0{digits}x}"
    return Score(mean=sum(rewards) / len(rewards), items=items, count=len(rewards) // samples, samples=samples)


def _rewards(samples: Sequence[Mapping[str, Any]]) -> list[float]:
    return [sample["reward"] for sample in sorted(samples, key=lambda sample: sample["doc_id"])]


class _Sampler(LM):  # type: ignore[misc] # lm-eval publishes no types
    """The model as lm-eval asks it: one sampled reply a request, an item as often as it has samples.

    Unlike lm-eval's HFLM it ends a reply at the end-of-text token alone, and not where a reply spells that
    token's name in letters, as training does; it never cuts a prompt; and an item meets the same noise in every model.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, settings: EvaluationSettings
    ) -> None:
        super().__init__()
        self.language_model = model
        self.tokenizer = tokenizer
        self.settings = settings
        self.ends = ends(model, tokenizer)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """The replies, in the order of the requests: an item's samples follow each other."""
        replies = [""] * len(requests)
        samples = self.settings.samples
        size = max(1, self.settings.batch_size // samples)

        for _task, group in groupby(range(0, len(requests), samples), key=lambda i: requests[i].task_name):
            order = sorted(group, key=lambda i: len(requests[i].args[0]))  # little padding in a batch
            for start in range(0, len(order), size):
                batch = order[start : start + size]
                found = self._sample([requests[i] for i in batch])
                for place, i in enumerate(batch):
                    replies[i : i + samples] = found[place * samples : (place + 1) * samples]

        return replies

    def _sample(self, items: Sequence[Instance]) -> list[str]:
        """All samples of some items of one task, each item by its first request; the items fix the noise."""
        settings = self.settings
        sampler = Sampler(
            self.language_model,
            self.ends,
            self.tokenizer.pad_token_id,
            settings.temperature,
            settings.max_reply_tokens,
        )

        keys = torch.tensor([[self._key(item, copy) for copy in range(settings.samples)] for item in items])
        prompts = [encoded(self.tokenizer, item.args[0]) for item in items]
        sampled = sampler.sample(prompts, keys)
        return list(self.tokenizer.batch_decode(sampled.replies, skip_special_tokens=True))

    def _key(self, item: Instance, copy: int) -> int:
        """The key of the noise of one reply to an item, whatever it is sampled with."""
        settings = self.settings
        row = settings.skip + item.doc_id // settings.samples
        return key_of("evaluation", settings.seed, item.task_name, row, *([copy] if copy else []))

    def loglikelihood(self, requests: list[Instance]) -> list[Any]:
        """No task asks for it. NotImplementedError."""
        raise NotImplementedError("tasks are scored by what the model writes, not by likelihood")

    loglikelihood_rolling = loglikelihood


@contextmanager
def undisturbed(model: PreTrainedModel) -> Iterator[None]:
    """The model in evaluation mode; afterwards its modes and the global generators are as before."""
    modes = {module: module.training for module in model.modules()}
    python = random.getstate()
    legacy = np.random.get_state()  # noqa: NPY002 - lm-eval may draw from it
    devices = [model.device] if model.device.type == "cuda" else []

    with torch.random.fork_rng(devices):
        try:
            model.eval()
            yield
        finally:
            for module, training in modes.items():
                module.training = training
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002


@contextmanager
def quietly() -> Iterator[None]:
    """Silence lm-eval's notices and progress bars; errors are raised, not written."""
    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(logging.ERROR)

    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
