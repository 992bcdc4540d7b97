"""Spot reruns: records of a pull request, drawn by a seed that its author did not know."""

import random
from pathlib import Path

from bench.errors import UserError
from bench.records.store import record_files
from bench.validation.history import History


def drawn(results: Path, count: int, seed: int, against: str | None = None) -> list[Path]:
    """Records that are to be run again: `count` of those that history does not have, all if these are fewer.

    against: the commit whose records are published; by default where HEAD left the main branch. The same seed draws
    the same records of the same contribution. UserError if there are no new records.
    """
    if count < 1:
        raise UserError(f"--sample {count} draws nothing; draw 1 or more.")
    history = History(results, against)
    fresh = [path for path in record_files(results) if not history.has(path)]
    if not fresh:
        said = history.commit[:12] or "which there is none to compare with"
        raise UserError(f"no record of {results} is new since {said}: there is nothing to draw from.")

    draw = random.Random(seed)  # noqa: S311 - the seed is published with the result
    return sorted(draw.sample(fresh, min(count, len(fresh))))
