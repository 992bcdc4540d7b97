"""The pages over all suites: the first one, methods, data, how to contribute."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from bench.analysis.across import across
from bench.records.rules import Problem
from leaderboard import home, links, views
from leaderboard.catalogue import Catalogue
from leaderboard.catalogue_pages import listing, method_pages, suite_pages, task_pages
from leaderboard.charts import Html
from leaderboard.documents import document_pages, ordered, title_of
from leaderboard.overview import File, Overview
from leaderboard.pages import Pages


def everything(pages: Pages, overview: Overview, left_out: Sequence[Problem]) -> Iterator[File]:
    """The pages over all suites."""
    yield pages.page("index.html", links.HOME, **_home(overview), left_out=left_out)
    filters = _filters(overview)
    every = listing(overview, pages.catalogue)
    families = [entry for entry in pages.catalogue.methods.values() if "/" in entry.name]
    methods: dict[str, Any] = {
        "rows": overview.methods,
        "filters": filters,
        "costs": views.COSTS,
        "every": every,
        "families": families,
    }
    yield pages.page("methods.html", links.METHODS, **methods)
    yield pages.page("data.html", links.DATA, suites=overview.suites, left_out=left_out)
    yield pages.page("contribute.html", links.CONTRIBUTE)

    yield pages.page("changes.html", links.CHANGES, days=_days(overview))
    yield pages.page("search.html", links.SEARCH, groups=_found(overview, pages.catalogue))

    yield from method_pages(pages, overview, pages.catalogue)
    yield from suite_pages(pages, overview, pages.catalogue)
    yield from task_pages(pages, overview, pages.catalogue)
    yield from document_pages(pages, pages.catalogue)

    # It is shown at addresses of any depth, so that its links must be whole where the site's address is known.
    address = pages.catalogue.address
    yield pages.page("missing.html", links.MISSING, root=f"{address}/" if address else "")


def _home(overview: Overview) -> dict[str, Any]:
    box, gaps = home.answers(overview.choices)
    first = box[0].choice.suite if box else next(iter(overview.pictures), "")
    return {
        "box": box,
        "gaps": gaps,
        "size": home.size(overview.models),
        "pictures": overview.pictures.get(first, []),
        "families": _sections(overview),
        "across": across(overview.scores),
        "differences": {scores.suite: scores.differences for scores in overview.scores},
    }


def _sections(overview: Overview) -> list[tuple[str, str, list[Html]]]:
    """By family, its key, title and sections: of the first suite with a table, of the others in words.

    Suites that compare most come first, as in the box; equal ones by name, as they were taken in.
    """
    found = [
        (kind, title, sorted(overview.home[kind], key=lambda each: -each.rows))
        for kind, title in home.FAMILIES.items()
        if kind in overview.home
    ]
    if not found:
        return []
    (kind, title, (first, *more)), *others = found
    return [
        (kind, title, [first.table, *(each.words for each in more)]),
        *((kind, title, [each.words for each in sections]) for kind, title, sections in others),
    ]


def _days(overview: Overview) -> list[tuple[str, list[tuple[str, str, str, str, int]]]]:
    """What was added, the last day first."""
    ordered = sorted(overview.dates, key=itemgetter(1, 2))
    ordered.sort(key=itemgetter(0), reverse=True)
    return [(day, list(found)) for day, found in groupby(ordered, key=itemgetter(0))]


def _found(overview: Overview, catalogue: Catalogue) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Everything that has a page of its own, by kind: name, path, and what it is in a sentence."""
    labels = [label for label in overview.uses if label not in catalogue.methods]
    methods = [(each.name, links.method_page(each.name), each.summary) for each in catalogue.methods.values()]
    methods += [(label, links.method_page(label), overview.uses[label]["title"]) for label in labels]
    suites = [(each.name, links.suite_page(each.name), each.summary) for each in catalogue.suites.values()]
    suites += [(name, links.suite_page(name), "") for name in overview.names if name not in catalogue.suites]
    tasks = [(each.name, links.task_card(each.name), each.summary) for each in catalogue.tasks.values()]

    documents = [(title_of(text), links.document(path), "") for path, text in ordered(catalogue.documents)]
    documents += [(module.name, f"{links.REFERENCE}#{module.name}", "Reference.") for module in catalogue.reference]
    kinds = {"Methods": sorted(methods), "Suites": sorted(suites), "Tasks": sorted(tasks), "Documents": documents}
    return list(kinds.items())


def _filters(overview: Overview) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        ("suite", [(name, name) for name in overview.names]),
        ("place", sorted(overview.places.items())),
        ("cost", list(views.COSTS.items())),
        ("regime", [(name, name) for name in sorted(overview.regimes)]),
    ]
