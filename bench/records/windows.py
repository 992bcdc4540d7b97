"""The windows that curves are averaged over: how many a record has room for, and where they end."""

from bench.records.schema import CURVE_GENERATIONS, MAX_POINTS, MOST_NUMBERS, OPTIONAL_CURVES, Curves

PER_RUN = ("update_norm", "clipped", "gradient_cosine", "move_cosine", "plain_norm")
"""Curves with one number a point, not one a task."""


def window_ends(count: int, numbers: int) -> list[int]:
    """Last steps of the windows of `count` steps, from 1, with so many numbers a step; [] without a step."""
    points = min(count, MAX_POINTS, max(1, MOST_NUMBERS // numbers))
    return [round(point * count / points) for point in range(1, points + 1)]


def generations(curves: Curves) -> int:
    """How many of CURVE_GENERATIONS the curves have; those of a damaged record up to the first that is not whole."""
    whole = [all(getattr(curves, name) for name in names) for names in CURVE_GENERATIONS]
    return [*whole, False].index(False)


def numbers_a_step(tasks: int, kept: int) -> int:
    """Numbers that curves keep of one step; kept: how many of CURVE_GENERATIONS there are."""
    later = [name for generation in CURVE_GENERATIONS[:kept] for name in generation]
    names = [name for name in Curves.model_fields if name != "steps" and (name in later or name not in OPTIONAL_CURVES)]
    single = [name for name in names if name in PER_RUN]
    pairs = tasks * (tasks - 1) // 2
    return len(single) + pairs + (len(names) - len(single) - 1) * tasks
