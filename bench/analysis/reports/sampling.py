"""R7: does it help to sample loud tasks more, or less? Sampling policies, their shares and their gains."""

from collections.abc import Sequence

from bench.analysis.figures import Cell, Figure, Report, Series, Table
from bench.analysis.reports._methods import (
    Groups,
    acts_on,
    judged,
    mean_gain,
    samples,
    selected,
    settings_text,
    stated,
    tally,
    task_gains,
    unfinished,
)
from bench.analysis.reports._sample import Array, Sample, absent, cells, known, mean, means
from bench.analysis.rows import Row
from bench.analysis.runs import REFERENCE, Run
from bench.analysis.text import listing, percent, sentences

KEY, TITLE = "R7", "Sampling policies"
QUESTION = "Does it help to draw more prompts of the tasks with large gradients, or fewer?"
FURTHEST = 5
"""Policies in the figure beside `uniform`."""
EXACT = 0.005
"""Shares that differ by less are equal."""
PROPORTIONAL, EXPONENT = "gradient_proportional", "exponent"


def sampling(runs: Sequence[Run]) -> Report:
    """Realised shares of the prompts and gains of the methods that act on sampling alone."""
    groups = selected(runs, lambda run: acts_on(run, "TaskSampling") and len(run.record.method.acts_on) == 1)
    found = samples(groups)
    others = [label for label in groups if label != REFERENCE]
    if not others:
        why = f"No sampling policy beside {REFERENCE} is recorded: {_advice(runs, [PROPORTIONAL])}"
        return absent(KEY, TITLE, QUESTION, why)

    rows = judged(runs)
    told = {label: rows[label] for label in others if rows[label].difference}
    finding = sentences(
        _finding(told, groups, len(others)), *_proportional(told, groups, found), _missing(runs, groups)
    )
    figures = (_figure(found),) if found else ()
    paths = sorted({run.path for members in groups.values() for run in members})

    return Report(
        KEY, TITLE, QUESTION, sentences(finding, unfinished(groups)), figures, (_table(groups, rows),), tuple(paths)
    )


def _finding(told: dict[str, Row], groups: Groups, policies: int) -> str:
    if not told:
        return f"None of the sampling policies ({policies}) shares a seed with {REFERENCE}."
    return f"Of the sampling policies: {tally(told, groups)}"


def _proportional(told: dict[str, Row], groups: Groups, found: dict[str, Sample]) -> list[str]:
    """What the paper asks about: sampling in proportion to a power of the gradient, and its inverse."""
    parts = []
    for label, row in told.items():
        power = _power(groups[label][0])
        if power and label in found and row.difference:
            share = mean(means(found[label], "task_share", 1), (0, 1))
            top = int(share.argmax())
            name = "its inverse" if power < 0 else "gradient-proportional sampling"
            parts.append(
                f"With {name} ({EXPONENT} {power:g}), {found[label].tasks[top]} got most prompts "
                f"({percent(share[top])}) and the mean gain changed by {stated(row.difference)}."
            )

    return parts


def _power(run: Run) -> float:
    value = run.record.method.settings.get(EXPONENT, 0)
    is_number = isinstance(value, int | float) and run.record.method.name == PROPORTIONAL
    return float(value) if is_number and isinstance(value, int | float) else 0.0


def _missing(runs: Sequence[Run], groups: Groups) -> str:
    powers = [_power(members[0]) for members in groups.values()]
    names = {members[0].record.method.name for members in groups.values()}
    lacking = [PROPORTIONAL] if not any(power > 0 for power in powers) else []
    lacking += [f"{PROPORTIONAL} method.{EXPONENT}=-0.5"] if not any(power < 0 for power in powers) else []
    lacking += ["pike"] if "pike" not in names else []
    return f"Not recorded: {_advice(runs, lacking)}" if lacking else ""


def _advice(runs: Sequence[Run], lacking: Sequence[str]) -> str:
    suite = runs[0].record.suite.name if runs else "SUITE"
    return f"{listing([f'`bench run method={each} suite={suite}`' for each in lacking])}."


def _figure(found: dict[str, Sample]) -> Figure:
    shares = {label: mean(means(sample, "task_share", 1), (0, 1)) for label, sample in found.items()}
    spread = {label: float(share.max() - share.min()) for label, share in shares.items()}
    furthest = sorted((label for label in shares if label != REFERENCE), key=lambda label: (-spread[label], label))
    names = next(iter(found.values())).tasks
    shown = [label for label in (REFERENCE, *furthest[:FURTHEST]) if label in shares]
    more = f"; {REFERENCE} and the {FURTHEST} furthest from equal shares" if len(furthest) > FURTHEST else ""

    return Figure(
        key="prompt-shares",
        kind="bars",
        title="Share of the prompts that each task got",
        description=f"Realised share, mean over run and seeds, of methods that act on sampling alone{more}.",
        x_label="task",
        y_label="share of prompts",
        series=tuple(Series(label, names, tuple(known(shares[label]))) for label in shown),
        reading=_reading(names, shares, furthest),
    )


def _reading(names: Sequence[str], shares: dict[str, Array], furthest: Sequence[str]) -> str:
    widest = furthest[0] if furthest else REFERENCE
    share = shares[widest]
    if share.max() - share.min() < EXACT:
        return "All policies gave the tasks equal shares."
    top, bottom = int(share.argmax()), int(share.argmin())
    return (
        f"{widest} is furthest from equal shares: {percent(share[top])} of the prompts for {names[top]}, "
        f"{percent(share[bottom])} for {names[bottom]}."
    )


def _table(groups: Groups, judged: dict[str, Row]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label, members in groups.items():
        pair = cells(judged[label].difference)
        settings = settings_text(members, groups) or None
        rows.append((label, settings, len(members), mean_gain(members).mean, *pair, min(task_gains(members))))

    columns = ("method", "settings", "seeds", "mean gain", f"minus {REFERENCE}", "low", "high", "worst task's gain")
    return Table(columns, tuple(rows), "Held-out gains of the sampling policies; differences paired by seed.")
