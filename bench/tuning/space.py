"""What tuning may change of a method, and the points of that space which are tried.

The space is read from the method's file without running it, so that whoever judges a tuning finds the same points.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import UserError
from bench.records.store import digest_of
from bench.records.track import RATE
from bench.records.tuning import Dimension
from bench.request.suite import Suite
from bench.tuning.sequence import coordinate
from methods._cards import MethodCard
from methods._declared import Declared, defaults, source_of

RANGE = 4.0
"""The learning rate is drawn from the suite's divided by this to the suite's times this."""
DECADE = 10.0
"""A positive range wider than this is drawn on the logarithm."""


@dataclass(frozen=True)
class Point:
    """Settings of a method, all of them, as a record has them; and the learning rate."""

    settings: dict[str, Any]
    learning_rate: float


@dataclass(frozen=True)
class Space:
    """A search space. dimensions: what is drawn, the learning rate first; defaults: the first point.

    seeds: of the learning rate's sequence, which all methods of a suite share, so that trial by trial they try the
    same rates; and of that of the method's own settings.
    """

    dimensions: list[Dimension]
    defaults: Point
    seeds: tuple[str, str]

    def points(self, count: int) -> list[Point]:
        """The defaults, and then the first points of the sequence, no two alike: more trials repeat those of fewer."""
        found = [self.defaults]
        index = 0
        while len(found) < count:
            if (drawn := self._drawn(index)) not in found:
                found.append(drawn)
            index += 1
        return found

    def _drawn(self, index: int) -> Point:
        settings = dict(self.defaults.settings)
        rate = self.defaults.learning_rate
        for place, dimension in enumerate(self.dimensions):
            value = value_at(dimension, coordinate(index, place, self.seeds[dimension.name != RATE]))
            if dimension.name == RATE:
                rate = float(value)
            elif dimension.task is None:
                settings[dimension.name] = value
            else:
                settings[dimension.name] = [*_entries(settings, self.defaults.settings, dimension.name), value]

        return Point(settings, rate)


def _entries(settings: Mapping[str, Any], first: Mapping[str, Any], name: str) -> list[Any]:
    """What is drawn so far of a setting per task; its default is not a part of it."""
    return [] if settings[name] is first[name] else settings[name]


def space_of(card: MethodCard, suite: Suite) -> Space:
    """The space of a method on a suite. UserError if the method's file does not say it in literals."""
    declared = source_of(card.path, card.class_name).settings
    if declared is None:
        raise UserError(f"{card.path.name}: the settings of {card.name} are not all written as literals: not tunable.")
    rate = suite.recipe.learning_rate
    step = Dimension(name=RATE, kind="real", low=rate / RANGE, high=min(1.0, rate * RANGE), log=True)
    own = [dimension for name, one in declared.items() for dimension in _dimensions(name, one, suite.tasks)]
    seeds = digest_of([suite.digest]), digest_of([suite.digest, card.name, card.version])
    return Space([step, *own], Point(defaults(declared), rate), seeds)


def _dimensions(name: str, declared: Declared, tasks: Sequence[str]) -> Iterator[Dimension]:
    """The dimensions of one setting: none if the method's file gives it no range to search."""
    if declared.search is None:
        return

    choices = list(declared.choices) or ([False, True] if declared.kind == "bool" else [])
    low, high = map(float, declared.search)
    log = low > 0 and (declared.log or high > DECADE * low)

    for task in tasks if declared.per_task else [None]:
        if choices:
            yield Dimension(name=name, task=task, kind="choice", choices=choices)
        elif declared.kind == "int":
            yield Dimension(name=name, task=task, kind="whole", low=low, high=high, log=log)
        else:
            yield Dimension(name=name, task=task, kind="real", low=low, high=high, log=log)


def value_at(dimension: Dimension, part: float) -> Any:
    """The value at a part of the range, in [0, 1): four significant digits, which a command line can repeat."""
    if dimension.kind == "choice":
        return dimension.choices[int(part * len(dimension.choices))]
    whole = dimension.kind == "whole"
    low, high = (dimension.low - 0.5, dimension.high + 0.5) if whole else (dimension.low, dimension.high)
    value = low * math.exp(part * math.log(high / low)) if dimension.log else low + part * (high - low)
    value = round(value) if whole else float(f"{value:.4g}")
    value = min(max(value, dimension.low), dimension.high)
    return int(value) if whole else value
