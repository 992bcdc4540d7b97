"""The area under the training reward, and when a target is reached, by hand."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.analysis.metrics import reward_area, time_to_target
from bench.analysis.runs import Run

MakeRun = Callable[..., Run]
BEFORE = 0.25
"""Held-out reward of the base model in records that are made here: 10 of 40 items."""


def rising(*levels: float) -> list[list[float]]:
    return [[level] for level in levels]


def test_the_area_is_the_mean_reward_minus_the_reward_before(make_run: MakeRun) -> None:
    run = make_run(tasks=1, points=4, curves={"reward": rising(0.2, 0.3, 0.4, 0.5)})
    assert reward_area(run) == pytest.approx(0.35 - BEFORE)


def test_windows_count_by_their_steps(make_run: MakeRun) -> None:
    """Eight steps at 0.2, then two at 0.6."""
    run = make_run(tasks=1, points=2, curves={"steps": [8, 10], "reward": rising(0.2, 0.6)})
    assert reward_area(run) == pytest.approx((8 * 0.2 + 2 * 0.6) / 10 - BEFORE)


def test_the_area_is_the_mean_over_tasks(make_run: MakeRun) -> None:
    rewards = np.random.default_rng(0).random((8, 3))
    run = make_run(tasks=3, points=8, curves={"reward": rewards.tolist()})
    before = np.array([task.before.mean for task in run.record.tasks])
    assert reward_area(run) == pytest.approx((rewards.mean(axis=0) - before).mean())


def test_a_diagnostic_task_is_not_in_the_area(make_run: MakeRun) -> None:
    run = make_run(tasks=2, points=2, curves={"reward": [[0.4, 0.9], [0.4, 0.9]]})
    tasks = [run.record.tasks[0], run.record.tasks[1].model_copy(update={"scored": False})]
    assert reward_area(Run(run.path, run.record.model_copy(update={"tasks": tasks}))) == pytest.approx(0.4 - BEFORE)


def test_a_task_without_prompts_in_a_window_counts_where_it_had_some(make_run: MakeRun) -> None:
    run = make_run(tasks=1, points=3, curves={"reward": [[None], [0.3], [0.5]]})
    assert reward_area(run) == pytest.approx(0.4 - BEFORE)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "failed"}, 0.0),
        ({"curves": {"reward": [[None, None, None]] * 8}}, None),
        ({"use": {"acts_on": ["RunPlan"]}}, None),
    ],
)
def test_what_has_no_area(make_run: MakeRun, fields: dict[str, Any], expected: float | None) -> None:
    """A run that is not done gained nothing; supervised runs have no rewards, plans have several trainings."""
    assert reward_area(make_run(**fields)) == expected


def test_the_target_is_a_share_of_the_references_final_reward(make_run: MakeRun) -> None:
    """The reference ends at 0.4, so that the target is 0.38: a method at 0.4 from step 10 of 20 on spent half."""
    reference = make_run(tasks=1, points=20, curves={"reward": rising(*[0.1] * 10, *[0.4] * 10)})
    soon = make_run("soon", tasks=1, points=20, curves={"reward": rising(*[0.1] * 4, *[0.39] * 16)})
    never = make_run("never", tasks=1, points=20, curves={"reward": rising(*[0.37] * 20)})
    assert (found := time_to_target([soon], [reference])) is not None
    assert (found.share, found.reached, found.runs) == (pytest.approx(5 / 20), 1, 1)
    assert (own := time_to_target([reference], [reference])) is not None
    assert own.share == pytest.approx(11 / 20)
    assert (missed := time_to_target([never], [reference])) is not None
    assert (missed.share, missed.reached) == (math.inf, 0)


def test_half_of_the_seeds_decide_whether_it_was_missed(make_run: MakeRun) -> None:
    flat = {"reward": rising(*[0.4] * 20)}
    reference = [make_run(seed=seed, tasks=1, points=20, curves=flat) for seed in range(3)]
    runs = [make_run("m", seed=seed, tasks=1, points=20, curves=flat) for seed in (0, 1)]
    broken = make_run("m", seed=2, tasks=1, points=20, status="failed")
    assert (found := time_to_target([*runs, broken], reference)) is not None
    assert (found.share, found.reached, found.runs) == (pytest.approx(1 / 20), 2, 3)
    assert time_to_target(runs, []) is None
