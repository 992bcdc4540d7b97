"""The contract of every task: rows, prompts, verifier, slips, and the lm-eval description beside it."""

import importlib.util
import inspect
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from bench.errors import UserError
from tasks import DataTask, ProceduralTask, Row, Split, Task, data_hash, last_word
from tasks._base import split_of
from tasks._data import ROOT as DATA_ROOT
from tasks._harness import heldout, reward
from tasks._registry import all_tasks, get_task

ROOT = Path(__file__).parents[2]
ALL = list(all_tasks().values())
DRAWN = [task for task in ALL if isinstance(task, ProceduralTask)]
every_task = pytest.mark.parametrize("task", ALL, ids=str)
every_drawn_task = pytest.mark.parametrize("task", DRAWN, ids=str)

HOSTILE = [
    "", " ", "\n" * 1_000_000, "x" * 1_000_000, "1 " * 500_000, "9" * 1_000_000, "\0", "12\0", "\0" * 1000,
    "(" * 10_000 + "1" + ")" * 10_000, "[" * 10_000, "٣", "٣٤", "\uff11\uff12", "²", "½", "٣*x", "🙂" * 1000,
    "\ud800", "nan", "inf", "1e9", "0x10", "1_0", "True", "None", "-", "--5", "__import__('os')", "x" * 41,
    "<end>", "<pad>", "{}", "%s%s%n", "\u202e12", "12\u200b", "\r\n\t\v\f", "print(1)", "while 1: pass",
    "10**10**9",
]  # fmt: skip


@cache
def held(task: Task) -> tuple[Row, ...]:
    """The first 200 held-out rows; of a data set that has fewer, all; of one that has none, training rows."""
    return first(task, splits(task)[-1], 200)


def first(task: Task, split: Split, count: int) -> tuple[Row, ...]:
    """The first rows of a split: as many as there are, where rows are drawn as many as are asked for."""
    if isinstance(task, ProceduralTask):
        return task.rows(split, count)
    return tuple(row for row, _ in zip(task.stream(split), range(count), strict=False))


def splits(task: Task) -> list[Split]:
    """The splits in which a task has rows."""
    both: list[Split] = ["train", "heldout"]
    return [split for split in both if not isinstance(task, DataTask) or split in task.mirror]


def test_both_kinds_of_tasks_are_here() -> None:
    assert len(DRAWN) >= 6
    assert len(ALL) - len(DRAWN) >= 7


def test_every_module_is_a_task() -> None:
    modules = list((ROOT / "tasks").glob("[a-z]*/[a-z]*.py"))
    assert len(modules) >= 6
    assert sorted(modules) == sorted(Path(inspect.getfile(type(task))) for task in ALL)


@every_task
def test_it_lies_in_the_folder_of_its_domain(task: Task) -> None:
    path = Path(inspect.getfile(type(task)))
    assert path.parent.name in (task.domain, "diagnostic")
    assert path.stem == task.name or path.stem.endswith(f"_{task.name}")  # no module may be called `math.math`


@every_task
def test_its_card_is_complete(task: Task) -> None:
    assert task.summary.endswith(".")
    assert task.revision >= 1
    assert 0 <= task.chance < 1
    assert task.chance > 0 or isinstance(task, DataTask)
    assert task.max_reply_tokens >= 1


@every_drawn_task
def test_gold_answers_score_one(task: Task) -> None:
    """Those of data sets are the matter of test_validation.py."""
    assert {task.verify(task.solution(row), row) for row in (*held(task), *task.rows("train", 200))} == {1.0}


@every_drawn_task
def test_slips_score_zero_and_differ(task: Task) -> None:
    """A slip is wrong in the way a model is wrong: not always in the same one."""
    rng = random.Random(0)
    for row in held(task):
        slips = [task.slip(row, rng) for _ in range(3)]
        assert [task.verify(slip, row) for slip in slips] == [0.0] * 3, (row, slips)
    assert len({task.slip(held(task)[0], rng) for _ in range(50)}) > 2


@every_drawn_task
def test_a_right_answer_may_have_white_space_around_but_nothing_after(task: Task) -> None:
    row = held(task)[0]
    assert task.verify(f" {row.answer}\n", row) == 1.0
    assert task.verify(f"{row.answer} no", row) == 0.0
    assert task.verify(f"{row.answer}\0", row) == 0.0


@every_task
def test_hostile_replies_score_zero(task: Task) -> None:
    for reply in HOSTILE:
        for row in held(task)[:3]:
            assert task.verify(reply, row) == float(reply == row.answer), ascii(reply[:40])  # `{}` answers one


@every_drawn_task
def test_digits_of_other_scripts_are_not_digits(task: Task) -> None:
    for row in held(task)[:20]:
        foreign = row.answer.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})
        assert task.verify(foreign, row) == float(foreign == row.answer)


@every_task
def test_the_verifier_is_binary(task: Task) -> None:
    rng, row = random.Random(0), held(task)[0]
    replies = [*HOSTILE, row.answer, task.slip(row, rng), row.answer[:-1], row.answer * 2]
    verdicts = [task.verify(reply, row) for reply in replies]
    assert {type(verdict) for verdict in verdicts} == {float}
    assert set(verdicts) <= {0.0, 1.0}


@every_task
def test_splits_are_disjoint_by_prompt(task: Task) -> None:
    rows = {split: first(task, split, 500) for split in splits(task)}
    prompts = [row.prompt for split in rows for row in rows[split]]
    assert len(set(prompts)) == len(prompts) > 0
    assert all([row.index for row in found] == list(range(len(found))) for found in rows.values())


@every_drawn_task
def test_a_drawn_prompt_lies_in_the_split_of_its_hash(task: Task) -> None:
    for split in splits(task):
        rows = task.rows(split, 500)
        assert len(rows) == 500
        assert {split_of(row.prompt) for row in rows} == {split}


@every_task
def test_fewer_rows_are_a_prefix_of_more(task: Task) -> None:
    count = min(50, len(held(task)))
    assert task.rows(splits(task)[-1], count) == held(task)[:count]


@every_task
def test_rows_are_json(task: Task) -> None:
    """What the verifier sees in lm-eval, after a round trip, is what it sees in training."""
    assert all(json.loads(json.dumps(row.facts)) == row.facts for row in held(task))


def test_more_rows_than_there_are_is_a_user_error() -> None:
    with pytest.raises(UserError, match=r"only \d+ distinct heldout rows; 1000000 were asked"):
        get_task("arithmetic").rows("heldout", 1_000_000)


@pytest.fixture(scope="module")
def hashes(hand_written: Path) -> list[dict[str, list[str]]]:
    """Data hashes of all tasks from two interpreters that order sets and dictionaries differently."""
    code = """
import json
from tasks import data_hash
from tasks._registry import all_tasks
def first(task, split):
    return tuple(row for row, _ in zip(task.stream(split), range(200)))
def hashes(task):
    return [data_hash(first(task, split)) for split in getattr(task, "mirror", ("train", "heldout"))]
print(json.dumps({name: hashes(task) for name, task in all_tasks().items()}))
"""
    found = []
    for seed in ("0", "4242"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, DATA_ROOT: str(hand_written)}
        result = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)
        found.append(json.loads(result.stdout))
    return found


@every_task
def test_rows_are_the_same_in_every_process(
    task: Task, hashes: list[dict[str, list[str]]], hand_written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_ROOT, str(hand_written))
    here = [data_hash(first(task, split, 200)) for split in getattr(task, "mirror", ("train", "heldout"))]
    assert hashes[0][task.name] == hashes[1][task.name] == here


def test_the_data_hash_sees_every_part_of_a_row() -> None:
    row = Row("t", "train", 0, "p", "a", {"f": 1})
    changed = [Row("t", "train", 0, "q", "a", {"f": 1}), Row("t", "train", 0, "p", "b", {"f": 1})]
    changed.append(Row("t", "train", 0, "p", "a", {"f": 2}))
    assert len({data_hash((one,)) for one in (row, *changed)}) == 4


@every_task
def test_its_description_lies_beside_it_and_names_it(task: Task) -> None:
    """A description adds nothing of its own: how a task is asked and scored is shared by all."""
    assert task.harness_yaml.is_file(), f"write {task.harness_yaml.relative_to(ROOT)}; copy another task's"
    assert yaml.safe_load(task.harness_yaml.read_text()) == {
        "include": "../_heldout.yaml",
        "task": task.name,
        "dataset_kwargs": {"task": task.name},
        "metadata": {"version": task.revision, "items": 500},
    }


@every_task
def test_documents_carry_the_rows_to_the_verifier(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Row] = []
    if "heldout" not in splits(task):
        pytest.skip("it is for training only")
    monkeypatch.setattr(type(task), "verify", lambda _self, _reply, row: seen.append(row) or 1.0)
    count = min(20, len(held(task)))
    documents: list[dict[str, Any]] = list(heldout(task=task.name, items=count, version=1)["heldout"])
    assert [reward(document, ["anything"]) for document in documents] == [{"reward": 1.0}] * count
    assert tuple(seen) == task.rows("heldout", count)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The nano tokenizer; where it has not been made yet, one made the same way from fewer texts."""
    made = ROOT / "assets" / "nano" / "tokenizer.json"
    maker = make_nano()
    if made.exists():
        return maker.PreTrainedTokenizerFast(tokenizer_file=str(made))
    return maker.make_tokenizer([row.prompt + row.answer for task in DRAWN for row in task.rows("train", 500)])


def make_nano() -> ModuleType:
    """assets/make_nano.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("make_nano", ROOT / "assets" / "make_nano.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@every_drawn_task
def test_the_longest_answer_fits(task: Task, tokenizer: Any) -> None:
    answers = {row.answer for split in ("train", "heldout") for row in task.rows(split, 500)}
    longest = max(answers, key=lambda answer: len(tokenizer.encode(answer)))
    assert len(tokenizer.encode(longest)) + 1 <= task.max_reply_tokens, longest


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="'arithmetic'"):
        get_task("aritmetic")


@pytest.mark.parametrize(
    ("reply", "word"), [("", ""), (" \n", ""), ("a", "a"), ("a b", "b"), ("a b \n", "b"), ("a\u2003b", "b")]
)
def test_last_word(reply: str, word: str) -> None:
    assert last_word(reply) == word


@pytest.mark.parametrize(
    ("name", "reply", "verdict"),
    [
        (
            "column_addition",
            lambda row: str(row.facts["a"] + row.facts["b"]),
            1.0,
        ),  # the steps are not judged
        ("column_addition", lambda row: row.answer.rpartition(" ")[0], 0.0),
        ("relation", lambda row: row.answer[1:], 1.0),  # nor is the room
        ("relation", lambda row: row.answer[0], 0.0),
        ("lookup", lambda row: " ".join(row.facts["numbers"]), 0.0),
        ("execution", lambda row: f"+{row.answer}", 0.0),
        ("arithmetic", lambda row: f"{row.answer}.0", 0.0),
        ("induction", lambda row: f"0+({row.answer})", 1.0),  # any equivalent expression
        ("induction", lambda row: f"({row.answer})*1.0", 0.0),
        ("induction", lambda row: f"{_shown(row)}[x]", 0.0),  # only the shown pairs
        ("induction", lambda row: f"0)or({row.answer}", 0.0),  # no expression by itself
        ("induction", lambda row: f"{row.answer}{'+0' * 20}", 0.0),  # longer than is looked at
    ],
)
def test_what_counts_as_right(name: str, reply: Callable[[Row], str], verdict: float) -> None:
    task = get_task(name)
    assert {task.verify(reply(row), row) for row in held(task)[:50]} == {verdict}


def _shown(row: Row) -> str:
    return str(dict(zip(row.facts["inputs"][:3], row.facts["outputs"], strict=False))).replace(" ", "")
