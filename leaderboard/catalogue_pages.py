"""A page for every method, suite and task: what it is, its results so far, or the command that would make some."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.statistics import Interval
from bench.analysis.text import plural
from leaderboard import links, views
from leaderboard.catalogue import Catalogue, MethodEntry
from leaderboard.overview import File, Overview
from leaderboard.pages import Pages

USUAL = "nano-v2"
"""The suite that a page names where a method has no row."""
NAMED = 3
"""Most suites of which the list of methods gives the figures; of more it counts the verdicts."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list of methods."""

    entry: MethodEntry
    place: str
    rows: Sequence[tuple[str, Interval | None, str]]
    """Suite, with the method inside for a wrapper; difference to the reference, None for its own; verdict."""
    elsewhere: bool
    """It has results that no comparison holds: too few seeds, or one model a task."""

    @property
    def tally(self) -> str:
        """The verdicts counted; '' where there are few enough to be named, or none because it is the reference."""
        verdicts = [verdict for _, difference, verdict in self.rows if difference]
        return tally(verdicts) if len(verdicts) > NAMED else ""


def method_pages(pages: Pages, overview: Overview, catalogue: Catalogue) -> Iterator[File]:
    """A page for every method of the catalogue, and for every row's method and settings."""
    for label in sorted({*overview.sections, *catalogue.methods}):
        use = overview.uses.get(label)
        name = use["name"] if use else label
        entry = catalogue.methods.get(name)
        same = [other for other, values in sorted(overview.uses.items()) if values["name"] == name and other != label]
        facts = use or (of_entry(entry) if entry else {})
        yield pages.page(
            "method.html",
            links.method_page(label),
            label=label,
            entry=entry,
            code=code_link(catalogue, entry, facts.get("commit", "")),
            sections=overview.sections.get(label, []),
            variants=[(other, overview.uses[other]["title"]) for other in same],
            standing=[row for row in _of(overview, label) if row[1]],
            around=[(other, overview.uses[other]["title"]) for other in _around(overview, label)],
            command=f"{entry.command} suite={USUAL} seed=all" if entry else "",
            **facts,
        )


def suite_pages(pages: Pages, overview: Overview, catalogue: Catalogue) -> Iterator[File]:
    """The list of suites, and a page for each without a record; those with records have theirs already."""
    suites = sorted(catalogue.suites.values(), key=lambda entry: entry.name)
    if suites:
        yield pages.page("suites.html", links.SUITES, suites=suites, run=overview.results, tasks=catalogue.tasks)
    for entry in suites:
        if entry.name not in overview.names:
            yield pages.page("suite_card.html", links.suite_page(entry.name), entry=entry, tasks=catalogue.tasks)


def task_pages(pages: Pages, overview: Overview, catalogue: Catalogue) -> Iterator[File]:
    """The list of tasks, and a page for each."""
    tasks = sorted(catalogue.tasks.values(), key=lambda entry: entry.name)
    used = {
        entry.name: [name for name, suite in sorted(catalogue.suites.items()) if entry.name in suite.tasks]
        for entry in tasks
    }
    if tasks:
        yield pages.page("tasks.html", links.TASKS, tasks=tasks, used=used)
    for entry in tasks:
        yield pages.page(
            "task_card.html",
            links.task_card(entry.name),
            entry=entry,
            used=used[entry.name],
            run=set(overview.names),
            figures=overview.tasks.get(entry.name, []),
        )


def listing(overview: Overview, catalogue: Catalogue) -> list[Listed]:
    """Every method that is not one of a family, by name."""
    own = sorted((entry for entry in catalogue.methods.values() if "/" not in entry.name), key=lambda entry: entry.name)
    return [
        Listed(entry, place(entry.acts_on), _rows(overview, entry.name), entry.name in overview.sections)
        for entry in own
    ]


def tally(verdicts: Sequence[str]) -> str:
    """How often each verdict was given, in words."""
    better, worse = (sum(each.startswith(kind) for each in verdicts) for kind in ("better", "worse"))
    return f"better in {better}, worse in {worse}, of {plural(len(verdicts), 'suite')}"


def place(acts_on: Sequence[str]) -> str:
    """Where in a step hook classes act, in words."""
    return ", ".join(views.PLACES.get(kind, kind) for kind in acts_on)


def of_entry(entry: MethodEntry) -> dict[str, Any]:
    """What a method's page says of a method without rows."""
    return {
        "name": entry.name,
        "title": entry.name,
        "method": None,
        "places": [place(entry.acts_on)],
        "file": entry.file,
        "settings_rows": [],
        "commit": "",
    }


def code_link(catalogue: Catalogue, entry: MethodEntry | None, commit: str) -> str:
    """Where the method's file can be read as it was run; '' if the catalogue knows no such place."""
    return f"{catalogue.code}/{commit or 'HEAD'}/{entry.file}" if catalogue.code and entry else ""


def _rows(overview: Overview, name: str) -> list[tuple[str, Interval | None, str]]:
    """Rows at default settings; of a wrapper, those of the methods inside, which are named."""
    around = [
        (f"{suite}, around {label.partition('@')[0]}", difference, verdict)
        for label in _around(overview, name)
        for suite, difference, verdict in _of(overview, label)
    ]
    return [*_of(overview, name), *around]


def _of(overview: Overview, label: str) -> list[tuple[str, Interval | None, str]]:
    """What each suite that compares a row says of it."""
    return [(scores.suite, *scores.differences[label]) for scores in overview.scores if label in scores.differences]


def _around(overview: Overview, wrapper: str) -> list[str]:
    """Labels of the rows in which a wrapper acts around a method."""
    return sorted(label for label in overview.sections if label.endswith(f"@{wrapper}"))
