"""What a run reached beside its final gain: on the way, and how soon.

A task's training reward is measured at every step on fresh prompts, so that its mean over the run sees smaller
differences than a held-out score at the end. Diagnostic tasks, which a suite does not score, are in no number here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bench.analysis.runs import PLAN, Run

Array = NDArray[np.float64]
PART = 8
"""The final reward is the mean over the last eighth of the run."""
WINDOWS = 20
"""Equal parts of a run in which a target is looked for: a single step is too noisy to say that it was reached."""
TARGET = 0.95
"""Share of the reference's final training reward that is the target."""


@dataclass(frozen=True)
class Time:
    """When a method reached the target, over seeds."""

    share: float
    """Median over seeds of the prompts spent by then, as a share of the reference's; infinite for a miss."""
    reached: int
    """Runs that reached the target, of `runs`."""
    runs: int


def reward_area(run: Run) -> float | None:
    """Mean training reward over the steps minus the held-out reward before, mean over tasks, in [-1, 1].

    The area under the training-reward curve, over the number of steps. 0 for a run that is not done; None where a task
    has no reward, as in supervised training, and for a plan, whose curves are those of several trainings.
    """
    if PLAN in run.record.method.acts_on:
        return None
    if not run.done:
        return 0.0

    curves = run.record.curves
    steps = np.diff(np.array([0, *curves.steps], dtype=np.float64))
    areas = []
    for task in run.scored:
        known = [(size, row[task]) for size, row in zip(steps, curves.reward, strict=True) if row[task] is not None]
        if not known:
            return None
        sizes, rewards = np.array(known, dtype=np.float64).T
        areas.append(float(sizes @ rewards / sizes.sum()) - run.record.tasks[task].before.mean)

    return sum(areas) / len(areas)


def time_to_target(runs: Sequence[Run], reference: Sequence[Run]) -> Time | None:
    """When runs first reached TARGET of the final training reward of the reference's run with their seed.

    None without a pair whose rewards are known, and for plans. A run that is not done missed it.
    """
    peers = {run.record.seed: run for run in reference if run.done}
    pairs = [(run, peers[run.record.seed]) for run in runs if run.record.seed in peers]
    times = [time for pair in pairs if (time := _time(*pair)) is not None]
    if not times:
        return None
    return Time(median(times), sum(math.isfinite(time) for time in times), len(times))


def _time(run: Run, reference: Run) -> float | None:
    if PLAN in run.record.method.acts_on:
        return None

    curve = _windows(reference, PART)
    own = _windows(run, WINDOWS) if run.done else np.zeros(WINDOWS)
    if not np.isfinite(curve[-1]) or not np.isfinite(own).any():
        return None

    reached = np.flatnonzero(own >= TARGET * curve[-1])
    spent = run.record.ledger.prompts / reference.record.ledger.prompts
    return float(spent * (reached[0] + 1) / WINDOWS) if len(reached) else math.inf


def _windows(run: Run, count: int) -> Array:
    """Mean training reward over the scored tasks, on equal windows of the run, [count]; NaN where a task has none."""
    rewards = np.array(run.record.curves.reward, dtype=np.float64)
    ends = np.array([0, *run.record.curves.steps], dtype=np.float64)
    if len(ends) < 2:
        return np.full(count, np.nan)

    # A point lies in a window by the steps that they share.
    edges = np.linspace(0, ends[-1], count + 1)
    overlap = np.minimum(edges[1:, None], ends[None, 1:]) - np.maximum(edges[:-1, None], ends[None, :-1])
    overlap = np.clip(overlap, 0, None)
    known = np.isfinite(rewards)
    mass = overlap @ known
    means = np.divide(overlap @ np.where(known, rewards, 0), mass, out=np.full(mass.shape, np.nan), where=mass > 0)

    return np.asarray(means[:, list(run.scored)].mean(axis=1), dtype=np.float64)
