"""Curves: window means, and the way back from the blind order to the suite's."""

import pytest
import torch

from bench.engine.probe import Probe
from bench.records.schema import MAX_BYTES, MAX_POINTS
from bench.records.store import to_text
from methods import Gramian, Signals

NAN = float("nan")


def signals(step: int, norms: list[float], rewards: list[float], matrix: list[list[float]] | None = None) -> Signals:
    count = len(norms)
    gramian = torch.tensor(matrix or torch.diag(torch.tensor(norms).abs()).tolist(), dtype=torch.float64)
    ones = torch.ones(count, dtype=torch.float64)
    return Signals(
        step=step,
        losses=ones,
        rewards=torch.tensor(rewards, dtype=torch.float64),
        mean_abs_advantage=ones,
        lengths=ones,
        prompt_lengths=ones,
        silent=0 * ones,
        shares=ones / count,
        gramian=Gramian(gramian),
        cross_gramian=torch.diag(torch.tensor(norms, dtype=torch.float64)),
    )


def test_curves_are_in_the_suites_order():
    """Blind position i holds suite task order[i]; pairs of the Gramian move with their tasks."""
    probe = Probe()
    matrix = [[1.0, 12.0, 13.0], [12.0, 2.0, 23.0], [13.0, 23.0, 3.0]]
    probe.add(signals(0, [1.0, 2.0, 3.0], [0.1, 0.2, 0.3], matrix), torch.tensor([0.1, 0.2, 0.3]), 1.0, False)
    curves = probe.curves([2, 0, 1])  # suite task 0 is blind 1, 1 is blind 2, 2 is blind 0
    assert curves.reward == [[0.2, 0.3, 0.1]]
    assert curves.squared_norm == [[2.0, 3.0, 1.0]]
    assert curves.gramian == [[23.0, 12.0, 13.0]]


def test_the_plain_mean_is_weighted_by_shares():
    """|(g1 + g2 + g3) / 3| from a Gramian whose entries sum to 24."""
    probe = Probe()
    matrix = [[4.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 6.0]]
    probe.add(signals(0, [1.0, 2.0, 3.0], [0.1, 0.2, 0.3], matrix), torch.tensor([9.0, 0.0, 0.0]), 18.0, False)
    assert probe.curves([2, 0, 1]).plain_norm == [pytest.approx(24**0.5 / 3, rel=1e-3)]


def test_signal_to_noise_is_over_the_steps_that_have_two_halves():
    """Task 0: signals 1 and 3 of naive norms 6 and 6, so 4 / 8; a step without an estimate is left out."""
    probe = Probe()
    for step, (norms, naive) in enumerate([([1.0, NAN], 6.0), ([NAN, NAN], 50.0), ([3.0, NAN], 6.0)]):
        probe.add(signals(step, norms, [0.1, 0.2], [[naive, 0.0], [0.0, 1.0]]), torch.ones(2), 1.0, False)
    assert probe.signal_to_noise([0, 1]) == [0.5, None]
    assert probe.signal_to_noise([1, 0]) == [None, 0.5]
    assert Probe().signal_to_noise([0, 1]) == []


def test_signal_to_noise_is_that_of_the_gradients_drawn():
    """Means of 8 draws from N(mu, I) in 10 dimensions, |mu|^2 = .5: a step's variance is 10 / 8, so the ratio is .4."""
    chance = torch.Generator().manual_seed(0)
    truth = torch.full((10,), 0.05**0.5)
    probe = Probe()
    for step in range(2000):
        first, second = ((truth + torch.randn(4, 10, generator=chance)).mean(dim=0) for _ in range(2))
        whole = (first + second) / 2
        probe.add(
            signals(step, [(first @ second).item()], [0.1], [[(whole @ whole).item()]]), torch.ones(1), 1.0, False
        )
    assert probe.signal_to_noise([0]) == [pytest.approx(0.4, rel=0.1)]


def test_long_runs_become_window_means():
    probe = Probe()
    for step in range(250):
        probe.add(signals(step, [float(step)], [0.5]), torch.ones(1), 1.0, step % 2 == 0)
    curves = probe.curves([0])
    assert len(curves.steps) == MAX_POINTS
    assert curves.steps[-1] == 250
    assert curves.squared_norm[0] == [pytest.approx(0.5)]  # steps 0 and 1
    assert 0 < sum(curves.clipped) / MAX_POINTS < 1


def test_what_was_not_measured_is_none_and_does_not_spoil_its_window():
    probe = Probe()
    for step in range(200):
        values = [NAN, 4.0 if step % 2 else NAN]
        probe.add(signals(step, values, [NAN, 0.5], [[0.0, 0.0], [0.0, 4.0]]), torch.ones(2), 1.0, False)
    curves = probe.curves([0, 1])
    assert curves.squared_norm[0] == [None, 4.0]
    assert curves.reward[0] == [None, 0.5]


def test_a_run_without_a_step_has_empty_curves():
    assert Probe().curves([0, 1]).steps == []


@pytest.mark.parametrize("tasks", [5, 8, 20, 64])
def test_a_long_run_of_many_tasks_fits_into_a_record(tasks, make_record):
    """With numbers as long as they come; at least one point is left."""
    probe, chance = Probe(), torch.Generator().manual_seed(0)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.empty(shape).uniform_(generator=chance)

    for step in range(120):
        norms = (-1.234e-5 * uniform(tasks)).tolist()
        matrix = (-1.234e-5 * uniform(tasks, tasks)).tolist()
        shares = uniform(tasks).softmax(dim=0)
        probe.add(signals(step, norms, shares.tolist(), matrix), -1e-5 * shares, 1.234e-5, False)
        probe.amend(shares, 0.12345, -0.12345)
    curves = probe.curves(range(tasks))
    text = curves.model_dump_json()
    assert 1 <= len(curves.steps) <= MAX_POINTS
    assert curves.steps[-1] == 120
    assert len(text) < MAX_BYTES - len(to_text(make_record(tasks=3))) - 400 * tasks
    assert tasks > 5 or len(curves.steps) >= 60, "the embedded suite keeps a point a step"


def test_a_probe_goes_on_where_another_was():
    first, whole = Probe(), Probe()
    for step in range(5):
        if step == 3:
            saved, first = first.state_dict(), Probe()
            first.load_state_dict(saved)
        for probe in (first, whole):
            probe.add(signals(step, [1.0 / 3, 2.0], [float("nan"), step / 7]), torch.tensor([0.5, 0.5]), 0.1, step == 2)
            probe.amend(torch.tensor([0.25, 0.75]), float("nan"), 0.3)
    assert first.curves([1, 0]) == whole.curves([1, 0])
    empty = Probe()
    empty.load_state_dict(Probe().state_dict())
    assert empty.curves([0, 1]) == Probe().curves([0, 1])
