"""Where the spread of a difference comes from: training, the sampled replies of the evaluation, the choice of items."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis.runs import Run

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Standard deviations of one seed's difference in mean gain, by where they come from."""

    training: float
    """What the seeds add beyond the evaluation: other prompts, other order."""
    evaluation: float
    """What sampling the replies to the same held-out items again would change."""
    items: float
    """Standard error from having these held-out items and not others: the same for all seeds, in no interval."""

    @property
    def total(self) -> float:
        """The deviation over seeds, which the intervals show."""
        return math.hypot(self.training, self.evaluation)


def noise(runs: Sequence[Run], reference: Sequence[Run]) -> Noise | None:
    """Variance components of the difference of two methods, over seeds and items of each scored task.

    A crossed analysis of variance of d[seed, item], the reward after training minus the reference's: the residual over
    the number of items is the evaluation's part of a seed's mean, the rest of the spread over seeds is training's.
    None with fewer than two seeds that both finished, or where their items do not match.
    """
    own, peers = ({run.record.seed: run for run in group if run.done} for group in (runs, reference))
    seeds = sorted(own.keys() & peers.keys())
    if len(seeds) < 2:
        return None

    means, residual, item = [], 0.0, 0.0
    scored = own[seeds[0]].scored
    for task in scored:
        rows = [(after(own[seed], task), after(peers[seed], task)) for seed in seeds]
        if len({len(each) for pair in rows for each in pair}) != 1:
            return None
        table = np.array([first - other for first, other in rows])
        seed_means, task_residual, task_items = _components(table)
        means.append(seed_means)
        residual += task_residual
        item += task_items

    # Tasks are summed before the spread is taken: what a seed does to several of them at once must count.
    spread = float(np.mean(means, axis=0).var(ddof=1))
    evaluation = residual / len(scored) ** 2
    return Noise(math.sqrt(max(0.0, spread - evaluation)), math.sqrt(evaluation), math.sqrt(item) / len(scored))


def pooled(found: Iterable[Noise]) -> Noise | None:
    """The root mean square of several, component by component; None of none."""
    parts = [(each.training, each.evaluation, each.items) for each in found]
    if not parts:
        return None
    training, evaluation, items = np.sqrt((np.array(parts) ** 2).mean(axis=0)).tolist()
    return Noise(training, evaluation, items)


def after(run: Run, task: int) -> Array:
    """Rewards of a task's held-out items after training, each the mean over its samples, [items].

    Empty if they were not measured.
    """
    score = run.record.tasks[task].after
    if score is None:
        return np.zeros(0)
    digits = score.items + "0" * (len(score.items) % 2)
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(digits), dtype=np.uint8))
    table = bits[: score.count * score.samples].reshape(score.count, score.samples)
    return np.asarray(table.mean(axis=1), dtype=np.float64)


def _components(table: Array) -> tuple[Array, float, float]:
    """A task's means by seed, the evaluation's variance of such a mean, and the items' variance of the whole mean."""
    seeds, items = table.shape
    by_seed, by_item = table.mean(axis=1), table.mean(axis=0)
    left = table - by_seed[:, None] - by_item[None, :] + table.mean()
    residual = float((left**2).sum()) / max(1, (seeds - 1) * (items - 1))
    between = seeds * float(by_item.var(ddof=1)) if items > 1 else 0.0

    return by_seed, residual / items, max(0.0, between - residual) / seeds / items
