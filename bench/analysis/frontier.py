"""What static weights reach, and what a method leaves on the table beside them; gain against cost.

Fixed task weights are the rival that every dynamic method must beat. A suite's sweep is a list of points that were
trained; nothing is said of points between them, which were not.
"""

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BySeed = Mapping[int, float]
ALIKE = 2
"""Decimals of a relative cost: what costs within 1 % of another costs the same."""


def best_static(sweep: Sequence[BySeed], budget: int) -> dict[int, float]:
    """What the best of `budget` static points scores on each seed, expected over which points were tried.

    sweep: scores by seed, one mapping a point; budget: from 1 to the number of points. On each seed the best point is
    the one with the largest mean on the other seeds, so that choosing does not flatter the choice. Seeds that a point
    lacks are left out; empty with fewer than two seeds.
    """
    seeds = sorted(set.intersection(*(set(point) for point in sweep))) if sweep else []
    if len(seeds) < 2:
        return {}

    scores = np.array([[point[seed] for seed in seeds] for point in sweep], dtype=np.float64)
    chance = _chance_of_being_chosen(len(sweep), budget)
    others = (scores.sum(axis=1, keepdims=True) - scores) / (len(seeds) - 1)
    order = np.argsort(-others, axis=0, kind="stable")
    expected = chance @ np.take_along_axis(scores, order, axis=0)

    return dict(zip(seeds, expected.tolist(), strict=True))


def efficient(costs: Mapping[str, float], gains: Mapping[str, float]) -> list[str]:
    """Names on the efficient frontier, cheapest first: no other gains as much for less, or more for as much.

    costs: relative to the reference's; those that differ by less than 1 % are the same.
    """
    rounded = {name: round(cost, ALIKE) for name, cost in costs.items()}
    order = sorted(rounded.keys() & gains.keys(), key=lambda name: (rounded[name], -gains[name], name))
    found: list[str] = []
    for name in order:
        if not found or gains[name] > gains[found[-1]]:
            found.append(name)

    return found


def _chance_of_being_chosen(points: int, budget: int) -> Array:
    """The chance that the point of each rank, 0 the best, is the best of `budget` drawn without replacement."""
    if not 1 <= budget <= points:
        raise ValueError(f"a budget of {budget} among {points} points; it lies between 1 and their number")

    draws = comb(points, budget)
    return np.array([comb(points - 1 - rank, budget - 1) / draws for rank in range(points)])
