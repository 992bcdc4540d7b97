"""Plans of runs on a problem with exact gradients: what they train, what they spend, what comes out."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import RunInfo, RunPlan, _registry
from methods.order_matters import loudest
from tests.methods.bowls import LAYOUT, PROMPTS, RATE, STEPS, Bowls, MakeSignals, problem

PLANS = tuple(name for name, card in _registry.cards().items() if "RunPlan" in card.acts_on)
DRAWING = ("cascade_rl", "cgpo")
"""Plans whose order of tasks is drawn."""
MERGES: dict[str, dict[str, Any]] = {
    "pcb_merging": {"share": 1.0, "scale": 1.0},
    "task_arithmetic": {"scale": 1.0},
    "ties": {"density": 1.0},
    "tsv_merge": {},
}
"""With these settings, nothing that one task has learned is dropped, but for one entry under PCB-Merging."""


def plan(name: str, tasks: int, seed: int = 0, steps: int = STEPS, **settings: Any) -> RunPlan:
    cls = _registry.load(name)
    run = RunInfo(tasks, torch.full((tasks,), 100), steps, prompts=PROMPTS * tasks)
    method = cls(cls.Settings(**settings), Generator().manual_seed(seed)).start(run)
    assert isinstance(method, RunPlan)
    return method


def alone(task: int, tasks: int) -> list[float]:
    return [float(other == task) for other in range(tasks)]


def specialist(stages: Bowls, task: int) -> Tensor:
    """AdamW from zero on one task."""
    model = torch.zeros_like(stages.now)
    optimizer = torch.optim.AdamW([model], lr=RATE, weight_decay=0.0)
    for _ in range(STEPS):
        model.grad = stages.bends[task] * (model - stages.centres[task])
        optimizer.step()
    return model


@pytest.mark.parametrize("steps", [1, 2, 19])
@pytest.mark.parametrize("tasks", [1, 3, 5, 7])
@pytest.mark.parametrize("name", PLANS)
def test_the_whole_budget_is_used(name: str, tasks: int, steps: int, signals_of: MakeSignals) -> None:
    """And never more. ForkMerge may leave less than one prompt a score."""
    stages = problem(signals_of, tasks, steps)
    method = plan(name, tasks, steps=steps)
    final = method.execute(stages)
    assert final.isfinite().all()
    unused = (tasks + 1 + 3 * tasks) / (PROMPTS * tasks) if stages.scores else 1e-9
    assert abs(stages.left) < unused


@pytest.mark.parametrize("tasks", [1, 2, 5])
@pytest.mark.parametrize("name", PLANS)
def test_a_plan_lowers_the_mean_loss(name: str, tasks: int, signals_of: MakeSignals) -> None:
    stages = problem(signals_of, tasks)
    before = stages.losses(stages.now).mean()
    final = plan(name, tasks).execute(stages)
    assert final.shape == ((tasks, len(stages.now)) if name == "single_task" else (len(stages.now),))
    assert final.dtype == stages.now.dtype
    assert stages.losses(final).mean() < 0.9 * before


@pytest.mark.parametrize("name", PLANS)
def test_the_generator_decides(name: str, signals_of: MakeSignals) -> None:
    """Equal generators give equal models; another gives another where the plan is random."""
    first, second, other = (plan(name, 3, seed).execute(problem(signals_of, 3)) for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert torch.equal(first, other) == (name not in DRAWING)


@pytest.mark.parametrize("name", [name for name in PLANS if name not in DRAWING])
def test_permuting_the_tasks_permutes_the_models(name: str, signals_of: MakeSignals) -> None:
    order = [2, 0, 3, 1]
    plain = plan(name, 4).execute(problem(signals_of, 4))
    moved = plan(name, 4).execute(problem(signals_of, 4, order=order))
    torch.testing.assert_close(moved, plain[order] if plain.ndim == 2 else plain, rtol=1e-9, atol=1e-9)


def test_single_task_trains_each_task_alone_from_the_start(signals_of: MakeSignals) -> None:
    stages = problem(signals_of, 3)
    models = plan("single_task", 3).execute(stages)
    torch.testing.assert_close(models, torch.stack([specialist(stages, task) for task in range(3)]))
    assert stages.done == [(1 / 3, alone(task, 3)) for task in range(3) for _ in range(STEPS)]


@pytest.mark.parametrize("name", MERGES)
def test_merging_one_task_gives_its_specialist(name: str, signals_of: MakeSignals) -> None:
    stages = problem(signals_of, 1)
    final = plan(name, 1, **MERGES[name]).execute(stages)
    differs = (final - specialist(stages, 0)).abs() > 1e-9
    assert differs.sum() == (1 if name == "pcb_merging" else 0)


@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("tasks", [2, 3])
def test_merging_equal_tasks(name: str, tasks: int, signals_of: MakeSignals) -> None:
    """Task arithmetic with scale 1/K and TIES at full density give the specialist that all tasks have."""
    one = problem(signals_of, 1)
    stages = Bowls(one.centres.repeat(tasks, 1), one.bends.repeat(tasks, 1), signals_of)
    settings = {"scale": 1 / tasks} if name == "task_arithmetic" else MERGES[name]
    final = plan(name, tasks, **settings).execute(stages)
    same = (final - specialist(one, 0)).abs() < 1e-9
    expected = {"pcb_merging": len(final) - 1, "tsv_merge": LAYOUT.sizes[0]}  # the entries kept; vectors are averaged
    assert same.sum() >= expected.get(name, len(final))


def test_task_arithmetic_adds_what_the_specialists_learned(signals_of: MakeSignals) -> None:
    stages = problem(signals_of, 3)
    expected = 0.4 * torch.stack([specialist(stages, task) for task in range(3)]).sum(dim=0)
    torch.testing.assert_close(plan("task_arithmetic", 3).execute(stages), expected)


def test_merging_starts_where_the_model_is(signals_of: MakeSignals) -> None:
    """A scale of 0 adds nothing to the start."""
    for name in MERGES:
        stages = problem(signals_of, 2)
        stages.load(torch.arange(len(stages.now)))
        final = plan(name, 2, scale=0.0).execute(stages)
        assert final.tolist() == list(range(len(final)))


def test_cgpo_is_its_algorithm(signals_of: MakeSignals) -> None:
    """Rounds of AdamW steps, one a task in random order, each round extrapolated by alpha; moments go on."""
    stages = problem(signals_of, 3, steps=20)
    final = plan("cgpo", 3, seed=4, steps=20, alpha=1.3).execute(stages)
    source = Generator().manual_seed(4)
    model, orders = torch.zeros_like(final), []
    optimizer = torch.optim.AdamW([model], lr=RATE, weight_decay=0.0)
    for _ in range(20):
        before = model.clone()
        orders += torch.randperm(3, generator=source).tolist()
        for task in orders[-3:]:
            model.grad = stages.bends[task] * (model - stages.centres[task])
            optimizer.step()
        model.copy_(before + 1.3 * (model - before))
    torch.testing.assert_close(final, model)
    torch.testing.assert_close(stages.now, model)
    assert stages.done == [(1 / 3, alone(task, 3)) for task in orders]


def test_order_matters_trains_the_loud_tasks_first(signals_of: MakeSignals) -> None:
    """Five steps of all tasks, 30 of the two that are loud, and 25 of all; three optimizers."""
    stages = problem(signals_of, 5, steps=60, order=[3, 1, 4, 0, 2])
    plan("order_matters", 5, steps=60).execute(stages)
    assert stages.stages == [5, 30, 25]
    mixture, loud = [0.2] * 5, [0.0, 0.5, 0.0, 0.5, 0.0]
    assert stages.done == [(1.0, shares) for shares in [mixture] * 5 + [loud] * 30 + [mixture] * 25]


@pytest.mark.parametrize(
    ("steps", "first", "expected"), [(9, 0.0, [5, 4]), (9, 1.0, [5, 4]), (8, 0.5, [5, 3]), (3, 0.5, [3])]
)
def test_order_matters_in_a_short_run(steps: int, first: float, expected: list[int], signals_of: MakeSignals) -> None:
    """The probe comes first, then the loud tasks, and the last stage takes what is left."""
    stages = problem(signals_of, 3, steps)
    plan("order_matters", 3, steps=steps, first=first).execute(stages)
    assert stages.stages == expected


LOUDEST = [
    # means 2, 3 and 1
    ([[1.0, 3.0, 1.0], [3.0, 3.0, 1.0]], 1, [0.0, 1.0, 0.0]),
    ([[1.0, 3.0, 1.0], [3.0, 3.0, 1.0]], 2, [1.0, 1.0, 0.0]),
    # a step without an estimate is left out: 4 against 3
    ([[torch.nan, 3.0, 1.0], [4.0, 3.0, 1.0]], 1, [1.0, 0.0, 0.0]),
    # signs count in the mean: -1 and 2 give 1/2
    ([[-1.0, 1.0, 0.0], [2.0, 1.0, 0.0]], 1, [0.0, 1.0, 0.0]),
    # equals stay together
    ([[2.0, 2.0, 1.0]], 1, [1.0, 1.0, 0.0]),
    # no estimate is not loud; without any, all are
    ([[torch.nan, 1.0, -1.0]], 2, [0.0, 1.0, 1.0]),
    ([[torch.nan, torch.nan, torch.nan]], 1, [1.0, 1.0, 1.0]),
]


@pytest.mark.parametrize(("norms", "count", "expected"), LOUDEST)
def test_loudest(norms: list[list[float]], count: int, expected: list[float], signals_of: MakeSignals) -> None:
    plain = signals_of(torch.eye(3).double())
    seen = [replace(plain, cross_gramian=torch.tensor(row).double().diag()) for row in norms]
    assert loudest(seen, count).tolist() == expected


def test_forkmerge_spends_as_its_card_says(signals_of: MakeSignals) -> None:
    """Two rounds of 10 joint steps and 10 of each specialist at 1/5; 21 scores of 14 of 30 prompts each."""
    stages = problem(signals_of, 5, steps=60)
    plan("forkmerge", 5, steps=60).execute(stages)
    assert stages.stages == [10] * 12
    assert len(stages.scores) == 2 * (6 + 15)
    one = [(1.0, [0.2] * 5)] * 10 + [(0.2, alone(task, 5)) for task in range(5) for _ in range(10)]
    assert stages.done == one * 2
    assert stages.left == pytest.approx(60 - 40 - 42 * 14 / 30)


def test_forkmerge_keeps_the_best_that_it_scored(signals_of: MakeSignals) -> None:
    stages = problem(signals_of, 4)
    final = plan("forkmerge", 4, rounds=3, grid=4).execute(stages)
    assert stages.losses(final).neg().exp().mean().item() == pytest.approx(max(stages.scores), abs=1e-12)
    assert torch.equal(final, stages.now)


@pytest.mark.parametrize(("tasks", "steps"), [(1, 9), (3, 10)])
def test_forkmerge_without_room_for_a_round_trains_jointly(tasks: int, steps: int, signals_of: MakeSignals) -> None:
    """Three tasks: 13 scores of 7 of 18 prompts cost 91, and training must cost as much; 10 steps have 180."""
    stages = problem(signals_of, tasks, steps)
    plan("forkmerge", tasks, steps=steps).execute(stages)
    assert stages.done == [(1.0, [1 / tasks] * tasks)] * steps
    assert not stages.scores
