"""Frontiers: what static weights reach, and how far a method lies beyond it; gain against cost.

Static weights are what every dynamic method must beat. A suite lists a sweep of them; their mean gains are points in
K dimensions, one a task, and mixing weights moves along between them. A method beats the sweep if it gains more than
any mixture of the points gives on all tasks at once.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

Array = NDArray[np.float64]


def signed_distance(point: Sequence[float], sweep: Sequence[Sequence[float]]) -> float:
    """How much more than the sweep a method gains on every task at once; negative: how much less.

    The largest s with point >= mixture + s on all tasks for no better mixture: s = min over mixtures w (w >= 0, sum
    1) of the largest surplus on a task, max_k (point_k - sum_i w_i sweep_ik), a linear programme. A method that has
    s > 0 lies beyond every mixture on at least one task, by s. point: [K]; sweep: [points][K]; gains.
    """
    points = np.array(sweep, dtype=np.float64)
    count, tasks = points.shape
    cost = np.array([*np.zeros(count), 1.0])
    # point_k - sum_i w_i sweep_ik <= s
    above = np.hstack([-points.T, -np.ones((tasks, 1))])
    result = linprog(
        cost,
        A_ub=above,
        b_ub=-np.array(point, dtype=np.float64),
        A_eq=[[*np.ones(count), 0.0]],
        b_eq=[1.0],
        bounds=[*[(0, None)] * count, (None, None)],
        method="highs",
    )
    if not result.success or result.fun is None:
        raise ArithmeticError(f"the frontier's linear programme has no solution: {result.message}")

    return float(result.fun)


def efficient(costs: Mapping[str, float], gains: Mapping[str, float]) -> list[str]:
    """Names on the efficient frontier, cheapest first: no other gains as much for less, or more for as much."""
    order = sorted(costs.keys() & gains.keys(), key=lambda name: (costs[name], -gains[name], name))

    found: list[str] = []
    for name in order:
        if not found or gains[name] > gains[found[-1]]:
            found.append(name)

    return found
