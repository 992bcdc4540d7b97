"""`bench tasks`: the list, a card with and without rows at hand, the same as JSON."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli.displays.tasks import card, size_of, task_json, tasks_json
from bench.cli.main import cli
from bench.errors import UserError
from tasks import DataTask, Task
from tasks._data import ROOT
from tasks._registry import all_tasks, get_task
from tasks._samples import UNKNOWN, wrong_replies

DATA = Path(__file__).parents[3] / "tasks" / "data"
DOCUMENT = Path(__file__).parents[4] / "docs" / "tasks.md"
ALL = list(all_tasks().values())


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder is named, no hub is asked; what a command sets is taken back."""
    monkeypatch.setenv(ROOT, "")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)


def bench(*words: str) -> Result:
    return CliRunner().invoke(cli, ["tasks", *words])


def test_the_list_names_every_task_with_sizes_and_source() -> None:
    done = bench()
    assert done.exit_code == 0
    for task in ALL:
        assert task.name in done.output
    for text in ("allenai/ai2_arc", "14,042", "drawn", "0.250"):
        assert text in done.output


def test_the_list_as_json() -> None:
    listed = {one["name"]: one for one in json.loads(bench("--json").output)}
    assert sorted(listed) == sorted(all_tasks())
    arc = listed["arc_easy"]
    assert (arc["domain"], arc["origin"], arc["sizes"]) == ("qa", "allenai/ai2_arc", {"train": 2251, "heldout": 2376})
    assert (arc["licence"], len(arc["commit"])) == ("CC-BY-SA-4.0", 40)
    assert (listed["lookup"]["sizes"], listed["finqa"]["commit"]) == (None, None)
    assert listed["finqa"]["unpinned"].startswith("none: ")
    json.dumps(tasks_json(all_tasks()), allow_nan=False)


def test_a_card_without_rows_says_how_to_provide_them() -> None:
    done = bench("arc_easy")
    assert done.exit_code == 0
    for text in ("revision 210d026f", "Licence: CC-BY-SA-4.0", "A 25.1%", "No data found", "data_root=DIR"):
        assert text in done.output
    found = json.loads(bench("arc_easy", "--json").output)
    assert found["data"] is None
    assert "allenai/ai2_arc" in found["missing"]


def test_a_card_with_rows_shows_the_verifier_at_work() -> None:
    done = bench("arc_easy", "--data-root", str(DATA))
    assert done.exit_code == 0
    for text in ("Rows found, without duplicates: train 8, heldout 8", "Answers among them: A 25.0%", "Answer: "):
        assert text in done.output


@pytest.mark.parametrize("task", ALL, ids=str)
def test_samples_are_one_right_and_two_wrong_replies(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT, str(DATA))
    found = task_json(task)
    assert found["missing"] is None
    assert 1 <= len(found["data"]["samples"]) <= 3
    for sample in found["data"]["samples"]:
        assert [reply["reward"] for reply in sample["replies"]] == [1.0, 0.0, 0.0], sample
        assert len({reply["reply"] for reply in sample["replies"]}) == 3
    assert bool(found["data"]["rows"]) == isinstance(task, DataTask)
    json.dumps(found, allow_nan=False)


def test_a_task_with_one_plausible_wrong_answer_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT, str(DATA))
    task = get_task("boolq")
    row = task.rows("heldout", 1)[0]
    assert wrong_replies(task, row)[1] == UNKNOWN
    assert wrong_replies(task, row) == wrong_replies(task, row)


def test_a_folder_that_is_named_must_serve() -> None:
    done = bench("openbookqa", "--data-root", "nowhere")
    assert isinstance(done.exception, UserError)
    assert "data_root=nowhere is no folder" in str(done.exception)


def test_text_that_looks_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "boolq").mkdir()
    row = {"question": "is [bold]this[/bold] kept", "passage": "[red]x", "answer": True}
    for file in ("train", "dev"):
        (tmp_path / "boolq" / f"{file}.jsonl").write_text(json.dumps(row))
    done = bench("boolq", "--data-root", str(tmp_path))
    assert "[bold]this[/bold]" in done.output
    assert "train 0, heldout 1" in done.output


def test_a_card_needs_no_rows() -> None:
    assert all(card(task)["chance"] == task.chance for task in ALL)


@pytest.mark.parametrize("task", ALL, ids=str)
def test_the_documents_list_it(task: Task) -> None:
    origin, licence = "drawn", "-"
    if isinstance(task, DataTask):
        origin, licence = ", ".join(filter(None, (task.hub.id, task.hub.config))), task.licence
    sizes = f"{size_of(task, 'train')} | {size_of(task, 'heldout')}"
    line = f"| {task.name} | {task.domain} | {origin} | {licence} | {sizes} | {task.chance:.3g} |"
    assert line in DOCUMENT.read_text().splitlines()
