"""A run of a suite that says by task what is scored, whose advantages are scaled, and who has fewer rows."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.request.request import parse_request
from bench.run.story import run

SMOKE = ("suite=smoke-v1", "recipe.steps=2", "evaluation.items=8")


class Silent:
    """A watcher that shows nothing."""

    def phase(self, name: str) -> None:
        """Nothing."""

    def step(self, step: int, total: int, rewards: Mapping[str, float]) -> None:
        """Nothing."""


def test_what_a_suite_says_by_task_reaches_the_run(tmp_path: Path) -> None:
    """What is not scored, whose advantages are louder, and who has fewer rows."""
    words = ["method=uniform", "tasks=arithmetic,coin_addition", "scored=arithmetic", "recipe.prompts_per_task=4"]
    plain, louder, fewer = (
        run(parse_request([*SMOKE, f"store={tmp_path}", *words, *more]), Silent()).record
        for more in ([], ["advantage_scale=arithmetic:8"], ["rows=arithmetic:64"])
    )
    assert [task.scored for task in plain.tasks] == [True, False]
    assert plain.mean_gain == plain.tasks[0].gain

    first, scaled = (record.curves.mean_abs_advantage[0] for record in (plain, louder))
    assert scaled[0] == pytest.approx(8 * first[0], rel=1e-3)
    assert scaled[1] == first[1] > 0
    same = [a.data_hash == b.data_hash for a, b in zip(plain.tasks, fewer.tasks, strict=True)]
    assert same == [False, True]
