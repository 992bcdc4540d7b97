"""The two tracks of a suite: `default`, with the settings that methods come with, and `tuned`, with settings found by
`bench tune` under one budget for all.
"""

from pydantic import Field

from bench.records.fields import Digest, Frozen

TRACK = "+tuned"
"""Ending of a suite's name in the tuned track."""
RATE = "recipe.learning_rate"
"""The only override of a tuned run."""
FIRST_SEED = 1000
"""The first tuning seed; the others follow one by one. None is ever reported."""


class TuningUse(Frozen):
    """How the settings of a run in the tuned track were found; `bench.records.tuning` has the rest."""

    digest: Digest
    """Digest of the tuning file's contents."""
    suite: Digest
    """Digest of the suite as its file has it, without the tuned learning rate."""
    trials: int = Field(ge=1)
    """Points that were tried, the defaults included; the same for every method of a table, as the next two."""
    seeds: list[int] = Field(min_length=1, max_length=100)
    """Tuning seeds."""
    items: int = Field(ge=4)
    """Held-out items a task that trials were measured on; none of them is reported."""


def base_suite(name: str) -> str:
    """The suite file behind a record's suite name: without the mark of overrides, `~`, or of the tuned track."""
    return name.partition("~")[0].removesuffix(TRACK)


def is_tuned(name: str) -> bool:
    """Whether a record's suite name is of the tuned track."""
    return name.endswith(TRACK) and "~" not in name
