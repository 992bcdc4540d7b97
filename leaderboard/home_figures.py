"""The two pictures of the first page: what is loud is not what learns, and what one model gives up to specialists."""

from bench.analysis.figures import Figure, Series
from bench.analysis.imbalance import norm_share, pooled_norms
from bench.analysis.mismatch import spearman
from bench.analysis.normalised import SPECIALIST
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.statistics import Interval
from bench.analysis.text import percent, signed
from leaderboard.charts import Extras
from leaderboard.suite_figures import over
from leaderboard.views import together


def loudness(board: Board) -> tuple[Figure, Extras] | None:
    """Each task's share of the squared gradient norms of the reference's runs against its share of their gain.

    None where a share is not known: without runs of the reference, without a norm, or where nothing was gained.
    """
    reference = board.row(REFERENCE)
    if reference is None or len(board.scored) < 2:
        return None
    shares = norm_share(pooled_norms(run.norms for run in reference.runs))
    places = reference.runs[0].scored
    total = sum(reference.tasks[place].mean for place in places)
    known = [(board.tasks[place].name, shares[place], reference.tasks[place]) for place in places]
    points = [(name, share, _scaled(gain, total)) for name, share, gain in known if share is not None and total > 0]
    if len(points) < len(places):
        return None

    names, loud, gains = zip(*points, strict=True)
    heights = over("tasks", names, gains)
    loudest = max(points, key=lambda point: point[1])
    quiet = max(points, key=lambda point: point[2].mean - point[1])
    rho = spearman(loud, [gain.mean for gain in gains]).rho
    order = "" if rho is None else f" Over tasks, the rank correlation of the two is {rho:+.2f}."

    return (
        Figure(
            key="loudness",
            kind="points",
            title="Loudness against gain",
            description=f"One point a task of {board.name} under {REFERENCE}: its share of the summed squared "
            "gradient norms, and its share of the gain, with the 95 % interval of that gain over seeds. On the line a "
            "task would gain in proportion to how loud it is.",
            x_label="share of the squared gradient norms",
            y_label="share of the gain",
            series=(Series("tasks", loud, heights.y, heights.low, heights.high),),
            diagonal=True,
            reading=f"{loudest[0]} sends {percent(loudest[1])} of the squared norm and makes "
            f"{percent(loudest[2].mean)} of the gain; {quiet[0]} makes {percent(quiet[2].mean)} of the gain with "
            f"{percent(quiet[1])} of the norm.{order}",
        ),
        Extras(names={"tasks": names}),
    )


def _scaled(gain: Interval, total: float) -> Interval:
    return Interval(gain.mean / total, gain.low / total, gain.high / total, gain.n) if total > 0 else gain


def specialists(board: Board, best: str) -> Figure | None:
    """Gain on each task of one model for all tasks, and of one model a task from the same budget; None without those.

    best: the label of the row beside the reference.
    """
    apart = board.row(SPECIALIST)
    joint = [row for row in together(board) if row.label in (REFERENCE, best)]
    if apart is None or not joint:
        return None

    places = joint[0].runs[0].scored
    names = [board.tasks[place].name for place in places]
    gap = max(range(len(places)), key=lambda place: _behind(apart, joint, places[place]))
    behind = _behind(apart, joint, places[gap])
    top = max(joint, key=lambda row: row.gain.mean)
    return Figure(
        key="specialists",
        kind="bars",
        title="One model for all tasks, or one a task",
        description=f"Held-out gain on each task of {board.name} with 95 % intervals over seeds; {SPECIALIST} trains "
        "one model a task and splits the same budget among them.",
        x_label="task",
        y_label="gain",
        series=tuple(over(row.label, names, [row.tasks[place] for place in places]) for row in [*joint, apart]),
        reading=f"Specialists gain {signed(apart.gain.mean)} on average, {top.label} {signed(top.gain.mean)}. "
        f"{lead(behind, names[gap])}",
    )


def lead(behind: float, task: str) -> str:
    """Where the specialist is furthest ahead, or least behind where it is nowhere ahead: a sentence."""
    if behind > 0:
        return f"The specialist is furthest ahead on {task}, by {behind:.3f}."
    return f"On no task is the specialist ahead; it comes closest on {task}, {-behind:.3f} behind."


def _behind(apart: Row, joint: list[Row], place: int) -> float:
    return apart.tasks[place].mean - max(row.tasks[place].mean for row in joint)
