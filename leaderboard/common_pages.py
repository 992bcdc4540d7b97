"""The pages over all suites: the first one, methods, data, how to contribute."""

from collections.abc import Iterator, Sequence
from typing import Any

from bench.analysis.across import across
from bench.records.rules import Problem
from leaderboard import home, links, views
from leaderboard.overview import File, Overview
from leaderboard.pages import Pages


def everything(pages: Pages, overview: Overview, left_out: Sequence[Problem]) -> Iterator[File]:
    """The pages over all suites."""
    yield pages.page("index.html", links.HOME, **_home(overview), left_out=left_out)
    filters = _filters(overview)
    yield pages.page("methods.html", links.METHODS, rows=overview.methods, filters=filters, costs=views.COSTS)
    yield pages.page("data.html", links.DATA, suites=overview.suites, left_out=left_out)
    yield pages.page("contribute.html", links.CONTRIBUTE)

    for label, sections in sorted(overview.sections.items()):
        use = overview.uses[label]
        same = [other for other, values in sorted(overview.uses.items()) if values["name"] == use["name"]]
        variants = [other for other in same if other != label]
        yield pages.page(
            "method.html", links.method_page(label), label=label, sections=sections, variants=variants, **use
        )


def _home(overview: Overview) -> dict[str, Any]:
    box, gaps = home.answers(overview.choices)
    first = box[0].choice.suite if box else next(iter(overview.pictures), "")
    return {
        "box": box,
        "gaps": gaps,
        "size": home.size(overview.models),
        "pictures": overview.pictures.get(first, []),
        "families": [
            (kind, title, overview.home[kind]) for kind, title in home.FAMILIES.items() if kind in overview.home
        ],
        "across": across(overview.scores),
        "differences": {scores.suite: scores.differences for scores in overview.scores},
    }


def _filters(overview: Overview) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        ("suite", [(name, name) for name in overview.names]),
        ("place", sorted(overview.places.items())),
        ("cost", list(views.COSTS.items())),
        ("regime", [(name, name) for name in sorted(overview.regimes)]),
    ]
