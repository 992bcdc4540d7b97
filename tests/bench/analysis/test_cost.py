"""Gain at equal cost, by hand: eight steps in four windows, rewards that rise by a tenth a window."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.analysis.cost import gain_at_equal_cost, overhead, peak_memory, spent, telling, training_gain
from bench.analysis.runs import Run
from bench.records.schema import Record

MakeRecord = Callable[..., Record]
RISING = {"reward": [[0.1, 0.3], [0.2, 0.4], [0.3, 0.5], [0.4, 0.6]]}


def run(make_record: MakeRecord, method: str = "uniform", seed: int = 0, **fields: object) -> Run:
    fields.setdefault("curves", RISING)
    return Run(Path(f"results/nano-v1/{method}/{seed}.json"), make_record(tasks=2, method=method, seed=seed, **fields))


def with_cpu(one: Run, seconds: float) -> Run:
    """The run as a record tells it that counted CPU seconds."""
    ledger = one.record.ledger.model_copy(update={"cpu_seconds": seconds})
    return Run(one.path, one.record.model_copy(update={"ledger": ledger}))


def test_costs_add_up_to_the_ledger(make_record: MakeRecord) -> None:
    """16 prompts and 640 tokens over four equal windows."""
    one = run(make_record)
    assert spent(one, "prompts") == [4, 8, 12, 16]
    assert spent(one, "sampled_tokens") == [160, 320, 480, 640]
    assert spent(with_cpu(one, 4.0), "cpu_seconds") == [1, 2, 3, 4]


def test_tokens_follow_shares_and_lengths(make_record: MakeRecord) -> None:
    """Replies of 5 tokens, then of 15: the later windows are three times as dear."""
    lengths = {"reply_length": [[5.0, 5.0], [5.0, 5.0], [15.0, 15.0], [15.0, 15.0]]}
    assert spent(run(make_record, curves={**RISING, **lengths}), "sampled_tokens") == [80, 160, 400, 640]


def test_training_gain_is_the_last_part_minus_the_first(make_record: MakeRecord) -> None:
    one = run(make_record)
    assert training_gain(one) == pytest.approx(0.3)
    assert training_gain(one, "prompts", 12) == pytest.approx(0.2)
    assert training_gain(one, "prompts", 3) is None, "not one window fits"


def test_a_task_counts_over_the_windows_in_which_it_was_trained(make_record: MakeRecord) -> None:
    """Two specialists one after the other, as in a plan."""
    rewards = {"reward": [[0.1, None], [0.4, None], [None, 0.3], [None, 0.4]]}
    assert training_gain(run(make_record, curves=rewards)) == pytest.approx((0.3 + 0.1) / 2)
    assert training_gain(run(make_record, curves=rewards), "prompts", 8) is None, "the second task is not there yet"


def test_a_run_that_is_not_done_gained_nothing(make_record: MakeRecord) -> None:
    failed = run(make_record, status="failed", reason="it diverged")
    assert training_gain(failed) == 0.0


def test_equal_cost_is_what_the_reference_spent(make_record: MakeRecord) -> None:
    """A method that samples twice as many tokens has its first half counted."""
    dear = run(make_record, "dear", ledger={"sampled_tokens": 1280})
    reference = run(make_record)
    assert gain_at_equal_cost([dear], [reference], "sampled_tokens") == [pytest.approx(0.1)]
    assert gain_at_equal_cost([dear], [reference], "prompts") == [pytest.approx(0.3)]
    assert gain_at_equal_cost([run(make_record, "dear", seed=9)], [reference], "prompts") == []


def test_overhead_is_paired_by_seed_and_by_machine(make_record: MakeRecord) -> None:
    """Twice and eight times the seconds: four times, in the geometric mean; another machine does not count."""
    reference = [with_cpu(run(make_record, seed=seed), 4.0) for seed in (0, 1, 2)]
    slow = [with_cpu(run(make_record, "slow", seed=seed), 4.0 * by) for seed, by in ((0, 2), (1, 8))]
    elsewhere = with_cpu(run(make_record, "slow", seed=2, provenance={"hardware": "another"}), 4.0)
    assert overhead([*slow, elsewhere], reference, "cpu_seconds") == pytest.approx(4.0)
    assert overhead([elsewhere], reference, "cpu_seconds") is None
    assert overhead([elsewhere], reference, "backward_passes") == pytest.approx(1.0)


@pytest.mark.parametrize(("seconds", "kept"), [(None, False), (1.7, False), (0.6, False), (2.0, True), (0.4, True)])
def test_processor_seconds_say_something_only_where_other_work_cannot_explain_them(
    seconds: float | None, kept: bool
) -> None:
    found = telling({"backward_passes": 1.5, "sampled_tokens": None, "cpu_seconds": seconds})
    assert found == {"backward_passes": 1.5, **({"cpu_seconds": seconds} if kept else {})}


def test_wall_time_is_no_currency(make_record: MakeRecord) -> None:
    """Two runs of uniform differed 3.6 times on a shared machine; a record without CPU seconds is not compared."""
    slow = run(make_record, "slow", ledger={"wall_seconds": 400.0})
    assert overhead([slow], [run(make_record)], "cpu_seconds") is None
    assert overhead([slow], [with_cpu(run(make_record), 4.0)], "cpu_seconds") is None
    assert gain_at_equal_cost([slow], [with_cpu(run(make_record), 4.0)], "cpu_seconds") == []


def test_a_diagnostic_task_is_in_no_training_gain(make_record: MakeRecord) -> None:
    one = run(make_record, curves={"reward": [[0.1, 0.9], [0.2, 0.5], [0.3, 0.3], [0.4, 0.1]]})
    tasks = [one.record.tasks[0], one.record.tasks[1].model_copy(update={"scored": False})]
    diagnosed = Run(one.path, one.record.model_copy(update={"tasks": tasks}))
    assert training_gain(diagnosed) == pytest.approx(0.3)


def test_peak_memory_is_the_largest(make_record: MakeRecord) -> None:
    assert peak_memory([run(make_record), run(make_record, ledger={"peak_memory_bytes": 5 << 28})]) == 5 << 28
    assert peak_memory([]) == 0
