"""Suites and tasks that are files: found, named, known by their content, and never among the published ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from bench.request.own import task_file
from bench.request.request import RESULTS, parse_request
from bench.request.suite import load_suite

MIXTURE = """
tasks: [{tasks}]
model: nano
recipe: {{steps: 1, prompts_per_task: 2, rollouts_per_prompt: 2, learning_rate: 1.0e-4, max_reply_tokens: 4}}
evaluation: {{items: 4}}
"""


def rows(path: Path, **more: Any) -> Path:
    lines = [{"prompt": f"{number}+1=", "answer": str(number + 1), **more} for number in range(80)]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def mixture(folder: Path, *tasks: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(MIXTURE.format(tasks=", ".join(tasks)))
    return path


def test_paths_of_a_mixture_start_from_its_folder(tmp_path: Path) -> None:
    rows(tmp_path / "sums.jsonl")
    suite = load_suite(str(mixture(tmp_path, "sums.jsonl:exact", "lookup")))
    assert (suite.name, suite.tasks, suite.seeds) == ("mine", ("sums", "lookup"), (0, 1, 2))
    assert suite.files["sums"].path == str(tmp_path / "sums.jsonl")
    assert suite.own


def test_a_mixture_is_exploratory_and_its_records_go_to_a_store_of_their_own(tmp_path: Path) -> None:
    request = parse_request(["method=uniform", f"suite={mixture(tmp_path, 'lookup')}", "seed=77"])
    assert request.exploratory
    assert request.store == Path("runs")
    with pytest.raises(UserError, match="holds the published results, and mine is of your own files: say store=runs"):
        parse_request(["method=uniform", f"suite={mixture(tmp_path, 'lookup')}", f"store={RESULTS}"])


def test_the_digest_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        rows(folder / "sums.jsonl", verifier="exact")
    first, second = (load_suite(str(mixture(folder, "sums.jsonl"))) for folder in folders)
    assert first.digest == second.digest
    assert first.file == second.file

    rows(folders[1] / "sums.jsonl", verifier="number")
    assert load_suite(str(mixture(folders[1], "sums.jsonl"))).digest != first.digest


def test_a_changed_verifier_is_another_task(tmp_path: Path) -> None:
    rows(tmp_path / "sums.jsonl")
    check = tmp_path / "check.py"
    check.write_text("def score(reply, row): return 1.0")
    _, before = task_file("sums.jsonl:check.py:score", tmp_path)
    check.write_text("def score(reply, row): return 0.0")
    assert task_file("sums.jsonl:check.py:score", tmp_path)[1].digest != before.digest


def test_tasks_on_the_command_line_change_the_suite_by_their_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["method=uniform", "suite=smoke-v1", "tasks=sums.jsonl:exact,lookup"]
    rows(tmp_path / "sums.jsonl")
    request = parse_request(words)
    assert request.overrides == {"tasks": ["sums", "lookup"]}  # a record says nothing of this machine
    rows(tmp_path / "sums.jsonl", note="other")
    assert parse_request(words).suite.name != request.suite.name


def test_the_verifier_is_read_from_the_first_line(tmp_path: Path) -> None:
    rows(tmp_path / "sums.jsonl", verifier="number")
    assert task_file(str(tmp_path / "sums.jsonl"))[1].verifier == "number"
    assert task_file(f"{tmp_path / 'sums.jsonl'}:exact")[1].verifier == "exact"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("gone.jsonl:exact", "there is no file"),
        ("sums.jsonl", "has no verifier. Say one of number, choice, exact, formula, python-tests, or file.py:function"),
        ("sums.jsonl:nubmer", "is no verifier. Did you mean 'number'"),
        ("sums.jsonl:check.py:score", "there is no file"),
        ("9 lives.jsonl:exact", "a task is called as its file is"),
        ("code.py:exact", "leave :exact out"),
    ],
)
def test_a_wrong_entry_is_one_clear_sentence(tmp_path: Path, entry: str, said: str) -> None:
    rows(tmp_path / "sums.jsonl")
    rows(tmp_path / "9 lives.jsonl")
    (tmp_path / "code.py").touch()
    with pytest.raises(UserError) as error:
        task_file(entry, tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("smoke-v1.yaml", "tasks: [lookup]", "smoke-v1 is a suite of the project"),
        ("my mix.yaml", "tasks: [lookup]", "a suite is called as its file is"),
        ("mix.yaml", "tasks: [", "is not YAML"),
        ("mix.yaml", "[1]", "must be a mapping"),
        ("mix.yaml", "tasks: [lookup]\nfiles: {lookup: x}", "files is found by the harness"),
        ("mix.yaml", "tasks: [lookup]", "mix.yaml: model: Field required"),
    ],
)
def test_a_wrong_mixture_is_one_clear_sentence(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError) as error:
        load_suite(str(tmp_path / name))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
