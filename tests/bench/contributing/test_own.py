"""Templates of tasks and suites: every one works as it is written."""

from pathlib import Path

import pytest

from bench.cli.commands import catalogue
from bench.contributing.authoring import examine_task
from bench.contributing.own import KINDS, task_meant, write_suite, write_task
from bench.errors import UserError
from bench.request.request import parse_request
from bench.run.prepare import prepare


def test_the_command_offers_every_kind() -> None:
    assert catalogue.KINDS == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_task_keeps_the_contract(tmp_path: Path, kind: str) -> None:
    file = write_task("fresh", kind, tmp_path)[0]
    task = task_meant(str(file))
    assert task is not None
    report = examine_task(task)
    assert [verdict for verdict in report.verdicts if verdict.violations] == []
    assert (report.name, report.kind) == ("fresh", "task")


def test_a_new_suite_is_ready_to_run(tmp_path: Path) -> None:
    write_task("fresh", "exact", tmp_path)
    (path,) = write_suite("mixture", "fresh.jsonl,addition", tmp_path)
    prepared = prepare(parse_request(["method=pcgrad", f"suite={path}"]))
    assert [task.name for task in prepared.tasks] == ["fresh", "addition"]
    assert [data.get("file") for data in prepared.data] == [prepared.request.suite.files["fresh"].digest, None]
    assert prepared.path == Path("runs/mixture/pcgrad/0.json")

    again = prepare(parse_request(["method=pcgrad", f"suite={path}"]))
    assert again.identity == prepared.identity
    with (tmp_path / "fresh.jsonl").open("a") as file:
        file.write('{"prompt": "1+1=", "answer": "2"}\n')
    assert prepare(parse_request(["method=pcgrad", f"suite={path}"])).identity != prepared.identity


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda folder: write_task("my task", "exact", folder), "'my_task' would do"),
        (lambda folder: write_task("lookup", "exact", folder), "lookup is a task of the project"),
        (lambda folder: write_suite("nano-v1", folder=folder), "nano-v1 is a suite of the project"),
        (lambda folder: write_suite("mine", "lokup", folder), "neither a task of the project nor a file"),
        (lambda folder: [write_task("twice", "exact", folder) for _ in range(2)], "is there already"),
    ],
)
def test_a_name_that_will_not_do_is_refused(tmp_path: Path, call, said: str) -> None:
    with pytest.raises(UserError, match=said):
        call(tmp_path)


def test_a_word_means_a_task_only_where_no_method_is_called_so(tmp_path: Path) -> None:
    assert task_meant("pcgrad") is None
    lookup = task_meant("lookup")
    assert lookup is not None
    assert lookup.name == "lookup"
    (tmp_path / "method.py").write_text("from methods import LossWeighting\n")
    assert task_meant(str(tmp_path / "method.py")) is None
