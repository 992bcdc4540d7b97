"""What templates are given beside boards and runs: rows of a task, a run's imbalance, a method's settings, files."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.analysis import imbalance
from bench.analysis.names import readable
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE, Run
from leaderboard import reruns, views
from leaderboard.environment import reproduce_command

KINDS = {
    "board.csv": "the table, all columns",
    "board.json": "the board, all numbers",
    "board.tex": "the table for LaTeX",
    "board.md": "the table for Markdown",
    "board.bib": "the citation",
    "runs.csv": "every run and task",
}
"""What each file to download is."""


def span(board: Board) -> float:
    """Half-width of the drawn scale of differences: three quarters of them lie within it; positive.

    What lies beyond is drawn at the edge, so that a few odd methods do not squeeze the rest. The sweep of static
    weights goes to extremes on purpose; it sets the scale only where it is alone.
    """
    sweep = {row.label for row in board.frontier}
    rows = [row for row in board.rows if row.difference]
    known = [row.difference for row in rows if row.label not in sweep] or [row.difference for row in rows]
    reaches = sorted(
        max(abs(end) for end in (each.low, each.mean, each.high) if math.isfinite(end)) for each in known if each
    )
    within = -(-3 * len(reaches) // 4)
    return (reaches[within - 1] if reaches else 0.0) or 1.0


def run_view(run: Run) -> dict[str, Any]:
    """What a run's page shows beside the record and the curves."""
    found = run.record.curves
    count = len(run.record.tasks)
    pairs = imbalance.task_pairs(count)
    cosines = dict(zip(pairs, imbalance.cosines(found) or [None] * len(pairs), strict=True))
    return {
        "command": reproduce_command(run),
        "shares": imbalance.norm_share(run.norms),
        "ratio": imbalance.norm_ratio(run.norms),
        "effective": imbalance.effective_tasks(run.norms),
        "conflicts": imbalance.conflict_rate(found),
        "clear": imbalance.signal_to_noise(run.record) or [None] * count,
        "cosines": [[cosines[i, j] for i in range(j)] for j in range(1, count)],
    }


def task_rows(board: Board, index: int) -> list[tuple[Any, ...]]:
    """Each row's gain on a task, its difference to the reference, score after, share of the norm; best first."""
    found = []
    for row in sorted(board.rows, key=lambda row: (-row.tasks[index].mean, row.label)):
        ends = [score.mean for run in row.runs if run.done and (score := run.record.tasks[index].after)]
        share = imbalance.norm_share(imbalance.pooled_norms(run.norms for run in row.runs))
        change = views.task_cells(row, [index])[0]
        found.append((row, row.tasks[index], change, fmean(ends) if ends else None, share[index]))

    return found


def task_line(board: Board, index: int) -> tuple[Any, ...]:
    """Suite, base score, pass@8 of the base if recorded, after the reference, the best row and its gain."""
    runs = [run for row in board.rows for run in row.runs]
    base = fmean(run.record.tasks[index].before.mean for run in runs)
    tries = [each.at_8 for run in runs if (each := getattr(run.record.tasks[index], "attempts", None))]
    reference = board.row(REFERENCE)
    scores = [score.mean for run in reference.runs if (score := run.record.tasks[index].after)] if reference else []
    best = max(views.together(board) or board.rows, key=lambda row: (row.tasks[index].mean, row.label))

    after = fmean(scores) if scores else None
    found = best.label, readable(best.runs[0]), best.tasks[index].mean
    return board.name, base, fmean(tries) if tries else None, after, *found


def dates(board: Board) -> list[tuple[str, str, str, str, int]]:
    """The day of each row's last run, with its suite, label, name as people read it, and number of runs."""
    return [
        (views.last_day(row), board.name, row.label, readable(row.runs[0]), len(row.runs))
        for row in sorted(board.rows, key=lambda row: row.label)
    ]


def badges(board: Board, again: reruns.Reruns) -> dict[str, str]:
    """Rows with a rerun, by label: how often runs were made again, and what came out."""
    found = {row.label: [each for run in row.runs for each in reruns.of(run, again)] for row in board.rows}
    return {label: reruns.summary(each) for label, each in found.items() if each}


def use(row: Row) -> dict[str, Any]:
    """What a method's page says of a row's method."""
    method = row.runs[0].record.method
    wrapped = method.name.partition("/")
    return {
        "name": method.name,
        "title": readable(row.runs[0]),
        "commit": row.runs[0].record.provenance.commit,
        "method": method,
        "places": views.places(row),
        "file": f"the adapter of {wrapped[0]}" if wrapped[1] else f"methods/{method.name}.py",
        "settings_rows": [(json.dumps(key)[1:-1], json.dumps(value)) for key, value in sorted(method.settings.items())],
    }


def download_view(board: Board, files: Mapping[str, bytes]) -> dict[str, Any]:
    named = [(path, KINDS.get(Path(path).name, ""), len(content)) for path, content in files.items()]
    bibtex = next((content.decode() for path, content in files.items() if path.endswith(".bib")), "")
    runs = sum(len(row.runs) for row in board.rows)
    return {"name": board.name, "rows": len(board.rows), "runs": runs, "files": named, "bibtex": bibtex}


def place_options(board: Board) -> list[tuple[str, str]]:
    return sorted({(views.slug(place), place) for row in views.together(board) for place in views.places(row)})
