"""A board as plain data, for JSON and CSV.

Numbers have six decimals, and six significant digits from 1 on, which is more than any run resolves and less than
what differs between machines. None: not known, or infinite, as the ends of an interval over one seed.
"""

import math
from typing import Any

from bench.analysis.noise import Noise
from bench.analysis.ranking import Estimate
from bench.analysis.rows import Board, Regret, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.statistics import LEVEL, POWER, Interval

DECIMALS = 6


def number(value: float | None) -> float | None:
    """The number as it is published; None if it is not known or not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DECIMALS}g}") if abs(value) >= 1 else round(value, DECIMALS) + 0.0


def interval_data(interval: Interval | None) -> dict[str, Any]:
    """Mean, ends and number of seeds; None and 0 where there is no interval."""
    if interval is None:
        return {"mean": None, "low": None, "high": None, "n": 0}
    return {**{key: number(getattr(interval, key)) for key in ("mean", "low", "high")}, "n": interval.n}


def estimate_data(estimate: Estimate | None) -> dict[str, Any]:
    """Value and ends."""
    return {key: number(getattr(estimate, key)) if estimate else None for key in ("value", "low", "high")}


def regret_data(regret: Regret | None) -> dict[str, Any]:
    """What the best of all static points, and of as many as the method's settings, score beyond a row."""
    return {key: interval_data(getattr(regret, key) if regret else None) for key in ("best", "equal")}


def noise_data(noise: Noise | None) -> dict[str, Any]:
    """The standard deviations of a seed's difference, by where they come from."""
    return {key: number(getattr(noise, key)) if noise else None for key in ("training", "evaluation", "items")}


def row_data(row: Row) -> dict[str, Any]:
    """Everything a row says. The keys are the same for every row of a suite."""
    low, high = row.rank or (None, None)
    return {
        "method": row.label,
        "verdict": row.verdict,
        "group": row.group,
        "rank": {"low": low, "high": high},
        "seeds": [run.record.seed for run in row.runs],
        "missing": list(row.missing),
        "unfinished": row.unfinished,
        "gain": interval_data(row.gain),
        "difference": interval_data(row.difference),
        "p": number(row.p),
        "area": interval_data(row.area),
        "area_difference": interval_data(row.area_difference),
        "area_p": number(row.area_p),
        "improvement": estimate_data(row.improvement),
        "worst": interval_data(row.worst),
        "tasks": {task: interval_data(gain) for task, gain in zip(row.runs[0].tasks, row.tasks, strict=True)},
        "hurt": len(row.hurt),
        "normalised": interval_data(row.normalised),
        "worst_normalised": interval_data(row.worst_normalised),
        "geometric": interval_data(row.geometric),
        "target": {
            "share": number(row.target.share) if row.target else None,
            "reached": row.target.reached if row.target else None,
            "runs": row.target.runs if row.target else None,
        },
        "settings": row.settings,
        "regret": regret_data(row.regret),
        "regret_worst": regret_data(row.regret_worst),
        "norm_ratio": number(row.norm_ratio),
        "effective_tasks": number(row.effective_tasks),
        "conflict_rate": number(row.conflict_rate),
        "overhead": {currency: number(value) for currency, value in row.overheads.items()},
        "equal_cost": {currency: interval_data(value) for currency, value in row.equal_cost.items()},
        "memory_bytes": row.memory,
    }


def board_data(board: Board) -> dict[str, Any]:
    """Everything a board says, as JSON takes it."""
    return {
        "suite": board.name,
        "reference": REFERENCE,
        "level": LEVEL,
        "tasks": [task.name for task in board.tasks],
        "scored": [task.name for task in board.scored],
        "comparisons": board.comparisons,
        "power": POWER,
        "detectable": number(board.detectable),
        "detectable_corrected": number(board.detectable_corrected),
        "noise": noise_data(board.noise),
        "stability": estimate_data(board.stability),
        "frontier": [row.label for row in board.frontier],
        "efficient": {currency: list(labels) for currency, labels in board.efficient.items()},
        "methods": [row_data(row) for row in board.rows],
    }
