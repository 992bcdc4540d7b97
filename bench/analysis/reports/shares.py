"""R11: who gets what: prompts, tokens, gradient; what is silent, and whether methods got the shares they asked for."""

from collections.abc import Sequence

import numpy as np

from bench.analysis.figures import Cell, Figure, Report, Series, Table
from bench.analysis.imbalance import norm_share
from bench.analysis.reports._methods import described, samples
from bench.analysis.reports._sample import Array, Sample, absent, cells, interval, known, mean, means
from bench.analysis.runs import REFERENCE, Run, group_by_method
from bench.analysis.text import capital, percent, plural, sentences

KEY, TITLE = "R11", "Shares of prompts, tokens and gradient"
QUESTION = "What does each task get, and how much of it is silent?"
EXACT = 0.005
"""A smaller difference of shares is rounding."""


def shares(runs: Sequence[Run]) -> Report:
    """Silent groups, and shares of prompts, tokens and gradient mass; realised against intended shares."""
    groups = group_by_method(runs)
    found = samples(groups)
    if not found:
        return absent(KEY, TITLE, QUESTION, Sample.of(runs).why_empty)

    names = {label: described(label, groups) for label in found}
    sample = found.get(REFERENCE) or next(iter(found.values()))
    finding = sentences(_finding(sample), _asked(found, names), sample.note)
    paths = tuple(sorted(path for each in found.values() for path in each.paths))
    tables = (_tasks(sample), _methods(found, names))

    return Report(KEY, TITLE, QUESTION, finding, (_figure(sample),), tables, paths)


def silent(sample: Sample) -> Array:
    """Share of silent groups of each task, [K]."""
    return mean(means(sample, "silent", 1), (0, 1))


def prompts(sample: Sample) -> Array:
    """Realised share of the prompts, [K], sum 1."""
    return mean(means(sample, "task_share", 1), (0, 1))


def tokens(sample: Sample) -> list[float | None]:
    """Share of the reply tokens, [K]: of share of prompts times mean reply length."""
    mass = prompts(sample) * mean(means(sample, "reply_length", 1), (0, 1))
    return norm_share(known(mass))


def gradient_mass(sample: Sample) -> list[float | None]:
    """Share of the weighted squared norms, [K]: of w^2 G; negative estimates count as 0."""
    mass = mean(means(sample, "weights", 1), (0, 1)) ** 2 * mean(means(sample, "squared_norm", 1), (0, 1))
    return norm_share(known(mass))


def distance(run: Run) -> float | None:
    """Mean over the run of the total variation distance between intended and realised shares, in [0, 1]."""
    curves = run.record.curves
    if not curves.intended_share:
        return None

    gap = np.abs(np.array(curves.intended_share) - np.array(curves.task_share)).sum(axis=1) / 2
    steps = np.diff([0, *curves.steps])
    return float(gap @ steps / steps.sum())


def _finding(sample: Sample) -> str:
    return sentences(f"Under {sample.label} ({sample.seeds}),", _silence(sample), capital(_extremes(sample)))


def _silence(sample: Sample) -> str:
    told = _ranked(sample, known(silent(sample)))
    if not told:
        return "it is not known how many prompt groups were silent."
    (least, _), (most, name) = told[0], told[-1]
    where = f", most on {name} ({percent(most)})" if most - least > EXACT else ""
    return f"{percent(sum(value for value, _ in told) / len(told))} of prompt groups gave no gradient{where}."


def _extremes(sample: Sample) -> str:
    """The task with most tokens and the one with most gradient."""
    given = dict(zip(sample.tasks, prompts(sample), strict=True))
    parts = []
    for noun, values in {"reply tokens": tokens(sample), "gradient mass": gradient_mass(sample)}.items():
        told = _ranked(sample, values)
        if len(told) > 1 and told[-1][0] - told[0][0] <= EXACT:
            parts.append(f"all tasks had the same {noun}")
        elif told:
            share, name = told[-1]
            parts.append(f"most {noun}: {name}, {percent(share)} with {percent(given[name])} of the prompts")

    return "; ".join(parts) + "." if parts else "neither reply tokens nor gradient mass are known."


def _ranked(sample: Sample, values: Sequence[float | None]) -> list[tuple[float, str]]:
    """Known values with their tasks, the smallest first."""
    return sorted((value, name) for value, name in zip(values, sample.tasks, strict=True) if value is not None)


def _asked(found: dict[str, Sample], names: dict[str, str]) -> str:
    """How far realised shares are from those intended, over the methods that say what they intend."""
    gaps = {names[label]: interval(_distances(sample)) for label, sample in found.items()}
    known_gaps = {label: gap.mean for label, gap in gaps.items() if gap}
    if not known_gaps:
        return "No run says which shares its method intended."

    worst = max(known_gaps, key=lambda label: (known_gaps[label], label))
    if known_gaps[worst] < EXACT:
        return f"Realised shares of the prompts were those intended, in {plural(len(known_gaps), 'method')}."

    return (
        f"Realised and intended shares of the prompts differ most under {worst}, by {percent(known_gaps[worst])} "
        "(total variation, mean over steps)."
    )


def _distances(sample: Sample) -> Array:
    return np.array([distance(run) for run in sample.runs], dtype=np.float64)


def _figure(sample: Sample) -> Figure:
    series = {
        "prompts": known(prompts(sample)),
        "reply tokens": tokens(sample),
        "gradient mass": gradient_mass(sample),
    }
    return Figure(
        key="shares",
        kind="bars",
        title="What each task gets",
        description=(
            f"Shares of the prompts, of the reply tokens, and of the squared norms times squared weights, under "
            f"{sample.label}, mean over run and {sample.seeds}."
        ),
        x_label="task",
        y_label="share",
        series=tuple(Series(label, sample.tasks, tuple(values)) for label, values in series.items()),
        reading=capital(_extremes(sample)),
    )


def _tasks(sample: Sample) -> Table:
    columns = ("task", "silent groups", "prompts", "prompts that count", "reply tokens", "gradient mass")
    heard = norm_share(known(prompts(sample) * (1 - silent(sample))))
    values = (known(silent(sample)), known(prompts(sample)), heard, tokens(sample), gradient_mass(sample))
    rows = tuple(zip(sample.tasks, *values, strict=True))
    caption = (
        f"Under {sample.label}, mean over run and {sample.seeds}: share of the task's groups without a gradient, then "
        "the task's shares. Prompts that count: not silent."
    )
    return Table(columns, rows, caption)


def _methods(found: dict[str, Sample], names: dict[str, str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label, sample in found.items():
        quiet = mean(means(sample, "silent", 1)[:, 0], 1)
        share = prompts(sample)
        gap = cells(interval(_distances(sample)))[0]
        rows.append(
            (names[label], len(sample.runs), cells(interval(quiet))[0], float(share.min()), float(share.max()), gap)
        )

    columns = ("method", "seeds", "silent groups", "least share", "largest share", "intended against realised")
    caption = (
        "Silent groups, mean over tasks; least and largest share of the prompts of a task; total variation distance of "
        "intended and realised shares, mean over steps. Empty: not recorded."
    )
    return Table(columns, tuple(rows), caption)
