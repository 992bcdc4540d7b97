"""Which of lm-eval's own tasks can be reported, over which data, and with which rows; nothing heavy is loaded."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError, close_to
from bench.records.store import digest_of
from bench.request.suite import Suite
from tasks import DataTask, Split
from tasks._data import data_root, published, published_rows
from tasks._files import read
from tasks._registry import get_task

Fields = Mapping[str, Any]
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Standard:
    """One of lm-eval's tasks.

    folder: of its description, below lm_eval/tasks; metric: the one that is reported; task: ours over the same data;
    splits: ours by the names lm-eval gives them; generates: the model writes replies, else it weighs given ones; form:
    what a row of the hub lacks of lm-eval's.
    """

    folder: str
    metric: str
    task: str
    splits: Mapping[str, Split]
    generates: bool
    form: Callable[[int, Fields], dict[str, Any]] = lambda place, row: dict(row)


def _boolq(place: int, row: Fields) -> dict[str, Any]:
    return {**row, "idx": place, "label": int(row["answer"])}


def _arc(place: int, row: Fields) -> dict[str, Any]:
    return {"id": str(place), **row}


TEST: Mapping[str, Split] = {"test": "heldout"}
ALL: Mapping[str, Split] = {"train": "train", "validation": "train", "test": "heldout"}
"""lm-eval opens every split that a description names, though it scores one."""
PAIR: Mapping[str, Split] = {"train": "train", "validation": "heldout"}
STANDARD = {
    "arc_challenge": Standard("arc", "acc_norm,none", "arc_challenge", ALL, False, _arc),
    "arc_easy": Standard("arc", "acc_norm,none", "arc_easy", ALL, False, _arc),
    "boolq": Standard("super_glue/boolq", "acc,none", "boolq", PAIR, False, _boolq),
    "gsm8k": Standard("gsm8k", "exact_match,strict-match", "gsm8k", ALL, True),
    "humaneval": Standard("humaneval", "pass@1,create_test", "humaneval", TEST, True),
    "mbpp": Standard("mbpp", "pass_at_1,none", "mbpp", TEST, True),
    "minerva_math500": Standard("minerva_math", "math_verify,none", "math500", TEST, True),
    "mmlu": Standard("mmlu/default", "acc,none", "mmlu", TEST, False),
}


def check_names(names: Iterable[str]) -> None:
    """UserError for a name that is not in STANDARD."""
    for name in names:
        if name not in STANDARD:
            near = close_to(name, STANDARD)
            raise UserError(
                f"standard={name} is none of lm-eval's tasks that can be reported.{near} These can: "
                f"{', '.join(STANDARD)}."
            )


def check_ready(suite: Suite) -> None:
    """UserError unless the suite's standard tasks can be scored; where `data_root` is set, their rows are read.

    It names an unknown task, missing data, or a task whose training rows lm-eval would score.
    """
    check_names(suite.standard)
    for name in suite.standard:
        task = data_task(STANDARD[name])
        if task.name in suite.tasks and _trains_on_what_is_scored(task):
            raise UserError(
                f"standard={name} scores the published validation rows, and the {task.name} file in {data_root()} that "
                f"the suite trains on is taken from them. Put {published(task).split(' or ')[0]} there, or leave "
                f"standard={name} out."
            )
        if data_root():
            rows_digest([name])


def _trains_on_what_is_scored(task: DataTask) -> bool:
    """Both splits come from one local file, and no published split tells their rows apart."""
    root = data_root()
    return root is not None and _one_source(task, root) and type(task).side is DataTask.side


def _one_source(task: DataTask, root: Path) -> bool:
    from tasks._data import _source

    return _source(task, root).shared


def data_task(standard: Standard) -> DataTask:
    """Our task over the same data."""
    task = get_task(standard.task)
    assert isinstance(task, DataTask)
    return task


def local_rows(name: str) -> Rows:
    """The rows of a task but mmlu by lm-eval's splits, in the hub's form, as published: in order, duplicates too."""
    standard = STANDARD[name]
    task = data_task(standard)
    return {
        theirs: [standard.form(place, row) for place, row in enumerate(_split(task, ours))]
        for theirs, ours in standard.splits.items()
    }


def _split(task: DataTask, split: Split) -> Iterator[Fields]:
    """The published rows of a split; of a file with several splits, those that its ids put there."""
    rows = published_rows(task, split)
    if type(task).side is DataTask.side:
        return rows
    return (row for row in rows if task.side(row, "") == split)


def subjects(root: Path) -> list[str]:
    """Subjects of mmlu that a folder has. UserError if it has none."""
    found = sorted(path.name.removesuffix("_test.csv") for path in (root / "mmlu" / "test").glob("*_test.csv"))
    if not found:
        raise UserError(f"no mmlu below {root}: mmlu/test/*_test.csv and mmlu/dev/*_dev.csv are needed.")
    return found


def subject_rows(root: Path, subject: str) -> Rows:
    """The rows of one subject of mmlu by lm-eval's splits."""
    task = data_task(STANDARD["mmlu"])
    files = {split: root / "mmlu" / split / f"{subject}_{split}.csv" for split in ("test", "dev")}
    return {
        split: [{**task.raw_of_mirror(raw.fields), "subject": subject} for raw in read(path, task.columns)]
        for split, path in files.items()
    }


def rows_digest(names: Iterable[str]) -> str:
    """SHA-256 over the local rows of some tasks, or `hub`. UserError if data is missing or off its schema."""
    root = data_root()
    if root is None:
        return "hub"

    mmlu = {"mmlu": [subject_rows(root, subject) for subject in subjects(root)]} if "mmlu" in names else {}
    return digest_of({name: mmlu[name] if name == "mmlu" else local_rows(name) for name in names})
