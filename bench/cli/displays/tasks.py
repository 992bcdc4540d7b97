"""What `bench tasks` shows: all tasks, or one task's card, its data, and its verifier at work."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.errors import UserError
from tasks import DataTask, Split, Task
from tasks._base import HELDOUT_SHARE
from tasks._data import data_root, published
from tasks._samples import samples

SHOWN = 700
"""Characters of a prompt or reply in the terminal; JSON has all of them."""


def card(task: Task) -> dict[str, Any]:
    """What is known about a task without its rows, as JSON values; sizes: rows by split as published, null if drawn."""
    shared = {name: getattr(task, name) for name in ("name", "domain", "revision", "summary", "chance")}
    if not isinstance(task, DataTask):
        return {**shared, "origin": "drawn by the task's own rules", "sizes": None}
    hub = task.hub
    return {
        **shared,
        "origin": hub.id,
        "config": hub.config,
        "commit": hub.commit,
        "unpinned": None if hub.commit else hub.revision,
        "licence": task.licence,
        "files": published(task),
        "sizes": {split: task.sizes.get(split) for split in task.mirror},
        "balance": dict(task.balance),
        "note": task.note,
    }


def at_hand(task: Task) -> dict[str, Any]:
    """What a task's rows say, as JSON values. UserError if there are none.

    rows: by split, after duplicates are dropped; balance: share of each class among held-out rows; samples: prompts
    with the verdict on the right reply and on two wrong ones. Rows that are drawn are neither counted nor classed.
    """
    split: Split = "heldout"
    counts: dict[str, int] = {}
    balance: dict[str, float] = {}
    if isinstance(task, DataTask):
        split = "heldout" if "heldout" in task.mirror else "train"
        counts = {split: sum(1 for _ in task.stream(split)) for split in task.mirror}
        balance = task.balance_of(split)
    return {"rows": counts, "balance": balance, "samples": samples(task, split)}


def tasks_json(tasks: Mapping[str, Task]) -> list[dict[str, Any]]:
    """The cards of all tasks."""
    return [card(task) for task in tasks.values()]


def task_json(task: Task) -> dict[str, Any]:
    """A task's card and its rows; `missing` says why there are none, where no folder was named."""
    found, missing = _rows_or_reason(task)
    return {**card(task), "data": found, "missing": missing}


def show_tasks(tasks: Mapping[str, Task], out: Console) -> None:
    """One row a task."""
    table = Table("task", "domain", "what is asked and checked", "source")
    for heading in ("train", "held out", "chance"):
        table.add_column(heading, justify="right")
    for name, task in tasks.items():
        sizes = size_of(task, "train"), size_of(task, "heldout")
        source = task.hub.id if isinstance(task, DataTask) else "drawn"
        table.add_row(name, task.domain, escape(task.summary), escape(source), *sizes, f"{task.chance:.3f}")
    out.print(table)


def size_of(task: Task, split: Split) -> str:
    """A split's published size in words: `drawn` where rows are, `1 in 8` of the others, `-` where it has none."""
    if not isinstance(task, DataTask):
        return "drawn"
    if split not in task.mirror:
        return "-"
    return f"{task.sizes[split]:,}" if split in task.sizes else f"1 in {HELDOUT_SHARE}"


def show_task(task: Task, out: Console) -> None:
    """A task's card, then its rows, or how to provide them."""
    out.print(f"[bold]{task.name}[/bold] ({task.domain}, revision {task.revision}, chance {task.chance:.3f})")
    out.print(escape(task.summary))
    if isinstance(task, DataTask):
        _show_origin(task, out)

    found, missing = _rows_or_reason(task)
    if found is None:
        out.print(escape(f"No data found: {missing}"), soft_wrap=True)
        return
    if found["rows"]:
        counts = ", ".join(f"{split} {count:,}" for split, count in found["rows"].items())
        out.print(f"Rows found, without duplicates: {counts}")
    if found["balance"]:
        out.print(f"Answers among them: {shares(found['balance'])}")

    out.print(_samples_table(found["samples"]))


def _show_origin(task: DataTask, out: Console) -> None:
    """Where a task's rows come from, as published."""
    out.print(escape(f"Source: {task.hub}" + ("" if task.hub.commit else f" (revision: {task.hub.revision})")))
    out.print(escape(f"Files:  DIR/{task.name}/ with data_root=DIR ({published(task)})"))
    out.print(f"Licence: {escape(task.licence)}")
    out.print(f"Rows as published: train {size_of(task, 'train')}, held out {size_of(task, 'heldout')}")
    if task.balance:
        out.print(f"Answers among the held-out ones: {shares(task.balance)}")
    if task.note:
        out.print(f"Note: {escape(task.note)}")


def shares(balance: Mapping[str, float]) -> str:
    """Classes with their shares in per cent."""
    return ", ".join(f"{escape(label)} {share:.1%}" for label, share in balance.items())


def _rows_or_reason(task: Task) -> tuple[dict[str, Any] | None, str | None]:
    """The rows, or why the hub does not give them. UserError if a folder was named and does not serve."""
    try:
        return at_hand(task), None
    except UserError as error:
        if data_root() is not None or not isinstance(task, DataTask):
            raise
        return None, str(error)


def _samples_table(found: list[dict[str, Any]]) -> Table:
    table = Table("prompt", "reply", "reward")
    for sample in found:
        for place, reply in enumerate(sample["replies"]):
            prompt = escape(_cut(sample["prompt"])) if place == 0 else ""
            table.add_row(prompt, escape(_cut(reply["reply"])), f"{reply['reward']:g}")
        table.add_section()
    return table


def _cut(text: str) -> str:
    """A long text without its middle: the beginning sets the scene, the end asks."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]}\n[...]\n{text[-SHOWN // 2 :]}"
