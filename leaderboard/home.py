"""What the first page answers: which method for which need, how sure, at what cost, and what is not known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.advice import KINDS, NEEDS, PLAIN, Choice, Need, kind_of
from bench.analysis.rows import Board
from bench.analysis.runs import REFERENCE
from bench.analysis.text import amount, figure, listing, p_value, plural
from leaderboard import links
from leaderboard.views import CURRENCY_NAMES

NAMED = 3
"""Most methods that one cell names."""
SMALLEST_OF_PAPER = 3_000_000_000
"""Parameters of the smallest models of the reference paper (arXiv 2510.19178)."""
LARGE = 20_000_000
"""Parameters from which a model is one of the larger ones: the embedded ones have a million."""
LARGER = "larger"
FAMILIES: Mapping[str, str] = {
    PLAIN: "Nothing broken",
    LARGER: "Larger models",
    **{kind: need.text for kind in KINDS for need in NEEDS if need.kind == kind},
}
"""Titles of the families of suites, in the order of the page, by kind."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the box: a need, and the choice of the suite that compared most methods."""

    need: Need
    choice: Choice
    page: str
    """Where its runs are, from the root of the site."""
    sure: str
    cost: str
    elsewhere: Sequence[Choice]
    """What other suites of the kind choose."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A need without an answer, and the command whose runs would give one."""

    need: Need
    command: str


def family(board: Board) -> str:
    """The family of a suite, a key of FAMILIES."""
    kind = kind_of(board.name)
    large = board.rows[0].runs[0].record.model.parameters >= LARGE
    return LARGER if kind == PLAIN and large else kind


def answers(found: Mapping[str, Sequence[Choice]]) -> tuple[list[Answer], list[Gap]]:
    """The box, from the choices of every suite by the key of a need; and the needs that no suite answers."""
    known = [_answer(need, found[need.key]) for need in NEEDS if found.get(need.key)]
    return known, [Gap(need, command(need)) for need in NEEDS if not found.get(need.key)]


def command(need: Need) -> str:
    """What to run so that a need has an answer."""
    methods = ",".join((REFERENCE, *need.methods)) if need.methods else "all"
    return f"bench sweep method={methods} suite={need.suite} seed=all"


def _answer(need: Need, choices: Sequence[Choice]) -> Answer:
    ordered = sorted(choices, key=lambda each: (-each.compared, -each.parameters, -each.protocol, each.suite))
    first, *rest = ordered
    return Answer(need, first, f"{links.method_page(first.label)}#{first.suite}", sure(first), cost(first), rest)


def sure(choice: Choice) -> str:
    """How sure a choice is, in words."""
    many = plural(choice.compared, "method")
    if choice.rival:
        said = f"None of {many} is better for certain"
        p = _p(choice.rival.p)
        if choice.rival.difference.mean < 0:
            return f"{said}; {choice.rival.label} comes closest, and is below {REFERENCE}, {p}."
        return f"{said}; the largest difference is that of {choice.rival.label}, {p}."

    said = f"Better, {_p(choice.p)}, corrected for {many}."
    if not choice.alike:
        return f"{said} Every other {choice.measure} is smaller."
    more = len(choice.alike) - NAMED
    names = [*choice.alike[:NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"{said} Its {choice.measure} cannot be distinguished from that of {listing(names)}."


def _p(p: float | None) -> str:
    text = p_value(p)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def cost(choice: Choice) -> str:
    """What it costs relative to the reference, in every currency that is known but prompts, which all spend alike."""
    if choice.label == REFERENCE:
        return "nothing beyond the plain mixture"
    known = [(name, choice.costs.get(key)) for key, name in CURRENCY_NAMES.items() if key != "prompts"]
    said = [f"{figure(value)}\u00d7 {name}" for name, value in known if value is not None]
    return ", ".join(said) or "not known"


def size(models: Mapping[str, tuple[str, int]]) -> str:
    """The honest line on the models that were trained: name and parameters by suite."""
    if not models:
        return ""
    name, largest = max(models.values(), key=lambda each: (each[1], each[0]))
    many = len(set(models.values()))

    subject = f"The largest of {many} models trained here is" if many > 1 else "Every row here is of"
    times = SMALLEST_OF_PAPER / largest

    said = f"{subject} {name}, with {millions(largest)} parameters"
    if times < 1:
        return f"{said}."
    return (
        f"{said}: {amount(times)} times fewer than the smallest model of the reference paper. Whether an order found "
        "here holds at that size is not known."
    )


def millions(parameters: int) -> str:
    """Parameters as people say them: `1.1 million`, `3 billion`."""
    unit, name = (1e9, "billion") if parameters >= 1e9 else (1e6, "million")
    return f"{amount(parameters / unit)} {name}"
