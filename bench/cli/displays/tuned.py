"""Tunings as data: what `bench tune --json` prints."""

from collections.abc import Iterable, Sequence
from typing import Any

from bench.sweeps.plan import Plan, cost
from bench.tuning.tune import Trials, Tuned


def points_json(trials: Sequence[Trials], plan: Plan) -> dict[str, Any]:
    """Every point of every method with the state of its runs by seed, and how many runs are left."""
    states = {entry.run.path: entry.status.state for entry in plan.entries}
    methods = {
        each.draft.card.name: [
            {
                "learning_rate": point.learning_rate,
                "settings": dict(point.settings),
                "runs": {str(run.seed): states[run.path] for run in runs},
            }
            for point, runs in zip(each.draft.points, each.runs, strict=True)
        ]
        for each in trials
    }
    return {"methods": methods, "runs_left": cost(plan).runs}


def tuned_json(found: Iterable[Tuned]) -> list[dict[str, Any]]:
    """What was chosen for each method: its tuning as it was written, or null and how many runs have no record."""
    return [
        {
            "method": each.draft.card.name,
            "tuning": each.tuning.model_dump(mode="json") if each.tuning else None,
            "missing_runs": len(each.missing),
            "file": str(each.draft.path) if each.tuning else None,
        }
        for each in found
    ]
