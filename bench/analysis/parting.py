"""When the training rewards of two methods part for good, and how the two weighed the tasks then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.analysis.runs import Run
from bench.analysis.significance import ALPHA, adjusted
from bench.analysis.statistics import Interval, t_interval

STRETCHES = 6
"""Equal parts of a run that are looked at. More of them are shorter, noisier, and correct harder."""
FEWEST_SEEDS = 3
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Apart:
    """How much of something each task got from the two methods, mean over seeds; None where it is not known."""

    task: str
    first: float | None
    other: float | None
    p: float | None
    """The p-value of the difference over seeds, corrected over the tasks."""


@dataclass(frozen=True)
class Parting:
    """The first stretch in which the rewards differ and from which on one method stays ahead."""

    first: int
    """The first step of the stretch, from 1, on the scale of the run with more steps."""
    last: int
    steps: int
    reward: Interval
    """Training reward of the first method minus that of the other in the stretch, over seeds."""
    p: float
    """The p-value, corrected over the stretches, and over the tasks where there are several curves."""
    weights: Sequence[Apart]
    """Realised weights of the task gradients in the stretch, [K]."""
    shares: Sequence[Apart]
    """Shares of the prompts in it, [K]."""


def parting(pairs: Sequence[tuple[Run, Run]]) -> dict[str, Parting | None]:
    """The partings of the mean training reward over tasks (""), and of each task's; None where there is none.

    pairs: runs of the same seed, done. A curve is cut into STRETCHES equal parts of the run. It parts in the first
    stretch whose paired difference over seeds is resolved at 5 % after correction, if the difference keeps its
    sign in every later stretch. The mean is one family of tests, all tasks together another. A curve that has a
    stretch without any prompt is left out, as are all with fewer than FEWEST_SEEDS pairs, which resolve nothing.
    """
    if len(pairs) < FEWEST_SEEDS:
        return {}
    gaps = np.array([_stretches(first, "reward") - _stretches(other, "reward") for first, other in pairs])
    scored = list(pairs[0][0].scored)
    mean = _found(pairs, gaps[:, :, scored].mean(axis=2, keepdims=True), [""])
    return mean | _found(pairs, gaps, pairs[0][0].tasks)


def _found(pairs: Sequence[tuple[Run, Run]], gaps: Array, names: Sequence[str]) -> dict[str, Parting | None]:
    """Partings of curves by name; gaps: [seeds, STRETCHES, curves], NaN where a reward is not known."""
    curves = {name: gaps[:, :, place] for place, name in enumerate(names) if np.isfinite(gaps[:, :, place]).all()}
    p_values = _corrected(
        {f"{part} {name}": curve[:, part] for name, curve in curves.items() for part in range(STRETCHES)}
    )

    result: dict[str, Parting | None] = {}
    for name, curve in curves.items():
        # To part for good, the difference must keep its sign to the end, resolved or not.
        signs = np.sign(curve.mean(axis=0))
        p = [p_values[f"{part} {name}"] for part in range(STRETCHES)]
        good = [part for part in range(STRETCHES) if p[part] <= ALPHA and (signs[part:] == signs[part]).all()]
        result[name] = _parting(pairs, good[0], curve, p[good[0]]) if good else None

    return result


def _parting(pairs: Sequence[tuple[Run, Run]], part: int, curve: Array, p: float) -> Parting:
    steps = max(run.record.curves.steps[-1] for pair in pairs for run in pair)
    return Parting(
        first=part * steps // STRETCHES + 1,
        last=(part + 1) * steps // STRETCHES,
        steps=steps,
        reward=t_interval(curve[:, part].tolist()),
        p=p,
        weights=_apart(pairs, "weights", part),
        shares=_apart(pairs, "task_share", part),
    )


def _apart(pairs: Sequence[tuple[Run, Run]], curve: str, part: int) -> list[Apart]:
    first, other = (np.array([_stretches(pair[side], curve)[part] for pair in pairs]) for side in (0, 1))
    names = pairs[0][0].tasks
    known = {name: (first - other)[:, place] for place, name in enumerate(names)}
    p = _corrected({name: gap for name, gap in known.items() if np.isfinite(gap).all()})
    means = zip(names, first.mean(axis=0), other.mean(axis=0), strict=True)
    return [Apart(name, _known(own), _known(peer), p.get(name)) for name, own, peer in means]


def _corrected(gaps: Mapping[str, Array]) -> dict[str, float]:
    """The corrected p-values of paired differences over seeds, by name."""
    return adjusted({name: dict(enumerate(gap.tolist())) for name, gap in gaps.items()})


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _stretches(run: Run, curve: str) -> Array:
    """Means of a curve over equal parts of the run, [STRETCHES, K], windows by their steps; NaN where nothing is known.

    A window that lies across a cut counts in both parts by what it has there.
    """
    curves = run.record.curves
    values = np.array(getattr(curves, curve), dtype=np.float64)
    edges = np.array(list(pairwise([0, *curves.steps])), dtype=np.float64) / curves.steps[-1] * STRETCHES

    result = np.full((STRETCHES, len(run.tasks)), np.nan)
    for part in range(STRETCHES):
        overlap = np.minimum(edges[:, 1], part + 1) - np.maximum(edges[:, 0], part)
        weight = np.where(np.isnan(values), 0.0, np.maximum(overlap, 0.0)[:, None])
        total = weight.sum(axis=0)
        known = total > 0
        result[part, known] = (np.nan_to_num(values) * weight).sum(axis=0)[known] / total[known]

    return result
