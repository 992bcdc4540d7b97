"""R6: whether the reward explains the size of the gradients; a U shape or its inverse around one half."""

from collections.abc import Sequence

import numpy as np

from bench.analysis.figures import Figure, Report, Table
from bench.analysis.reports._relation import Relation
from bench.analysis.reports._sample import Array, Sample, absent, cells, interval, mean
from bench.analysis.runs import Run
from bench.analysis.statistics import Interval
from bench.analysis.text import capital, listing, percent, sentences

KEY, TITLE = "R6", "Reward against gradient norm"
QUESTION = "Are gradients largest, or smallest, where half of the replies are right?"

HALF = 0.5


def reward_norms(runs: Sequence[Run]) -> Report:
    """Training reward p against the squared norm under `uniform`, with a quadratic: the norm on p (1 - p)."""
    sample = Sample.of(runs)
    if not sample.runs:
        return absent(KEY, TITLE, QUESTION, sample.why_empty)

    relation = Relation.of(sample, "reward", "the training reward")
    fits = [_fit(x, y) for x, y in zip(relation.signal, relation.norm, strict=True)]
    slope, explained = (interval(np.array(column, dtype=np.float64)) for column in zip(*fits, strict=True))
    finding = sentences(
        f"Under {sample.label} ({sample.seeds}),",
        _shape(slope, explained, _crossing(relation)),
        capital(relation.sentence()),
        sample.note,
    )
    figure: Figure = relation.figure("reward-norm", "training reward")

    return Report(KEY, TITLE, QUESTION, finding, (figure,), (_table(slope, explained), relation.table()), sample.paths)


def _fit(reward: Array, norm: Array) -> tuple[float | None, float | None]:
    """Slope and R^2 of the norm, in its task's standard deviations, on p (1 - p); of [windows, K] each."""
    x, y = [], []
    for task in range(reward.shape[1]):
        both = ~np.isnan(reward[:, task]) & ~np.isnan(norm[:, task])
        p, g = reward[both, task], norm[both, task]
        if len(p) >= 3 and g.std() > 0:
            x.append(p * (1 - p) - (p * (1 - p)).mean())
            y.append((g - g.mean()) / g.std())

    if not x:
        return None, None

    x_all, y_all = np.concatenate(x), np.concatenate(y)
    spread = float(x_all @ x_all)
    noise = float(y_all @ y_all)
    if spread < 1e-12 or not noise:
        return None, None

    slope = float(x_all @ y_all) / spread
    return slope, slope**2 * spread / noise


def _crossing(relation: Relation) -> list[str]:
    """The tasks whose mean reward is on both sides of one half during the run."""
    level = mean(relation.signal)
    names = relation.sample.tasks
    return [name for task, name in enumerate(names) if (level[:, task] < HALF).any() and (level[:, task] > HALF).any()]


def _shape(slope: Interval | None, explained: Interval | None, crossing: Sequence[str]) -> str:
    if slope is None or explained is None:
        return "the reward does not vary enough to test for a U shape."

    told = f"(p (1 - p) explains {percent(explained.mean)} of the variance inside tasks)"
    if slope.n < 2:
        return f"one seed cannot resolve a U shape {told}."
    if not slope.excludes_zero:
        return f"no U shape is resolved, nor its inverse {told}."

    way, shape = ("larger", "an inverse U") if slope.mean > 0 else ("smaller", "a U")
    seen = f"gradients are {way} the nearer a task's reward is to one half {told}"

    if not crossing:
        return f"{seen}; as no task's reward passes one half, this may as well be a slope as {shape}."

    return f"{seen}, as in {shape}; {listing(crossing)} passed one half."


def _table(slope: Interval | None, explained: Interval | None) -> Table:
    rows = (
        ("slope on p (1 - p)", *cells(slope)),
        ("share of variance explained", explained.mean if explained else None, None, None),
    )
    caption = (
        "Least squares inside tasks: squared norm, in its task's standard deviations, on p (1 - p), a quadratic in the "
        "training reward p with its vertex at one half; one fit a seed, mean and 95 % interval. Positive: an inverse "
        "U. A task whose reward stays on one side of one half cannot tell a U from a slope."
    )
    return Table(("of the fit", "mean", "low", "high"), rows, caption)
