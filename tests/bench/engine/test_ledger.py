"""The running ledger and the budget it is held against."""

import pytest

from bench.engine.ledger import RunningLedger
from bench.records.schema import Budget, Ledger


def test_snapshot_carries_every_counter():
    running = RunningLedger(steps=2, prompts=3, rollouts=4, sampled_tokens=5, trained_tokens=6)
    spent = running.snapshot()
    assert (spent.steps, spent.prompts, spent.rollouts, spent.sampled_tokens, spent.trained_tokens) == (
        2,
        3,
        4,
        5,
        6,
    )
    assert spent.peak_memory_bytes > 2**20


@pytest.mark.parametrize("counter", sorted(set(Budget.model_fields) - {"wall_seconds", "peak_memory_bytes"}))
def test_every_counter_can_end_a_run(counter):
    running = RunningLedger()
    budget = Budget(**{counter: 10})
    setattr(running, counter, 9)
    assert running.used_up(budget) == ""
    setattr(running, counter, 10)
    assert f"budget.{counter}=10 was reached" in running.used_up(budget)


def test_wall_time_and_memory_can_end_a_run():
    running = RunningLedger()
    assert "wall_seconds" in running.used_up(Budget(wall_seconds=1e-9))
    assert "peak_memory_bytes" in running.used_up(Budget(peak_memory_bytes=1))


def test_a_budget_limits_what_does_not_depend_on_how_it_is_computed():
    """Processor time and tokens computed differ between machines and forms of the step; a limit on them would too."""
    not_limited = {"cpu_seconds", "computed_tokens", "rollout_tokens"}
    assert set(Budget.model_fields) == set(Ledger.model_fields) - not_limited


def test_a_ledger_goes_on_where_another_was():
    first = RunningLedger(steps=2, prompts=3, rollouts=4, reward_calls=7)
    saved = first.state_dict() | {"wall_seconds": 100.0, "peak_memory_bytes": 1 << 60}
    second = RunningLedger()
    second.load_state_dict(saved)
    spent = second.snapshot()
    assert (spent.steps, spent.prompts, spent.rollouts, spent.reward_calls) == (2, 3, 4, 7)
    assert 100 <= spent.wall_seconds < 101
    assert spent.peak_memory_bytes == 1 << 60
    assert "wall_seconds=100 was reached" in second.used_up(Budget(wall_seconds=100))
