"""Where the spread of a difference comes from: recovered from made-up runs, and recomputed by least squares."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.noise import Noise, after, noise, pooled
from bench.analysis.runs import Run
from bench.records.schema import Record, Score

Rewards = np.ndarray


def scored(rewards: Rewards) -> Score:
    bits = "".join("1" if reward else "0" for reward in rewards.ravel())
    padded = bits + "0" * (-len(bits) % 4)
    digits = "".join(f"{int(padded[place : place + 4], 2):x}" for place in range(0, len(padded), 4))
    samples = rewards.shape[1] if rewards.ndim == 2 else 1
    return Score(mean=float(np.mean(rewards)), items=digits, count=len(rewards), samples=samples)


def runs(make_record: Callable[..., Record], method: str, table: Rewards) -> list[Run]:
    """One run a seed from rewards after training, [seeds, tasks, items] or [seeds, tasks, items, samples]."""
    made = []
    for seed, rows in enumerate(table):
        record = make_record(tasks=len(rows), method=method, seed=seed)
        tasks = [task.model_copy(update={"after": scored(row)}) for task, row in zip(record.tasks, rows, strict=True)]
        made.append(Run(Path(f"r/nano-v1/{method}/{seed}.json"), record.model_copy(update={"tasks": tasks})))
    return made


def test_items_are_read_as_they_were_written(make_record: Callable[..., Record]) -> None:
    rewards = np.random.default_rng(0).integers(0, 2, size=(1, 1, 37))
    assert after(runs(make_record, "m", rewards)[0], 0).tolist() == rewards[0, 0].tolist()


def test_sampled_replies_are_told_from_training(make_record: Callable[..., Record]) -> None:
    """300 seeds of two methods: a seed moves all items by 0.08, every reply is a coin of its item's chance."""
    chance = np.random.default_rng(1)
    seeds, tasks, items, moved = 300, 2, 240, 0.08
    base = chance.uniform(0.3, 0.7, size=(tasks, items))
    shift = chance.normal(0, moved, size=(seeds, tasks, 1))
    first = chance.random((seeds, tasks, items)) < np.clip(base + shift, 0, 1)
    other = chance.random((seeds, tasks, items)) < base
    found = noise(runs(make_record, "m", first), runs(make_record, "uniform", other))
    assert found is not None
    evaluation = math.sqrt(2 * (base * (1 - base)).mean(axis=1).sum() / items) / tasks
    assert found.training == pytest.approx(moved / math.sqrt(tasks), rel=0.15)
    assert found.evaluation == pytest.approx(evaluation, rel=0.1)
    assert found.items < 0.01, "both methods know every item equally well"


def test_two_samples_halve_the_variance_of_sampling_and_leave_training_s(make_record: Callable[..., Record]) -> None:
    """The unit is the item: its samples are averaged first, and what a seed does to all items stays as it is."""
    chance = np.random.default_rng(3)
    seeds, items, moved = 300, 240, 0.08
    base = chance.uniform(0.3, 0.7, size=(1, items, 1))
    shift = chance.normal(0, moved, size=(seeds, 1, 1, 1))
    first = chance.random((seeds, 1, items, 2)) < np.clip(base + shift, 0, 1)
    other = chance.random((seeds, 1, items, 2)) < base
    both = noise(runs(make_record, "m", first), runs(make_record, "uniform", other))
    single = noise(runs(make_record, "m", first[..., 0]), runs(make_record, "uniform", other[..., 0]))
    assert both is not None
    assert single is not None
    assert both.evaluation == pytest.approx(single.evaluation / math.sqrt(2), rel=0.05)
    assert both.training == pytest.approx(moved, rel=0.15)
    assert single.training == pytest.approx(moved, rel=0.15)


def test_the_components_by_least_squares(make_record: Callable[..., Record]) -> None:
    """One task: residual of the fit of seed and item effects, over its degrees of freedom, over the items."""
    chance = np.random.default_rng(2)
    first, other = chance.integers(0, 2, size=(2, 4, 1, 12))
    found = noise(runs(make_record, "m", first), runs(make_record, "uniform", other))
    data = (first - other)[:, 0].astype(float)
    seeds, items = (indicator.reshape(48, -1) for indicator in np.meshgrid(range(4), range(12), indexing="ij"))
    design = np.hstack([seeds == range(4), items == range(12)]).astype(float)
    fit, *_ = np.linalg.lstsq(design, data.ravel(), rcond=None)
    residual = ((data.ravel() - design @ fit) ** 2).sum() / (3 * 11)
    spread = data.mean(axis=1).var(ddof=1)
    between = 4 * data.mean(axis=0).var(ddof=1)
    assert found is not None
    assert found.evaluation == pytest.approx(math.sqrt(residual / 12))
    assert found.training == pytest.approx(math.sqrt(max(0, spread - residual / 12)))
    assert found.items == pytest.approx(math.sqrt(max(0, between - residual) / 4 / 12))


def test_without_two_pairs_nothing_is_known(make_record: Callable[..., Record]) -> None:
    rewards = np.ones((2, 1, 8), dtype=int)
    both, one = runs(make_record, "m", rewards), runs(make_record, "uniform", rewards[:1])
    assert noise(both, one) is None
    longer = runs(make_record, "uniform", np.ones((2, 1, 9), dtype=int))
    assert noise(both, longer) is None, "other items cannot be paired"


def test_noises_are_pooled_by_their_squares() -> None:
    assert pooled([Noise(3.0, 0.0, 1.0), Noise(4.0, 2.0, 1.0)]) == Noise(
        pytest.approx(math.sqrt(12.5)), pytest.approx(math.sqrt(2)), pytest.approx(1.0)
    )
    assert pooled([]) is None
    assert Noise(3.0, 4.0, 0.0).total == 5.0
