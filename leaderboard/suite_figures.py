"""The charts of a suite, a task and a method, as figures: which rows they show, and the sentence that reads them."""

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np

from bench.analysis.cost import Currency
from bench.analysis.figures import Figure, Series
from bench.analysis.names import readable
from bench.analysis.ranking import performance_profile
from bench.analysis.rows import SWEEP, Board, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.statistics import Interval
from bench.analysis.text import figure, listing, percent, plural, signed, with_ends
from leaderboard.charts import Extras
from leaderboard.views import CURRENCY_NAMES, places, together

MOST = 40
"""Most rows of a chart of rows; further ones are in the table."""
FEW = 12
"""Most rows of a chart with several marks a row."""
POINTS = 31
MOST_TRIED = 20
"""Most static points that a sentence names."""


def over(label: str, names: Sequence[str], intervals: Sequence[Interval]) -> Series:
    """A series of means with their intervals; a single run has none."""
    low, high = (
        tuple(end if math.isfinite(end) else None for end in ends)
        for ends in ([each.low for each in intervals], [each.high for each in intervals])
    )
    return Series(label, tuple(names), tuple(each.mean for each in intervals), low, high)


def differences(board: Board) -> Figure | None:
    """Each row's difference to the reference, the largest first."""
    # The sweep goes to extremes on purpose, and would squeeze the methods into a corner.
    rows = [row for row in together(board) if not row.static] or together(board)
    known = [(row.label, row.difference) for row in rows if row.difference]
    known.sort(key=lambda each: (-each[1].mean, each[0]))

    if not known:
        return None

    shown = known[:MOST]
    left = f"; {len(known) - MOST} more are in the table" if len(known) > MOST else ""
    apart = [row.label for row in rows if row.verdict.split()[0] in ("better", "worse")]
    differ = "differs" if len(apart) < 2 else "differ"
    seen = f"{listing(apart[:5])}{f' and {len(apart) - 5} more' if len(apart) > 5 else ''}" if apart else "no method"

    return Figure(
        key="difference",
        kind="bars",
        title=f"Difference to {REFERENCE}",
        description=f"Mean gain minus that of {REFERENCE}, paired by seed, with 95 % intervals over seeds; "
        f"static weights are in the next charts{left}.",
        x_label="method",
        y_label=f"mean gain minus {REFERENCE}",
        series=(over("difference", *zip(*shown, strict=True)),),
        reading=f"Corrected for {plural(board.comparisons, 'comparison')}, {seen} {differ} from {REFERENCE}.",
    )


def gains_by_task(board: Board) -> Figure:
    """Gain of the best rows on each task."""
    rows = together(board)[:FEW]
    names = [row.label for row in rows]
    series = [over(task.name, names, [row.tasks[index] for row in rows]) for index, task in enumerate(board.tasks)]
    lost = sorted({task.name for index, task in enumerate(board.tasks) for row in rows if row.tasks[index].mean < 0})
    worse = (
        f"Below the base model for a method shown: {', '.join(lost)}." if lost else "No task fell below the base model."
    )

    return Figure(
        key="by-task",
        kind="bars",
        title="Gain by task",
        description=f"Held-out gain on each task with 95 % intervals over seeds; {_first(board, len(rows))}.",
        x_label="method",
        y_label="gain",
        series=tuple(series),
        reading=worse,
    )


def plane(board: Board) -> tuple[Figure, Extras]:
    """Mean gain against the worst task, the static points that were tried among the methods."""
    rows = together(board)
    groups = _by_place(rows)
    series = [_points(label, [(row.gain.mean, row.worst) for row in members]) for label, members in groups]

    tried = [row for row in board.frontier if row.static]
    named = "; ".join(f"{readable(row.runs[0])} ({with_ends(row.gain)})" for row in tried[:MOST_TRIED])
    more = f" and {len(tried) - MOST_TRIED} more" if len(tried) > MOST_TRIED else ""
    return (
        Figure(
            key="frontier",
            kind="points",
            title="Mean gain and worst task",
            description="One point a method: mean gain over tasks, and the gain of a run's worst task with its 95 % "
            "interval over seeds. Up and to the right is better.",
            x_label="mean gain",
            y_label="gain of the worst task",
            series=tuple(series),
            reading=f"Static weights that were tried, with their mean gain: {named}{more}. Nothing is known of weights "
            "between them."
            if tried
            else f"No static weights but those of {REFERENCE} were tried, so nothing says how good fixed weights are.",
        ),
        Extras(names=_names(groups)),
    )


def regrets(board: Board) -> Figure | None:
    """What the best static point gains beyond each method; None without a sweep."""
    known = [(row.label, row.regret.best) for row in together(board) if row.regret]
    known.sort(key=lambda each: (each[1].mean, each[0]))
    if not known:
        return None

    ahead = [label for label, regret in known if regret.high < 0]
    points = plural(len(board.frontier), "static point")
    seen = f"Intervals below 0, not corrected for their number: {', '.join(ahead)}." if ahead else ""
    return Figure(
        key="regret",
        kind="bars",
        title="Regret to the best static weights",
        description=f"Mean gain of the best of {points} minus that of the method, paired by seed, with 95 % intervals; "
        "the point is chosen on the other seeds. Each method was tried at as many settings as it has rows.",
        x_label="method",
        y_label="best static point minus method",
        series=(over("regret", *zip(*known[:MOST], strict=True)),),
        reading=seen or "No method gains more than the best static point beyond its interval.",
    )


def cost_plane(board: Board, currency: Currency) -> tuple[Figure, Extras] | None:
    """Mean gain against cost, and the rows that no other beats; None if all cost the same."""
    costs = {row.label: cost for row in together(board) if (cost := row.overheads[currency]) is not None}
    if len(costs) < 2 or max(costs.values()) < 1.01 * min(costs.values()):
        return None

    best = [label for label in board.efficient[currency] if label in costs]
    name = CURRENCY_NAMES[currency]
    rows = [row for row in together(board) if row.label in costs]
    groups = _by_place(rows)
    series = [_points(label, [(costs[row.label], row.gain) for row in members]) for label, members in groups]
    gains = {row.label: row.gain.mean for row in rows}
    if len(best) > 1:
        series.append(Series("efficient", tuple(costs[x] for x in best), tuple(gains[x] for x in best)))

    chain = ", then ".join(f"{label} ({figure(costs[label])}\u00d7, {signed(gains[label])})" for label in best[:4])

    return (
        Figure(
            key=f"cost-{currency.replace('_', '-')}",
            kind="points",
            title=f"Mean gain and {name}",
            description=f"One point a method: {name} relative to {REFERENCE}, and mean gain with its 95 % interval "
            f"over seeds. Up and to the left is better.",
            x_label=f"{name} relative to {REFERENCE}",
            y_label="mean gain",
            series=tuple(series),
            reading=f"No other method gains more for less than these, cheapest first: {chain}. "
            "Their differences may be noise.",
        ),
        Extras(names=_names(groups), joined=frozenset({"efficient"})),
    )


def profile(board: Board) -> Figure:
    """Share of tasks and seeds whose gain reaches a threshold, for the reference and the best rows."""
    rows = together(board)
    shown = [row for row in rows if row.label == REFERENCE] + [row for row in rows if row.label != REFERENCE][:5]
    gains = {row.label: np.array([run.counted for run in row.runs]) for row in shown}
    every = [gain for row in shown for run in row.runs for gain in run.counted]
    low, high = min(0.0, *every), max(0.01, *every)
    thresholds = [round(low + (high - low) * point / (POINTS - 1), 4) for point in range(POINTS)]

    series = []
    for label, values in gains.items():
        found = performance_profile(values, thresholds)
        low_ends, high_ends = (tuple(getattr(each, end) for each in found) for end in ("low", "high"))
        shares = tuple(each.value for each in found)
        # One band is readable, six are not; the table has them all.
        series.append(Series(label, tuple(thresholds), shares, *((low_ends, high_ends) if label == REFERENCE else ())))

    middle = thresholds[POINTS // 2]
    at = {each.label: each.y[POINTS // 2] or 0.0 for each in series}
    highest = max(at.values())
    best = [label for label, share in at.items() if share > highest - 1e-9]
    leaders = "all of them" if len(best) == len(at) else listing(best)

    return Figure(
        key="profile",
        kind="lines",
        title="Performance profile",
        description=f"Share of tasks and seeds that gain at least so much, for {REFERENCE} and the five other rows "
        f"with the largest mean gain; the band of {REFERENCE} is its 95 % range over runs drawn again.",
        x_label="gain of at least",
        y_label="share of tasks and seeds",
        series=tuple(series),
        reading=f"At a gain of {figure(middle)}, the highest share of tasks and seeds, {percent(highest)}, is that of "
        f"{leaders}.",
    )


def task_gains(board: Board, index: int) -> Figure:
    """Gain of every row on one task."""
    rows = sorted(board.rows, key=lambda row: (-row.tasks[index].mean, row.label))[:MOST]
    task = board.tasks[index].name
    best = rows[0]
    return Figure(
        key="gain",
        kind="bars",
        title=f"Gain on {task}",
        description=f"Held-out mean reward after training minus before, with 95 % intervals over seeds; the "
        f"{len(rows)} largest of {len(board.rows)}.",
        x_label="method",
        y_label=f"gain on {task}",
        series=(over("gain", [row.label for row in rows], [row.tasks[index] for row in rows]),),
        reading=f"The largest mean is that of {best.label}: {signed(best.tasks[index].mean)}.",
    )


def method_gains(board: Board, row: Row) -> Figure:
    """Gain of a row on each task, beside the reference."""
    tasks = [task.name for task in board.tasks]
    reference = board.row(REFERENCE)
    shown = [row] if reference is None or reference is row else [row, reference]
    low = min(range(len(tasks)), key=lambda index: row.tasks[index].mean)
    return Figure(
        key="by-task",
        kind="bars",
        title=f"Gain by task on {board.name}",
        description="Held-out gain on each task with 95 % intervals over seeds.",
        x_label="task",
        y_label="gain",
        series=tuple(over(each.label, tasks, each.tasks) for each in shown),
        reading=f"{row.label} gains least on {tasks[low]}: {signed(row.tasks[low].mean)}.",
    )


def _points(label: str, points: Sequence[tuple[float, Interval]]) -> Series:
    ys = over(label, [""] * len(points), [interval for _, interval in points])
    return Series(label, tuple(x for x, _ in points), ys.y, ys.low, ys.high)


def _by_place(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Rows by where they act; the reference and the sweep of static weights by themselves."""
    keyed = sorted(((_group(row), row.label, row) for row in rows), key=itemgetter(0, 1))
    return [(label, [row for _, _, row in members]) for (_, label), members in groupby(keyed, key=itemgetter(0))]


def _group(row: Row) -> tuple[int, str]:
    if row.label == REFERENCE:
        return 0, REFERENCE
    return (1, "static weights") if row.runs[0].record.method.name == SWEEP else (2, ", ".join(places(row)))


def _names(groups: Sequence[tuple[str, Sequence[Row]]]) -> dict[str, tuple[str, ...]]:
    return {label: tuple(row.label for row in members) for label, members in groups}


def _first(board: Board, count: int) -> str:
    total = len(together(board))
    return "all methods" if count == total else f"the {count} of {total} rows with the largest mean gain"
