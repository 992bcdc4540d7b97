"""Names that people read: a method with what its settings do, in place of eight hexadecimal digits."""

import json
from collections.abc import Sequence
from typing import Any

from bench.analysis.rows import SWEEP, Board
from bench.analysis.runs import Run
from bench.analysis.text import amount, listing

LONGEST = 60
"""Characters of settings that are shown."""


def readable(run: Run) -> str:
    """The run's method in words: `pcgrad`, `static, column_addition x20`, `gradient_proportional, exponent = -0.5`.

    Without settings in its label, just the method's name, and its wrapper's.
    """
    method = run.record.method
    name = f"{method.name} in {method.wrapper.name}" if method.wrapper else method.name
    if "+" not in run.label:
        return name
    if method.name == SWEEP and isinstance(weights := method.settings.get("weights"), list) and weights:
        return f"{name}, {_weights(run.tasks, weights)}"

    text = ", ".join(f"{key} = {json.dumps(value)}" for key, value in sorted(method.settings.items()))
    return f"{name}, {text if len(text) <= LONGEST else text[: LONGEST - 1] + chr(0x2026)}"


def tried(board: Board, most: int = 20) -> str:
    """The static points that were trained, in words, the largest mean gain first; empty if there are none.

    most: points that are named.
    """
    points = [row for row in board.frontier if row.static]
    named = "; ".join(readable(row.runs[0]).removeprefix(f"{SWEEP}, ") for row in points[:most])
    return named + (f"; and {len(points) - most} more" if len(points) > most else "")


def _weights(tasks: Sequence[str], weights: Sequence[Any]) -> str:
    """One task raised above equal others, or tasks left out, by name; other weights as a proportion over the least."""
    numbers = [float(weight) for weight in weights]
    least = min(numbers)
    raised = [place for place, weight in enumerate(numbers) if weight > least]
    if len(numbers) == len(tasks) and len(raised) == 1 and least > 0:
        return f"{tasks[raised[0]]} \u00d7{amount(numbers[raised[0]] / least)}"

    none = [name for name, weight in zip(tasks, numbers, strict=False) if weight == 0]
    if len(numbers) == len(tasks) and none and len({weight for weight in numbers if weight > 0}) == 1:
        return f"none on {listing(none)}"

    return "weights " + " : ".join(amount(weight / least if least > 0 else weight) for weight in numbers)
