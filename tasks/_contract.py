"""What every task keeps: its card, its rows, its splits, its verifier. `bench check` tries it on one task.

A rule yields a sentence for every way in which a task breaks it; at most a few are told.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import get_args

from bench.errors import UserError
from tasks._base import Domain, Row, Split, Task, data_hash, split_of
from tasks._data import DataTask

LOOKED_AT = 100
"""Rows of each split."""
TOLD = 3
"""Violations of a rule that are told."""
HOSTILE = (
    "", " ", "\n" * 1000, "x" * 100_000, "9" * 100_000, "\0", "12\0", "(" * 2000 + "1" + ")" * 2000, "\u0663", "\u00b2",
    "\ud800", "nan", "inf", "1e9", "None", "True", "-", "__import__('os')", "<end>", "{}", "%s%n", "\u202e12",
    "print(1)", "while 1: pass", "10**10**9", "Answer:", "#### ", "\\boxed{", "```python\n```",
)  # fmt: skip
"""Replies that must do no harm."""


@dataclass(frozen=True)
class Rule:
    """A rule of the contract."""

    name: str
    rule: str
    check: Callable[[Task], Iterator[str]]

    def violations(self, task: Task) -> tuple[str, ...]:
        """How a task breaks it; what its code raises breaks it, too."""
        try:
            return tuple(islice(self.check(task), TOLD))
        except UserError as error:
            return (str(error),)


def _card(task: Task) -> Iterator[str]:
    if not (isinstance(task.summary, str) and task.summary.endswith(".")):
        yield f"summary is {task.summary!r}"
    if task.domain not in get_args(Domain):
        yield f"domain is {task.domain!r}, and must be one of {', '.join(get_args(Domain))}"
    if not (isinstance(task.revision, int) and task.revision >= 1):
        yield f"revision is {task.revision!r}"

    if not 0 <= task.chance < 1:
        yield f"chance is {task.chance!r}"
    if not (isinstance(task.max_reply_tokens, int) and task.max_reply_tokens >= 1):
        yield f"max_reply_tokens is {task.max_reply_tokens!r}"


def _rows(task: Task) -> Iterator[str]:
    for split in splits_of(task):
        found = first(task, split)
        if not found:
            yield f"there are no {split} rows"

        if strange := [row for row in found if not (isinstance(row.prompt, str) and row.prompt.strip())]:
            yield f"{len(strange)} {split} rows have no prompt"
        if any((row.task, row.split) != (task.name, split) for row in found):
            yield f"a {split} row names another task or split"
        if [row.index for row in found] != list(range(len(found))):
            yield f"the {split} rows are not counted from 0"


def _splits(task: Task) -> Iterator[str]:
    prompts = [row.prompt for split in splits_of(task) for row in first(task, split)]
    for prompt in {prompt for prompt in prompts if prompts.count(prompt) > 1}:
        yield f"the prompt {prompt[:60]!a} comes twice"


def _hashed(task: Task) -> Iterator[str]:
    if isinstance(task, DataTask):
        return  # its splits are the published ones
    for split in splits_of(task):
        for row in first(task, split):
            if split_of(row.prompt) != split:
                yield f"{row.prompt[:60]!a} is among the {split} rows, and its hash says {split_of(row.prompt)}"


def _same_again(task: Task) -> Iterator[str]:
    for split in splits_of(task):
        if data_hash(first(task, split)) != data_hash(first(task, split)):
            yield f"the {split} rows differ between two readings"


def _json(task: Task) -> Iterator[str]:
    for row in first(task, splits_of(task)[-1]):
        try:
            same = json.loads(json.dumps(dict(row.facts))) == dict(row.facts)
        except (TypeError, ValueError) as error:
            yield f"row {row.index}: {error}"
            continue
        if not same:
            yield f"row {row.index}: facts change in JSON: {ascii(dict(row.facts))[:100]}"


def _right(task: Task) -> Iterator[str]:
    for split in splits_of(task):
        for row in first(task, split):
            if (verdict := task.verify(task.solution(row), row)) != 1.0:
                yield f"{verdict:g} for {task.solution(row)[:60]!a} to {row.prompt[-60:]!a}"


def _slips(task: Task) -> Iterator[str]:
    chance = random.Random(0)  # noqa: S311 - not a secret
    for row in first(task, splits_of(task)[-1]):
        slip = task.slip(row, chance)
        if (verdict := task.verify(slip, row)) != 0.0:
            yield f"{verdict:g} for {slip[:60]!a} to {row.prompt[-60:]!a}"


def _hostile(task: Task) -> Iterator[str]:
    for row in first(task, splits_of(task)[-1])[:3]:
        for reply in HOSTILE:
            verdict = task.verify(reply, row)
            if verdict != 0.0 and reply.strip() != row.answer.strip():
                yield f"{verdict:g} for {reply[:60]!a} to {row.prompt[-60:]!a}"


RULES = (
    Rule("card", "summary, a sentence; domain; revision from 1; chance in [0, 1); max_reply_tokens from 1", _card),
    Rule("rows", "each split has rows with a prompt, counted from 0", _rows),
    Rule("splits", "no prompt comes twice, in one split or in both", _splits),
    Rule("hash", "the hash of a prompt decides its split", _hashed),
    Rule("repeatable", "rows are the same whenever they are read", _same_again),
    Rule("facts", "a row's facts are JSON values", _json),
    Rule("right replies", "the task's own solution is worth 1", _right),
    Rule("wrong replies", "a slip is worth 0", _slips),
    Rule("hostile replies", "any text is worth 0 or 1, raises nothing, and no rubbish is worth 1", _hostile),
)


def splits_of(task: Task) -> tuple[Split, ...]:
    """The splits in which a task has rows: one that is for evaluation only has no training rows."""
    both: tuple[Split, ...] = ("train", "heldout")
    return tuple(split for split in both if not isinstance(task, DataTask) or split in task.mirror)


def first(task: Task, split: Split) -> tuple[Row, ...]:
    """The first rows of a split, fewer where it has fewer."""
    return tuple(islice(task.stream(split), LOOKED_AT))
