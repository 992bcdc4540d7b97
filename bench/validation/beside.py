"""What comes beside the records of a contribution: suites, methods, and the harness that is to judge them."""

from collections.abc import Iterator
from pathlib import Path

from bench.records.rules import FILE, Problem
from bench.request.suite import Suite
from bench.validation.checkout import Checkout
from bench.validation.code import SHOWN, WITHIN
from methods._digests import CONTRACT

HARNESS = ("bench/", "tasks/", "assets/", ".github/", "pyproject.toml", "constraints.txt")
"""Places whose code makes or judges every record."""


def suites(checkout: Checkout) -> Iterator[Problem]:
    """One mixture has one name: a copy would begin a table of its own, without those who did better."""
    older = dict[str, str]()
    for name, suite in sorted(checkout.suites.items(), key=lambda each: not checkout.has(_file(checkout, each[0]))):
        path = _file(checkout, name)
        same = older.setdefault(suite.digest, name)
        kin = older.setdefault(_without_seeds(suite), name)
        if checkout.has(path):
            continue

        if same != name:
            yield Problem(path, FILE, f"has the digest of suites/{same}.yaml: it is one suite", "Use that suite.")
        elif kin != name:
            said = f"differs from suites/{kin}.yaml in its seeds alone"
            yield Problem(path, FILE, said, "Seeds are fixed before a method is run: say why these.", "warning")


def _file(checkout: Checkout, name: str) -> Path:
    return checkout.root / "suites" / f"{name}.yaml"


def _without_seeds(suite: Suite) -> str:
    return f"without seeds: {suite.model_copy(update={'seeds': (0,)}).digest}"


def methods(checkout: Checkout) -> Iterator[Problem]:
    """Every method's code names only what it may; one line a file and reason, whoever has records."""
    for path in sorted({card.path for card in checkout.cards.values()}):
        card = next(card for card in checkout.cards.values() if card.path == path)
        for refusal in checkout.refusals(card)[:SHOWN]:
            yield Problem(path, FILE, str(refusal), WITHIN)


def harness(checkout: Checkout) -> Iterator[Problem]:
    """A contribution of records that changes the code behind all records, or what judges them, needs a second look."""
    contract = [f"methods/{name}.py" for name in sorted(CONTRACT)]
    places = [file for file in checkout.history.files if file.startswith(HARNESS) or file in contract]
    # A sparse checkout lacks most of them: what is not there was not changed here.
    changed = [file for file in places if (checkout.root / file).is_file() and not checkout.has(checkout.root / file)]
    for file in changed[:SHOWN]:
        said = f"changes with the contribution that brings records ({len(changed)} such files)"
        yield Problem(checkout.root / file, FILE, said, "Hand it in by itself, before the records.", "warning")
