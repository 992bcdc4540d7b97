"""Points of static weights: a designed grid, and two more between its best.

Fixed weights are the rival that every dynamic method must beat, and they are only as good a rival as the points that
are tried: corners alone, 20 to 1 on one task, are extremes that no one would train with.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from bench.request.suite import Suite

CORNER = 20
"""How much more a corner of the grid weighs its task than each other."""
INTERIOR = 4
"""The same of a point on the way there, where the suite has few enough scored tasks."""
MOST_TASKS = 6
"""Scored tasks up to which the grid has those: about sixteen points in all, however many tasks there are."""
REFINED = 2
"""Points that are chosen by what the grid's points gain."""
SAME = 0.02
"""Logarithms of weights, [K] with mean 0, that are nowhere further apart are one point."""
EQUAL = "uniform"
"""The label of equal weights, which the reference has."""

Weights = Mapping[str, float]
"""Weight by task; 1 for a task that is not named. Only ratios matter."""


def designed(suite: Suite, lengths: Sequence[float], norms: Sequence[float | None]) -> dict[str, Weights]:
    """The grid by label: corners, interior points, reply lengths, inverse norms, and nothing on tasks not scored.

    lengths, norms: mean reply tokens and squared gradient norms of `uniform`, [K]; a norm that is not positive is
    taken for the smallest that is.
    """
    least = min((norm for norm in norms if norm and norm > 0), default=1.0)
    sizes = [max(norm or 0.0, least) ** 0.5 for norm in norms]
    scored = suite.scored_tasks
    factors = (CORNER, INTERIOR) if len(scored) <= MOST_TASKS else (CORNER,)

    grid: dict[str, Weights] = {f"{factor} on {name}": {name: float(factor)} for factor in factors for name in scored}
    spread = {
        "reply length": lengths,
        "root of reply length": [length**0.5 for length in lengths],
        "inverse norm": [1 / size for size in sizes],
        "root of inverse norm": [size**-0.5 for size in sizes],
    }
    grid |= {label: _of_all(suite, weights) for label, weights in spread.items()}

    if unscored := [name for name in suite.tasks if name not in scored]:
        grid["none on tasks that are not scored"] = dict.fromkeys(unscored, 0.0)
    return grid


def refined(suite: Suite, grid: Mapping[str, Weights], gains: Mapping[str, float]) -> dict[str, Weights]:
    """Two points half way, in logarithms, between the points that gain most: the best pairs that give a new point.

    gains: mean gain by label of the grid, and of `uniform`, whose weights are equal. Measured on tuning seeds, so that
    choosing does not flatter what is reported.
    """
    known = {EQUAL: {}, **grid}
    logarithms = {label: _logarithms(suite, weights) for label, weights in known.items()}
    seen = list(logarithms.values())
    ranked = sorted((label for label in known if label in gains), key=lambda label: -gains[label])
    pairs = sorted(combinations(range(len(ranked)), 2), key=lambda pair: pair[::-1])
    found: dict[str, Weights] = {}

    for first, second in pairs:
        one, other = ranked[first], ranked[second]
        middle = _centred([(a + b) / 2 for a, b in zip(logarithms[one], logarithms[other], strict=True)])
        if any(_same(middle, point) for point in seen):
            continue
        seen.append(middle)
        found[f"between {one} and {other}"] = _of_all(suite, [math.exp(value) for value in middle])
        if len(found) == REFINED:
            break

    return found


def written(weights: Weights) -> str:
    """Weights as the command line has them."""
    return ",".join(f"{name}:{weight:.4g}" for name, weight in weights.items())


def in_suite(text: str, suite: str, points: Mapping[str, Weights]) -> str:
    """The text of a suite's file with its `sweep:` replaced by these points, or put at its end."""
    block = "".join(f"{line}\n" for line in sweep_lines(suite, points))
    old = re.compile(r"(?m)^(?:# Static [^\n]*\n)*sweep:[^\n]*\n(?:[ \t]+[^\n]*\n)*")
    return old.sub(lambda _: block, text) if old.search(text) else text.rstrip("\n") + "\n" + block


def sweep_lines(suite: str, points: Mapping[str, Weights]) -> Iterator[str]:
    """`sweep:` of a suite's file, each point with its label."""
    yield f"# Static weights that every dynamic method must beat: bench sweep method=frontier suite={suite} seed=all"
    yield "sweep:"
    for label, weights in points.items():
        yield f'  - "{written(weights)}" # {label}'


def _of_all(suite: Suite, weights: Sequence[float]) -> dict[str, float]:
    """Weights of all tasks, [K], as parts of the largest."""
    return {name: weight / max(weights) for name, weight in zip(suite.tasks, weights, strict=True)}


def _logarithms(suite: Suite, weights: Weights) -> list[float]:
    """Logarithms of all tasks' weights with mean 0 over those that have any; -inf for a weight of 0."""
    return _centred([math.log(weight) if (weight := weights.get(name, 1.0)) else -math.inf for name in suite.tasks])


def _centred(values: Iterable[float]) -> list[float]:
    values = list(values)
    finite = [value for value in values if value > -math.inf]
    mean = sum(finite) / len(finite)
    return [value - mean for value in values]


def _same(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a == b or abs(a - b) <= SAME for a, b in zip(one, other, strict=True))
