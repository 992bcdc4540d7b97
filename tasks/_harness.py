"""What the tasks' lm-eval descriptions call: held-out rows as documents, and the task's own verifier.

The same rows and the same `Task.verify` serve training and evaluation; nothing is downloaded or stored.
Stock lm-eval runs the descriptions too: `lm_eval --include_path tasks --tasks lookup ...`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks import Row
from tasks._registry import get_task

if TYPE_CHECKING:
    from datasets import Dataset


def heldout(*, task: str, items: int, skip: int = 0, samples: int = 1, **_: object) -> "dict[str, Dataset]":
    """Held-out rows of a task from `skip` on, `items` of them, as the split `heldout` of a data set.

    A row stands there `samples` times, one after the other, for as many replies. Facts travel as JSON text, because
    rows of one task may differ in form. Keywords that lm-eval adds of its own are ignored. UserError if the task has
    fewer rows.
    """
    from datasets import Dataset

    rows = get_task(task).rows("heldout", skip + items)[skip:]
    documents = [
        {"task": task, "index": r.index, "prompt": r.prompt, "answer": r.answer, "facts": json.dumps(r.facts)}
        for r in rows
        for _ in range(samples)
    ]
    return {"heldout": Dataset.from_list(documents)}


def reward(document: Mapping[str, Any], replies: Sequence[str]) -> dict[str, float]:
    """The verifier's verdict on the one reply to a document: {'reward': 0.0 or 1.0}."""
    facts = json.loads(document["facts"])
    row = Row(document["task"], "heldout", document["index"], document["prompt"], document["answer"], facts)
    return {"reward": get_task(row.task).verify(replies[0], row)}
