"""One question from the published files and from the hub is one row, and the hash of the data is the same."""

import json
from pathlib import Path

import pytest
from datasets import Dataset

from bench.errors import UserError
from tasks import DataTask, data_hash
from tasks._data import load
from tasks._registry import all_tasks

QA = ["arc_challenge", "arc_easy", "boolq", "commonsenseqa", "finqa", "mmlu", "openbookqa"]


@pytest.mark.parametrize("name", QA)
def test_both_origins_give_the_same_rows(name: str, hand_written: Path, tmp_path: Path) -> None:
    task = all_tasks()[name]
    assert isinstance(task, DataTask)
    for split, part in task.hub.splits.items():
        rows = json.loads((hand_written / name / "hub" / f"{part}.json").read_text())
        folder = tmp_path / name / (task.hub.config or "data")
        folder.mkdir(parents=True, exist_ok=True)
        Dataset.from_list(rows).to_parquet(folder / f"{part}-00000-of-00001.parquet")
        assert len(load(task, hand_written)[split]) == len(rows)
    assert load(task, tmp_path) == load(task, hand_written)
    hashes = [data_hash(load(task, root)["heldout"]) for root in (tmp_path, hand_written)]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        ("arc_easy", "train.json", '[{"instruction": "Who?", "answer": "answer1"}]', "row 1: field 'instruction' "),
        (
            "arc_easy",
            "train.json",
            json.dumps(
                [
                    {
                        "instruction": "Please choose the correct answer to the question: Q?\n\n"
                        "Answer1: a Answer2: b\n\nAnswer format: answer1/answer2",
                        "answer": "answer3",
                    }
                ]
            ),
            r"row 1: field 'answerKey' should be one of the labels \['1', '2'\], but is '3'",
        ),
        ("boolq", "dev.jsonl", '{"question": "q", "passage": "p", "answer": "yes"}', "should be true or false"),
        ("mmlu", "test/x_test.csv", "q,a,b,c,d,E", "line 1: field 'answer' should be one of 'A', 'B', 'C', 'D'"),
        ("mmlu", "test/x_test.csv", "q,a,b,c,A", "line 1 is off: 6 fields are expected, 5 found"),
        ("finqa", "test.json", '[{"pre_text": "p"}]', "field 'pre_text' should be a list of text, but is 'p'"),
        ("openbookqa", "test.jsonl", '{"question": {"stem": "s"}}', "field 'question.choices' should be a list of"),
    ],
)
def test_a_row_off_the_schema_is_told(
    name: str, file: str, text: str, message: str, hand_written: Path, tmp_path: Path
) -> None:
    task = all_tasks()[name]
    assert isinstance(task, DataTask)
    copy(hand_written / name, tmp_path / name)
    (tmp_path / name / file).write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load(task, tmp_path)
    assert str(tmp_path / name / file) in str(caught.value)


def copy(source: Path, target: Path) -> None:
    for file in source.rglob("*.*"):
        if file.is_file():
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())


def test_questions_without_a_usable_result_are_left_out(hand_written: Path, tmp_path: Path) -> None:
    """FinQA has results that its own program could not compute."""
    task = all_tasks()["finqa"]
    assert isinstance(task, DataTask)
    copy(hand_written / "finqa", tmp_path / "finqa")
    rows = json.loads((tmp_path / "finqa" / "test.json").read_text())
    rows[0]["qa"]["exe_ans"], rows[1]["qa"]["exe_ans"] = "n/a", float("inf")
    (tmp_path / "finqa" / "test.json").write_text(json.dumps(rows))
    assert len(load(task, tmp_path)["heldout"]) == len(rows) - 2


def test_one_boolq_file_is_split_by_the_prompt(hand_written: Path, tmp_path: Path) -> None:
    task = all_tasks()["boolq"]
    assert isinstance(task, DataTask)
    (tmp_path / "boolq").mkdir()
    lines = [json.dumps({"question": f"is it {n}", "passage": "p", "answer": n % 2 == 0}) for n in range(80)]
    (tmp_path / "boolq" / "boolq.jsonl").write_text("\n".join(lines))
    rows = load(task, tmp_path)
    assert len(rows["train"]) + len(rows["heldout"]) == 80
    assert len(rows["heldout"]) == pytest.approx(10, abs=8)  # one in eight
