"""One broken record for every rule."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.records.rules import CHECKS, SIGNALS, problems_in

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
    ("curves.squared_norm", {"curves": {"squared_norm": [[1e101, 1.0, 1.0]] * 4}}),
    ("ledger.wall_seconds", {"ledger": {"wall_seconds": 1e101}}),
    ("provenance.total_seconds", {"provenance": {"total_seconds": 1e101}}),
    ("curves.gramian", {"curves": {"gramian": [[0.5, 9.0, 0.5]] * 4}}),
    ("curves.task_share", {"curves": {"task_share": [[0.5, 0.5, 0.5]] * 4}}),
    ("curves.intended_share", {"curves": {"intended_share": [[0.5, 0.1, 0.1]] * 4}}),
    ("curves.gradient_cosine", {"curves": {"gradient_cosine": [1.5] * 4}}),
    ("curves.move_cosine", {"curves": {"move_cosine": [-1.5] * 4}}),
    ("curves.intended_share", {"curves": {"move_cosine": []}}),
    ("curves.plain_norm", {"curves": {"intended_share": [], "gradient_cosine": [], "move_cosine": []}}),
]


def fields(path: Path, **given: Any) -> list[str]:
    return [problem.field for problem in problems_in(path, **given)]


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
        assert problems_in(save(tmp_path, record, folder), SUITES) == []


@pytest.mark.parametrize(("field", "change"), BROKEN)
def test_a_broken_record_is_found_by_its_field(make_record, save, tmp_path: Path, field, change):
    assert field in fields(save(tmp_path, make(make_record, change)), suites=SUITES)


def test_an_over_budget_run_that_reached_its_budget_is_good(make_record, save, tmp_path: Path):
    record = make_record(status="over_budget", reason="prompts", budget={"steps": None, "prompts": 20})
    assert problems_in(save(tmp_path, record), SUITES) == []


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
    problems = problems_in(save(tmp_path, make_record().model_copy(update={"tasks": unmeasured})))
    assert any("task_a has no score" in str(problem) for problem in problems)


def test_an_identity_that_does_not_recompute_is_found(make_record, save, tmp_path: Path):
    assert fields(save(tmp_path, make_record(identity="0" * 64))) == ["identity"]


def test_what_cannot_be_read_is_one_problem_that_names_the_field(make_record, save, tmp_path: Path):
    path = save(tmp_path, make_record())
    path.write_text(path.read_text().replace('"seed": 0', '"seed": -1'))
    (problem,) = problems_in(path)
    assert (problem.file, problem.field) == (path, "seed")
    path.write_text("nonsense")
    assert fields(path) == ["(file)"]


def test_a_problem_says_where_what_and_what_to_do(make_record, save, tmp_path: Path):
    path = save(tmp_path, make_record(outcome_digest="1" * 64))
    assert str(problems_in(path)[0]).startswith(f"{path}: field outcome_digest: is 111111111111, the record's")
    assert str(problems_in(path)[0]).endswith("Run the method again; do not edit a record.")


def test_every_rule_is_listed_once():
    assert len({*CHECKS, *SIGNALS}) == len(CHECKS) + len(SIGNALS) == 22


STEPWISE: list[tuple[str, dict[str, Any]]] = [
    # of a run of four steps, one a window; two tasks have norms 2 and 8, product 1, weights and shares 1/2
    ("curves.update_norm", {"update_norm": [1.7] * 4}),
    ("curves.update_norm", {"update_norm": [1.8] * 4}),
    ("curves.update_norm", {"weights": [[0.5, 0.51]] * 4}),
    ("curves.plain_norm", {"plain_norm": [1.732, 1.732, 1.7, 1.732]}),
    ("curves.plain_norm", {"plain_norm": [1.8] * 4}),
    ("curves.gradient_cosine", {"gradient_cosine": [0.99] * 4}),
    ("curves.squared_norm", {"squared_norm": [[2.3, 8.0]] * 4}),
    ("curves.reward", {"reward": [[0.3, 0.25]] * 4}),
    ("curves.reward", {"reward": [[None, 0.25]] * 4}),
    ("curves.silent", {"silent": [[0.5, 0.0]] * 4}),
    ("curves.silent", {"silent": [[1.0, 0.0]] * 4}),
    ("curves.task_share", {"task_share": [[0.4, 0.6]] * 4}),
]


@pytest.fixture
def stepwise(make_record):
    """A record of four steps of two tasks with one prompt each."""

    def make(ratios: Sequence[float | None] = (), **changes: Any):
        curves = {name: [value] * 4 for name, value in EXACT.items()} | {"steps": [1, 2, 3, 4]} | changes
        counted = {"steps": 4, "prompts": 8, "rollouts": 64, "sampled_tokens": 320}
        return make_record(tasks=2, curves=curves, ledger=counted, budget={"steps": 4}, signal_to_noise=list(ratios))

    return make


EXACT: dict[str, Any] = {
    "squared_norm": [2.0, 8.0],
    "naive_squared_norm": [2.0, 8.0],
    "gramian": [1.0],
    "weights": [0.5, 0.5],
    "reward": [0.25, 0.25],
    "mean_abs_advantage": [0.5, 0.5],
    "prompt_length": [12.0, 12.0],
    "reply_length": [5.0, 5.0],
    "silent": [0.0, 0.0],
    "task_share": [0.5, 0.5],
    "update_norm": 1.732,
    "clipped": 1.0,
    "intended_share": [0.5, 0.5],
    "gradient_cosine": 1.0,
    "move_cosine": 0.95,
    "plain_norm": 1.732,
}
"""The update is half of both gradients: its squared length is (2 + 2 * 1 + 8) / 4 = 3. So is the plain mean."""


def test_a_record_of_single_steps_is_good(stepwise, save, tmp_path: Path):
    assert problems_in(save(tmp_path, stepwise())) == []


@pytest.mark.parametrize(("field", "change"), STEPWISE)
def test_numbers_of_a_step_that_do_not_go_together(stepwise, save, tmp_path: Path, field, change):
    assert field in fields(save(tmp_path, stepwise(**change)))


SIGNAL = [[1.0, None], [-0.5, None], [None, None], [1.0, 8.0]]
"""Unbiased squared norms beside naive ones of 2 and 8: 1.5 over 6 - 1.5, and 8 over 0."""


@pytest.mark.parametrize(
    ("ratios", "good"),
    [
        ((0.3333, None), True), ((0.334, None), True), ((), True),
        ((0.35, None), False), ((-0.3333, None), False), ((None, None), False), ((0.3333, 0.5), False),
        ((0.3333,), False), ((0.3333, None, None), False),
    ],
)  # fmt: skip
def test_signal_to_noise_follows_from_squared_norms(stepwise, save, tmp_path: Path, ratios, good: bool):
    found = fields(save(tmp_path, stepwise(ratios, squared_norm=SIGNAL)))
    assert found == ([] if good else ["signal_to_noise"])


def test_reply_lengths_sum_to_the_sampled_tokens(make_record, save, tmp_path: Path):
    """8 steps of 3 tasks with 8 replies of 5 tokens; which prompts a sampler had in a window of two is not known."""
    for hook, wrong in (("LossWeighting", ["ledger.sampled_tokens"]), ("TaskSampling", [])):
        record = make_record(ledger={"sampled_tokens": 950}, use={"acts_on": [hook]})
        assert fields(save(tmp_path, record)) == wrong


def test_a_direction_may_be_longer_than_its_part_in_the_span_and_not_shorter(make_record, stepwise, save, tmp_path):
    for norm, wrong in ((2.5, []), (1.5, ["curves.update_norm"])):
        record = stepwise(update_norm=[norm] * 4, gradient_cosine=[1.732 / norm] * 4 if norm > 2 else [1.0] * 4)
        use = record.method.model_copy(update={"acts_on": ["GradientCombination"]})
        path = save(tmp_path, record.model_copy(update={"method": use}))
        assert [field for field in fields(path) if field != "curves.gradient_cosine"] == wrong
