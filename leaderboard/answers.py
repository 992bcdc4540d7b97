"""What a suite's page says in sentences: who gains, at what price, how sure, and what the seeds cannot see."""

import math
from collections.abc import Sequence

from bench.analysis.cost import telling
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.text import figure, listing, plural, with_ends
from leaderboard.views import CURRENCY_NAMES, together

UNKNOWN = "Methods without a row have not been run on this suite."
"""What no table of results shows by itself."""


def answer(board: Board) -> str:
    """Which methods gain more than the reference, and how sure that is: sentences computed from the rows."""
    rows = _compared(board)
    if not rows:
        return f"No method shares a seed with {REFERENCE} yet, so nothing can be compared."

    better, worse = _told_apart(rows)
    many = plural(len({row.method for row in rows}), "method")
    rest = len(rows) - len(better) - len(worse)
    said = (
        f"Of {many} beside {REFERENCE}{_settings(rows)}, {_gain(better)} more, {_gain(worse)} less, and {rest} cannot "
        "be distinguished from it, after correction for multiple comparisons."
    )
    best = max(rows, key=lambda row: (row.difference.mean if row.difference else 0.0, row.label))
    return " ".join([said, UNKNOWN, *_best(best), *_static(board), *limits(board)])


def counts(board: Board) -> str:
    """The same in a few words, for a list of suites."""
    rows = _compared(board)
    better, worse = _told_apart(rows)
    many = plural(len({row.method for row in rows}), "method")
    return f"{many}: {len(better)} better, {len(worse)} worse" if rows else "nothing to compare yet"


def _compared(board: Board) -> list[Row]:
    return [row for row in together(board) if row.difference and not row.static]


def _told_apart(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    better, worse = ([row for row in rows if row.verdict.startswith(kind)] for kind in ("better", "worse"))
    return better, worse


def _settings(rows: Sequence[Row]) -> str:
    extra = len(rows) - len({row.method for row in rows})
    return f" ({len(rows)} rows with their settings)" if extra else ""


def _gain(rows: Sequence[Row]) -> str:
    return f"{len(rows) or 'none'} {'gains' if len(rows) == 1 else 'gain'}"


def _best(row: Row) -> list[str]:
    if row.difference is None:
        return []
    costs = [
        f"{figure(cost)}\u00d7 its {CURRENCY_NAMES[currency]}"
        for currency, cost in telling(row.overheads).items()
        if abs(cost - 1) >= 0.01
    ]
    price = f", at {listing(costs)}" if costs else ""
    return [f"The largest difference is that of {row.label}: {with_ends(row.difference)}{price}."]


def _static(board: Board) -> list[str]:
    """How the reference stands beside the best static point that was tried."""
    reference = board.row(REFERENCE)
    if reference is None or reference.regret is None:
        return []
    best, points = reference.regret.best, plural(len(board.frontier), "static point")
    if best.mean <= 0:
        return [f"Of the {points} that were tried, none that the other seeds would choose gains more than {REFERENCE}."]
    return [f"The best of the {points} that were tried, chosen on the other seeds, gains {with_ends(best)} more."]


def limits(board: Board) -> list[str]:
    """What the seeds can find: a sentence."""
    if not math.isfinite(board.detectable) or board.detectable >= 1:
        return ["So few seeds cannot distinguish any difference from zero."]
    corrected = (
        f"; after correction for {board.comparisons} comparisons, one of {board.detectable_corrected:.3f}"
        if board.comparisons > 1 and board.detectable_corrected < 1
        else ""
    )
    return [
        f"With {board.seeds} seeds, a single comparison detects a true difference of {board.detectable:.3f} with 80 % "
        f"power{corrected}."
    ]


def spread(board: Board) -> str:
    """Where the spread of a seed's difference comes from: a sentence, empty without two seeds."""
    if board.noise is None:
        return ""
    return (
        f"The difference to {REFERENCE} has a standard deviation over seeds of {board.noise.total:.4f}: "
        f"{board.noise.training:.4f} from training and {board.noise.evaluation:.4f} from sampling replies to the "
        f"held-out items. Other items would shift all differences by about {board.noise.items:.4f}, which no interval "
        "shows."
    )


def stable(board: Board) -> str:
    """How steady the order is when seeds are drawn again: a sentence, empty without two seeds."""
    tau = board.stability
    if tau is None or tau.low is None or tau.high is None:
        return ""
    return (
        f"When the seeds are resampled, the order agrees with this one at a Kendall's tau of {tau.value:.2f} "
        f"[{tau.low:.2f}, {tau.high:.2f}]; 1 would be the same order."
    )
