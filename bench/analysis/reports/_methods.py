"""Several methods beside `uniform`: their names, gains and paired differences. Unfinished runs count as no gain."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from bench.analysis.board import board
from bench.analysis.reports._sample import Sample
from bench.analysis.rows import Row
from bench.analysis.runs import REFERENCE, Run, group_by_method
from bench.analysis.statistics import Interval, t_interval
from bench.analysis.text import listing, with_ends

LONGEST = 60
"""Characters of a method's settings that are shown."""
SIDES = ("gained more than", "gained less than", "cannot be separated from")

Groups = Mapping[str, Sequence[Run]]


def mean_gain(runs: Sequence[Run]) -> Interval:
    """Mean held-out gain over tasks, over the seeds of a method."""
    return t_interval(run.mean for run in runs)


def judged(runs: Sequence[Run]) -> dict[str, Row]:
    """The rows of the suite's board by label: what a report says of a method is what the board says of it."""
    return {row.label: row for row in board(runs).rows}


def task_gains(runs: Sequence[Run]) -> list[float]:
    """Mean gain on each task over seeds, [K]."""
    return [fmean(gains) for gains in zip(*(run.gains for run in runs), strict=True)]


def selected(runs: Sequence[Run], wanted: Callable[[Run], bool]) -> dict[str, list[Run]]:
    """Runs by label, of the methods that are wanted."""
    return group_by_method(run for run in runs if wanted(run))


def with_defaults(groups: Groups) -> dict[str, Sequence[Run]]:
    """The methods with default settings; all if there is none."""
    return {label: runs for label, runs in groups.items() if "+" not in label} or dict(groups)


def samples(groups: Groups, curve: str = "steps") -> dict[str, Sample]:
    """The runs of each method whose curves count; methods without such a run are left out."""
    found = {label: Sample.of(runs, label, curve=curve) for label, runs in groups.items()}
    return {label: sample for label, sample in found.items() if sample.runs}


def acts_on(run: Run, place: str) -> bool:
    """Whether a run's method acts there and nothing is wrapped around it."""
    return place in run.record.method.acts_on and run.record.method.wrapper is None


def settings_text(runs: Sequence[Run], groups: Groups) -> str:
    """The settings in which a method differs from its run with the defaults; all of them if there is none."""
    if "+" not in runs[0].label:
        return ""

    plain = groups.get(runs[0].label.partition("+")[0], ())
    defaults = _settings(plain[0]) if plain else {}
    told = [f"{key}={_value(value)}" for key, value in _settings(runs[0]).items() if defaults.get(key) != value]
    text = " ".join(told)

    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def described(label: str, groups: Groups) -> str:
    """The label, with the settings that stand behind its hexadecimal digits."""
    text = settings_text(groups[label], groups)
    return f"{label} ({text})" if text else label


def tally(rows: Mapping[str, Row], groups: Groups) -> str:
    """How methods compare with `uniform`, by the board's verdicts; rows: with a difference, at least one."""
    found = {label: row.difference for label, row in rows.items() if row.difference}
    best = min(found, key=lambda key: (-found[key].mean, key))
    if len(found) == 1:
        against = f"{described(best, groups)} {_against(rows[best])} {REFERENCE}"
        return f"{against}: {stated(found[best])} in mean held-out gain."

    sides = [_against(rows[label]) for label in found]
    counts = ", ".join(f"{sides.count(side)} {side} {REFERENCE}" for side in SIDES)
    return (
        f"{counts} (mean held-out gain, paired by seed, corrected for the number of methods). "
        f"Largest difference: {described(best, groups)}, {stated(found[best])}."
    )


def _against(row: Row) -> str:
    return next(SIDES[kind] for kind, word in enumerate(("better", "worse", "")) if row.verdict.startswith(word))


def stated(found: Interval) -> str:
    """A mean with its interval; one pair of runs has none."""
    if found.n < 2:
        return f"{with_ends(found)} (one seed)"
    return with_ends(found)


def unfinished(groups: Groups) -> str:
    """Which methods have runs that did not finish, as a sentence; empty if all did."""
    short = [label for label, runs in groups.items() if not all(run.done for run in runs)]
    if not short:
        return ""

    runs = sum(not run.done for label in short for run in groups[label])
    what = "1 run that did not finish counts" if runs == 1 else f"{runs} runs that did not finish count"
    return f"{what} as no gain ({listing(short)})."


def _settings(run: Run) -> dict[str, object]:
    """Settings of the method by name, and of its wrapper as `wrapper.name`."""
    method = run.record.method
    around = method.wrapper.settings if method.wrapper else {}
    own: dict[str, object] = {key: method.settings[key] for key in sorted(method.settings)}
    return own | {f"wrapper.{key}": around[key] for key in sorted(around)}


def _value(value: object) -> str:
    if isinstance(value, list):
        return ":".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
