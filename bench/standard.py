"""lm-eval's own tasks, reported beside the suite's, so that numbers compare with published ones.

Prompts, few-shot examples, filters and metrics are lm-eval's, without a chat template, greedy. Rows come from the hub,
or, where `data_root` is set, from the same files as the suite's tasks, put into the hub's form. Code is judged in the
jail of `tasks` in place of the hub's script, which would run it unprotected.
"""

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import evaluate
import lm_eval
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.errors import UserError, unknown
from bench.evaluation import quietly, undisturbed
from bench.records.schema import StandardScore
from tasks._base import Split
from tasks._code_eval import SandboxCodeEval
from tasks._data import DataTask, data_root, published_rows
from tasks._registry import get_task

Fields = Mapping[str, Any]
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Standard:
    """One of lm-eval's tasks.

    folder: of its description, below lm_eval/tasks; metric: the one that is reported; task: ours over the same data;
    splits: ours by the names lm-eval gives them; form: what a row of the hub lacks of lm-eval's.
    """

    folder: str
    metric: str
    task: str
    splits: Mapping[str, Split]
    form: Callable[[int, Fields], dict[str, Any]] = lambda place, row: dict(row)


def _boolq(place: int, row: Fields) -> dict[str, Any]:
    return {**row, "idx": place, "label": int(row["answer"])}


def _arc(place: int, row: Fields) -> dict[str, Any]:
    return {"id": str(place), **row}


TEST: Mapping[str, Split] = {"test": "heldout"}
ALL: Mapping[str, Split] = {"train": "train", "validation": "train", "test": "heldout"}
"""lm-eval opens every split that a description names, though it scores one."""
STANDARD = {
    "arc_challenge": Standard("arc", "acc_norm,none", "arc_challenge", ALL, _arc),
    "arc_easy": Standard("arc", "acc_norm,none", "arc_easy", ALL, _arc),
    "boolq": Standard("super_glue/boolq", "acc,none", "boolq", {"train": "train", "validation": "heldout"}, _boolq),
    "gsm8k": Standard("gsm8k", "exact_match,strict-match", "gsm8k", ALL),
    "humaneval": Standard("humaneval", "pass@1,create_test", "humaneval", TEST),
    "mbpp": Standard("mbpp", "pass_at_1,none", "mbpp", TEST),
    "minerva_math500": Standard("minerva_math", "math_verify,none", "math500", TEST),
    "mmlu": Standard("mmlu/default", "acc,none", "mmlu", TEST),
}


def known(names: Sequence[str]) -> None:
    """UserError for a name that is not in STANDARD."""
    for name in names:
        if name not in STANDARD:
            raise unknown("standard task", name, STANDARD, "bench tasks --standard")


@dataclass(frozen=True)
class Measured:
    """One score; version and shots as lm-eval's description has them."""

    value: float
    items: int
    fewshot: int
    version: str


def standard_scores(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, names: Sequence[str], items: int, batch_size: int
) -> dict[str, Measured]:
    """lm-eval's score of each task, on its first `items` rows (of each subject of mmlu). UserError if data is missing."""
    known(names)
    with quietly(), undisturbed(model), judged_in_jail():
        folders = sorted({str(_library() / STANDARD[name].folder) for name in names})
        manager = TaskManager(include_defaults=False, include_path=folders)
        wrapped = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)
        return {name: _measured(wrapped, manager, name, items) for name in names}


def _measured(wrapped: HFLM, manager: TaskManager, name: str, items: int) -> Measured:
    standard = STANDARD[name]
    with contextlib.redirect_stdout(io.StringIO()):
        found = lm_eval.simple_evaluate(
            model=wrapped,
            tasks=[{"group": f"local_{name}", "task": list(_descriptions(name, standard))}],
            task_manager=manager,
            limit=items,
            bootstrap_iters=0,
            confirm_run_unsafe_code=True,  # in the jail: see `judged_in_jail`
        )
    parts = {part: result for part, result in found["results"].items() if standard.metric in result}
    counts = {part: found["n-samples"][part]["effective"] for part in parts}
    total = sum(counts.values())
    return Measured(
        value=float(sum(parts[part][standard.metric] * counts[part] for part in parts)) / total,
        items=total,
        fewshot=max(found["n-shot"][part] for part in parts),
        version=str(next(iter(found["versions"][part] for part in parts))),
    )


def _descriptions(name: str, standard: Standard) -> Iterator[dict[str, Any]]:
    """What lm-eval loads: its own description, with rows of ours where `data_root` is set."""
    root = data_root()
    if name == "mmlu":
        for subject in _subjects(root):
            local = {"custom_dataset": _maker(_mmlu_rows(root, subject))} if root else {}
            yield {"task": f"mmlu_{subject}", **local}
    elif root is None:
        yield {"task": name}
    else:
        yield {"task": name, "custom_dataset": _maker(_local_rows(standard))}


def _local_rows(standard: Standard) -> Rows:
    task = get_task(standard.task)
    assert isinstance(task, DataTask)
    return {
        theirs: [standard.form(place, row) for place, row in enumerate(published_rows(task, ours))]
        for theirs, ours in standard.splits.items()
    }


def _subjects(root: Path | None) -> list[str]:
    """Subjects of mmlu: those of the local files, else all that lm-eval describes."""
    if root is not None:
        found = sorted(path.name.removesuffix("_test.csv") for path in (root / "mmlu" / "test").glob("*_test.csv"))
        if not found:
            raise UserError(f"no mmlu below {root}: mmlu/test/*_test.csv and mmlu/dev/*_dev.csv are needed.")
        return found
    described = (_library() / "mmlu" / "default").glob("mmlu_*.yaml")
    return sorted(path.stem.removeprefix("mmlu_") for path in described)


def _mmlu_rows(root: Path, subject: str) -> Rows:
    from tasks._files import read
    from tasks.qa.mmlu import Mmlu

    files = {split: root / "mmlu" / split / f"{subject}_{split}.csv" for split in ("test", "dev")}
    task = Mmlu()
    return {
        split: [{**task.raw_of_mirror(raw.fields), "subject": subject} for raw in read(path, task.columns)]
        for split, path in files.items()
    }


def _maker(rows: Rows) -> Callable[..., Any]:
    """What lm-eval calls in place of fetching a data set."""
    from datasets import Dataset, DatasetDict

    return lambda **_: DatasetDict({split: Dataset.from_list(some) for split, some in rows.items()})


def _library() -> Path:
    assert lm_eval.__file__
    return Path(lm_eval.__file__).parent / "tasks"


@contextlib.contextmanager
def judged_in_jail() -> Iterator[None]:
    """The hub's code_eval, which lm-eval fetches to judge code, is the jail's."""
    fetch = evaluate.load
    evaluate.load = lambda name, *rest, **more: SandboxCodeEval() if name == "code_eval" else fetch(name, *rest, **more)
    try:
        yield
    finally:
        evaluate.load = fetch


def as_records(before: Mapping[str, Measured], after: Mapping[str, Measured] | None) -> list[StandardScore]:
    """Scores as a record has them."""
    return [
        StandardScore(
            task=name,
            metric=STANDARD[name].metric,
            before=one.value,
            after=after[name].value if after else None,
            items=one.items,
            fewshot=one.fewshot,
            version=one.version,
        )
        for name, one in before.items()
    ]
