"""What the pages over all suites need of each suite: collected while one suite after the other is in memory."""

from dataclasses import dataclass, field
from typing import Any

from bench.analysis.across import Scores
from bench.analysis.advice import Choice
from bench.records.track import is_tuned
from leaderboard.charts import Html

File = tuple[str, bytes]
"""A path from the root of the site, and what lies there."""


@dataclass(frozen=True, slots=True)
class Section:
    """A suite on the first page, once with its best rows and once in words alone."""

    rows: int
    table: Html
    words: Html


@dataclass
class Overview:
    """What pages over all suites need of each; no run is kept, so that a suite's records can go."""

    names: list[str] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    """What came out of a suite, in a few words."""
    home: dict[str, list[Section]] = field(default_factory=dict)
    """Sections of the first page by family of suites."""
    choices: dict[str, list[Choice]] = field(default_factory=dict)
    """By the key of a need, what each suite answers."""
    pictures: dict[str, list[Html]] = field(default_factory=dict)
    models: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Name and parameters by suite of the default track."""
    methods: list[Html] = field(default_factory=list)
    suites: list[dict[str, Any]] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    regimes: set[str] = field(default_factory=set)
    scores: list[Scores] = field(default_factory=list)
    """What is compared over suites: those of the default track."""
    sections: dict[str, list[Html]] = field(default_factory=dict)
    tasks: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    """By task, a line a suite: suite, base score, pass@8, score after the reference, best row, its name and gain."""
    dates: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    """Day of the last run, suite, label, name and runs of every row."""
    uses: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What a method's page says of it, from a record of the last suite by name."""

    def add(self, part: "Overview") -> None:
        """Takes in the overview of one suite, which comes after all that were taken in before."""
        for name in ("names", "methods", "suites", "scores", "dates"):
            getattr(self, name).extend(getattr(part, name))
        for name in ("home", "choices", "sections", "tasks"):
            for key, found in getattr(part, name).items():
                getattr(self, name).setdefault(key, []).extend(found)

        self.results |= part.results
        self.pictures |= part.pictures
        self.models |= part.models
        self.places |= part.places
        self.regimes |= part.regimes
        # What was tuned says less of a method than its default settings do.
        tuned = any(map(is_tuned, part.names))
        self.uses |= {label: use for label, use in part.uses.items() if not (tuned and label in self.uses)}
