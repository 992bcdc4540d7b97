"""Are a tuning's trials those that its budget draws? Who could choose the points would tune by hand, without limit."""

from collections.abc import Iterator
from pathlib import Path

from bench.errors import UserError
from bench.records.rules import Problem
from bench.records.track import FIRST_SEED
from bench.records.tuning import Tuning
from bench.tuning.space import Point, space_of
from bench.validation.checkout import Checkout

AGAIN = "Tune again with `bench tune`; do not edit its files."


def points(path: Path, found: Tuning, checkout: Checkout) -> Iterator[Problem]:
    """Space, points, seeds and items are what the method's file and the suite give.

    A tuning of an earlier version of its method was judged when it came.
    """
    suite = checkout.suites.get(found.suite)
    card = checkout.cards.get(found.method)
    if suite is None or suite.digest != found.suite_digest or card is None or found.version != card.version:
        return
    if found.seeds != [FIRST_SEED + index for index in range(len(found.seeds))]:
        yield Problem(path, "seeds", f"are {found.seeds}; tuning seeds go up by one from {FIRST_SEED}", AGAIN)
    if found.skip != suite.evaluation.items or found.items > suite.evaluation.items:
        said = f"{found.items} items after {found.skip}; the suite reports {suite.evaluation.items}"
        yield Problem(path, "skip", said, AGAIN)

    try:
        space = space_of(card, suite)
    except UserError:
        checkout.skipped[f"points of {found.method}: its file does not say its space in literals"] += 1
        return

    if found.space != space.dimensions:
        yield Problem(path, "space", f"is not that of methods/{card.path.name}", AGAIN)

    for index, (trial, point) in enumerate(zip(found.trials, space.points(len(found.trials)), strict=True)):
        if Point(trial.settings, trial.learning_rate) != point:
            yield Problem(path, f"trials.{index}", "is not the point that the sequence draws", AGAIN)
