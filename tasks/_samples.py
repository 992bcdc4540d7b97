"""A task at work: its first prompts, with right and wrong replies and its verifier's verdicts on them."""

import random
from typing import Any

from tasks._base import Row, Split, Task

SAMPLES = 3
UNKNOWN = "I do not know."
"""A wrong reply to any question, where a task has but one plausible one."""


def samples(task: Task, split: Split) -> list[dict[str, Any]]:
    """The first rows of a split, fewer if it has fewer, with replies and verdicts."""
    rows = [row for row, _ in zip(task.stream(split), range(SAMPLES), strict=False)]
    return [
        {
            "prompt": row.prompt,
            "replies": [
                {"reply": reply, "reward": task.verify(reply, row)}
                for reply in (task.solution(row), *wrong_replies(task, row))
            ],
        }
        for row in rows
    ]


def wrong_replies(task: Task, row: Row) -> list[str]:
    """Two different wrong replies, the same for a row on every call."""
    chance = random.Random(row.index)  # noqa: S311 - not a secret
    first = task.slip(row, chance)
    others = (task.slip(row, chance) for _ in range(20))
    return [first, next((other for other in others if other != first), UNKNOWN)]
