"""lm-eval's own tasks, reported beside the suite's, so that numbers compare with published ones.

Prompts, few-shot examples, filters and metrics are lm-eval's, without a chat template, greedy. Rows come from the hub,
or, where `data_root` is set, from the same files as the suite's tasks, put into the hub's form. Code is judged in the
jail of `tasks` in place of the hub's script, which would run it unprotected.
"""

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import evaluate
import lm_eval
from lm_eval.api.model import LM
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from pydantic import Field
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.errors import UserError
from bench.evaluation.cache import measured_once
from bench.evaluation.rewards import quietly, undisturbed
from bench.evaluation.standard_tasks import (
    STANDARD,
    Standard,
    check_names,
    data_task,
    local_rows,
    rows_digest,
    subject_rows,
    subjects,
)
from bench.records.fields import Finite, Frozen
from bench.records.standard import StandardScore
from bench.request.suite import Suite
from tasks._code_eval import SandboxCodeEval
from tasks._data import data_root

WEIGHED_TOGETHER = 16
"""Most given replies that are weighed in one pass: it keeps the logits of every token of their prompts."""
PATIENCE = 5.0
"""Seconds in which the hub must answer."""
LmFor = Callable[[Standard], LM]


class Measured(Frozen):
    """One score; version and shots as lm-eval's description has them."""

    value: Finite
    items: int = Field(gt=0)
    fewshot: int = Field(ge=0)
    version: str


def standard(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, suite: Suite) -> dict[str, Measured]:
    """lm-eval's score of each task that the suite names, on its first `evaluation.items` rows.

    Of mmlu these are the first of each subject. Leaves the model and the global generators as they were. UserError if
    a name is unknown or data is missing.
    """

    def lm_for(one: Standard) -> LM:
        size = suite.evaluation.batch_size
        return HFLM(
            pretrained=model,
            tokenizer=tokenizer,
            batch_size=size if one.generates else min(size, WEIGHED_TOGETHER),
        )

    if not suite.standard:
        return {}

    with quietly(), undisturbed(model):
        return scored(suite.standard, suite.evaluation.items, lm_for)


def scored(names: Sequence[str], items: int, lm_for: LmFor) -> dict[str, Measured]:
    """lm-eval's score of each task, for the model that `lm_for` gives. It reseeds the global generators."""
    check_names(names)
    with judged_in_jail(), patiently(names):
        folders = sorted({str(_library() / STANDARD[name].folder) for name in names})
        manager = TaskManager(include_defaults=False, include_path=folders)
        return {name: _measured(lm_for(STANDARD[name]), manager, name, items) for name in names}


def _measured(wrapped: LM, manager: TaskManager, name: str, items: int) -> Measured:
    metric = STANDARD[name].metric
    with contextlib.redirect_stdout(io.StringIO()):
        found = lm_eval.simple_evaluate(
            model=wrapped,
            tasks=[{"group": f"local_{name}", "task": list(_descriptions(name))}],
            task_manager=manager,
            limit=items,
            bootstrap_iters=0,
            confirm_run_unsafe_code=True,  # in the jail: see `judged_in_jail`
        )

    # mmlu has a result a subject; its score is their mean by items
    parts = {part: result for part, result in found["results"].items() if metric in result}
    counts = {part: found["n-samples"][part]["effective"] for part in parts}
    total = sum(counts.values())

    return Measured(
        value=float(sum(parts[part][metric] * counts[part] for part in parts)) / total,
        items=total,
        fewshot=max(found["n-shot"][part] for part in parts),
        version=str(next(iter(found["versions"][part] for part in parts))),
    )


def _descriptions(name: str) -> Iterator[dict[str, Any]]:
    """What lm-eval loads: its own description, with rows of ours where `data_root` is set."""
    root = data_root()
    if name == "mmlu":
        for subject in _subjects(root):
            local = {"custom_dataset": _maker(subject_rows(root, subject))} if root else {}
            yield {"task": f"mmlu_{subject}", **local}
    elif root is None:
        yield {"task": name}
    else:
        yield {"task": name, "custom_dataset": _maker(local_rows(name))}


def _subjects(root: Path | None) -> list[str]:
    """Subjects of mmlu: those of the local files, else all that lm-eval describes. UserError for others."""
    described = (_library() / "mmlu" / "default").glob("mmlu_*.yaml")
    known_to_it = sorted(path.stem.removeprefix("mmlu_") for path in described)
    if root is None:
        return known_to_it

    found = subjects(root)
    if strange := [subject for subject in found if subject not in known_to_it]:
        raise UserError(
            f"lm-eval has no subject {', '.join(strange)}: rename or remove these files below {root / 'mmlu'}, "
            "which holds those of the original release."
        )
    return found


def _maker(rows: Mapping[str, list[dict[str, Any]]]) -> Callable[..., Any]:
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


@contextlib.contextmanager
def patiently(names: Sequence[str]) -> Iterator[None]:
    """Ask the hub once whether it is there; if not, only its cache is read, without the usual half minute of retries.

    Does nothing where `data_root` is set. UserError if data cannot be had.
    """
    if data_root():
        yield
        return

    import datasets
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled  # type: ignore[attr-defined]

    # both libraries read the variable once, when they are imported
    before = constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE
    try:
        HfApi().dataset_info(data_task(STANDARD[names[0]]).hub.id, timeout=PATIENCE)
    except (HTTPError, OfflineModeIsEnabled, OSError):
        constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True

    try:
        yield
    except (OSError, datasets.exceptions.DatasetsError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        folders = " ".join(f"DIR/{STANDARD[name].task}" for name in names)
        raise UserError(
            f"the data of lm-eval's {', '.join(names)} cannot be had from the hub: {said}. Give access to the hub, or "
            f"say data_root=DIR with the published files in {folders} (`bench tasks NAME` names them)."
        ) from None
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before


def base_standard(
    measure: Callable[[], dict[str, Measured]], suite: Suite, key: Mapping[str, object], cache: Path
) -> dict[str, Measured]:
    """What `measure()` returns, from the folder `cache` if it was computed before.

    See `bench.evaluation.cache.base_scores`.

    key: everything that the scores depend on beside the tasks and their rows: model, settings, versions, threads.
    UserError if data is missing, or the file cannot be written.
    """
    if not suite.standard:
        return {}
    whole = {**key, "standard": list(suite.standard), "rows": rows_digest(suite.standard)}
    return measured_once(measure, Measured, whole, cache)


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
