"""One broken record for every rule."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.records.validation import CHECKS, check

SUITES = {"nano-v1": {"seeds": [0, 1, 2], "recipe": {"rollouts_per_prompt": 8}}}

BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("suite.name", {"suite": "smoke-v1"}),
    ("seed", {"seed": 7}),
    ("suite.overrides", {"suite": {"name": "nano-v1", "overrides": {"recipe.steps": 3}}}),
    ("suite.overrides", {"suite": {"name": "nano-v1~0123abcd"}}),
    ("outcome_digest", {"outcome_digest": "1" * 64}),
    ("reason", {"reason": "it was late"}),
    ("reason", {"status": "failed"}),
    ("curves.steps", {"curves": {"steps": [2, 4, 4, 8]}}),
    ("curves.steps", {"curves": {"steps": [0, 2, 4, 8]}}),
    ("curves.steps", {"ledger": {"steps": 7}}),
    ("curves.reward", {"curves": {"reward": [[0.5, 0.5]] * 4}}),
    ("curves.gramian", {"curves": {"gramian": [[0.5, 0.5]] * 4}}),
    ("ledger.steps", {"ledger": {"steps": 9}}),
    ("ledger.trained_tokens", {"budget": {"trained_tokens": 10}}),
    ("status", {"status": "over_budget", "reason": "prompts", "budget": {"steps": 9}}),
    ("ledger.rollouts", {"ledger": {"rollouts": 193}}),
    ("ledger.rollouts", {"ledger": {"rollouts": 24}}),
    ("ledger.rollouts", {"ledger": {"sampled_tokens": 10}}),
    ("ledger.rollouts", {"ledger": {"prompts": 0}}),
]


def fields(path: Path, **given: Any) -> list[str]:
    return [problem.field for problem in check(path, **given)]


def make(make_record, change: dict[str, Any]):
    if isinstance(change.get("suite"), dict):
        change = {**change, "suite": {**make_record().suite.model_dump(), **change["suite"]}}
        suite = change.pop("suite")
        record = make_record(**change)
        return record.model_copy(update={"suite": type(record.suite).model_validate(suite)})
    return make_record(**change)


@pytest.mark.parametrize("method", ["uniform", "torchjd/UPGrad"])
def test_a_good_record_has_no_problem(make_record, save, tmp_path: Path, method):
    record = make_record(method=method)
    for folder in (method, f"{method}+0123abcd"):
        assert check(save(tmp_path, record, folder), SUITES) == []


@pytest.mark.parametrize(("field", "change"), BROKEN)
def test_a_broken_record_is_found_by_its_field(make_record, save, tmp_path: Path, field, change):
    assert field in fields(save(tmp_path, make(make_record, change)), suites=SUITES)


def test_an_over_budget_run_that_reached_its_budget_is_good(make_record, save, tmp_path: Path):
    record = make_record(status="over_budget", reason="prompts", budget={"steps": None, "prompts": 20})
    assert check(save(tmp_path, record), SUITES) == []


def test_a_moved_file_is_found(make_record, save, tmp_path: Path):
    path = save(tmp_path, make_record())
    moved = tmp_path / "smoke-v1" / "pcgrad" / "1.json"
    moved.parent.mkdir(parents=True)
    shutil.copy(path, moved)
    assert fields(moved) == ["suite.name", "method.name", "seed"]


def test_tasks_have_distinct_names_and_positions(make_record, save, tmp_path: Path):
    first, second = make_record(tasks=2).tasks
    twins = [first, second.model_copy(update={"name": first.name, "position": first.position})]
    path = save(tmp_path, make_record(tasks=2).model_copy(update={"tasks": twins}))
    assert fields(path).count("tasks") == 2


def test_a_done_run_measured_every_task(make_record, save, tmp_path: Path):
    first, *rest = make_record().tasks
    unmeasured = [first.model_copy(update={"after": None}), *rest]
    problems = check(save(tmp_path, make_record().model_copy(update={"tasks": unmeasured})))
    assert any("task_a has no score" in str(problem) for problem in problems)


def test_an_identity_that_does_not_recompute_is_found(make_record, save, tmp_path: Path):
    assert fields(save(tmp_path, make_record(identity="0" * 64))) == ["identity"]


def test_what_cannot_be_read_is_one_problem_that_names_the_field(make_record, save, tmp_path: Path):
    path = save(tmp_path, make_record())
    path.write_text(path.read_text().replace('"seed": 0', '"seed": -1'))
    (problem,) = check(path)
    assert (problem.file, problem.field) == (path, "seed")
    path.write_text("nonsense")
    assert fields(path) == ["(file)"]


def test_a_problem_says_where_what_and_what_to_do(make_record, save, tmp_path: Path):
    path = save(tmp_path, make_record(outcome_digest="1" * 64))
    assert str(check(path)[0]).startswith(f"{path}: field outcome_digest: is 111111111111, the record's")
    assert str(check(path)[0]).endswith("Run the method again; do not edit a record.")


def test_every_rule_is_listed_once():
    assert len(set(CHECKS)) == len(CHECKS) == 11
