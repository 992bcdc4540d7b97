"""What a task is: rows in two disjoint splits, a prompt, a verifier, and a revision.

A task is immutable: the same name and revision give the same rows on every machine. Changing what a
row looks like, how it is drawn or how it is verified means a new `revision`; results of different
revisions are never compared.
"""

import hashlib
import inspect
import json
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from bench.errors import UserError

Split = Literal["train", "heldout"]
Domain = Literal["math", "code", "qa"]

HELDOUT_SHARE = 8
"""One prompt in this many is held out; which one is decided by the prompt's hash alone."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One question before it is assigned to a split."""

    prompt: str
    answer: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One question of a task.

    facts: what the verifier needs beside the answer (hidden test values, say); JSON values only.
    """

    task: str
    split: Split
    index: int
    prompt: str
    answer: str
    facts: Mapping[str, Any]


def split_of(prompt: str) -> Split:
    """The split a prompt belongs to, from its hash: no prompt can ever be in both."""
    digest = hashlib.sha256(prompt.encode()).digest()
    return "heldout" if digest[0] % HELDOUT_SHARE == 0 else "train"


class Task(ABC):
    """Rows, prompts, verifier. A `ProceduralTask` draws its rows, a `tasks._data.DataTask` reads them."""

    name: ClassVar[str]
    domain: ClassVar[Domain]
    revision: ClassVar[int]
    summary: ClassVar[str]
    """One sentence: what the model is asked and how the reply is checked."""
    chance: ClassVar[float]
    """Probability that a guess of the right form is correct, in [0, 1]."""
    diagnostic: ClassVar[bool] = False
    """Whether the task is there to see what a method does with it, and not to be learned: no mean includes it."""
    max_reply_tokens: ClassVar[int]
    """Room that a right reply needs, in tokens, end of text included: the longest one in tokens of the nano
    tokenizer where rows are drawn, and of SmolLM2's where they are sentences; a figure that serves usual tokenizers
    where rows are read."""

    @abstractmethod
    def stream(self, split: Split) -> Iterator[Row]:
        """Distinct rows of one split, in an order that is the same on every machine. Endless or until dry."""

    @abstractmethod
    def verify(self, reply: str, row: Row) -> float:
        """1.0 if `reply` answers `row`, else 0.0. A reply is data: whatever it holds, this returns."""

    @abstractmethod
    def slip(self, row: Row, rng: random.Random) -> str:
        """A plausible wrong reply to `row`: well formed, and worth 0."""

    def solution(self, row: Row) -> str:
        """A full right reply to `row`, worth 1: what supervised training imitates. By default the bare answer."""
        return row.answer

    def rows(self, split: Split, count: int) -> tuple[Row, ...]:
        """The first `count` rows of a split. UserError if the task has fewer distinct ones."""
        rows = tuple(row for row, _ in zip(self.stream(split), range(count), strict=False))
        if len(rows) < count:
            raise UserError(
                f"task {self.name!r} has only {len(rows)} distinct {split} rows; {count} were asked for. Ask for fewer."
            )
        return rows

    @property
    def harness_yaml(self) -> Path:
        """The task's lm-eval description, beside its module."""
        return Path(inspect.getfile(type(self))).with_name(f"{self.name}.yaml")

    def __repr__(self) -> str:
        return f"{self.name}@{self.revision}"


class ProceduralTask(Task):
    """A task whose rows are drawn by chance from its own rules: no data, no end."""

    @cached_property
    def _drawn(self) -> dict[Split, tuple[Row, ...]]:
        """The most rows of each split that were asked for: drawing takes longer than all else that is done to them."""
        return {}

    @abstractmethod
    def draw(self, rng: random.Random) -> Draft:
        """A fresh question; all chance comes from `rng`."""

    def rows(self, split: Split, count: int) -> tuple[Row, ...]:
        """The first `count` rows of a split, drawn once a process. UserError if the task has fewer distinct ones."""
        if len(self._drawn.get(split, ())) < count:
            self._drawn[split] = super().rows(split, count)
        return self._drawn[split][:count]

    def stream(self, split: Split) -> Iterator[Row]:
        """Distinct rows of one split, in an order fixed by name and revision. Until 10,000 draws bring nothing more."""
        seen: set[str] = set()
        index = misses = 0
        while misses < 10_000:
            rng = random.Random(f"{self.name}/{self.revision}/{split}/{index}")  # noqa: S311 - not a secret
            draft = self.draw(rng)
            index += 1
            if split_of(draft.prompt) != split or draft.prompt in seen:
                misses += 1
                continue
            misses = 0
            seen.add(draft.prompt)
            yield Row(self.name, split, len(seen) - 1, draft.prompt, draft.answer, draft.facts)


def data_hash(rows: tuple[Row, ...]) -> str:
    """SHA-256 over prompts, answers and facts, so that silently changed data cannot be compared."""
    digest = hashlib.sha256()
    for row in rows:
        line = json.dumps([row.prompt, row.answer, dict(row.facts)], sort_keys=True)
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def last_word(reply: str) -> str:
    """The last whitespace-separated word, or '' for an empty reply."""
    words = reply.rsplit(maxsplit=1)
    return words[-1] if words else ""
