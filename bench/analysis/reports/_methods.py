"""Several methods beside `uniform`: their names, gains and paired differences. Unfinished runs count as no gain."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from bench.analysis.reports._sample import Sample
from bench.analysis.runs import REFERENCE, Run, group_by_method
from bench.analysis.statistics import Interval, paired_difference, t_interval
from bench.analysis.text import amount, listing, signed

LONGEST = 60
"""Characters of a method's settings that are shown."""
SIDES = ("gained more than", "gained less than", "cannot be separated from")

Groups = Mapping[str, Sequence[Run]]


def mean_gain(runs: Sequence[Run]) -> Interval:
    """Mean held-out gain over tasks, over the seeds of a method."""
    return t_interval(fmean(run.gains) for run in runs)


def difference(groups: Groups, label: str) -> Interval | None:
    """Mean gain minus that of `uniform`, paired by seed; None without a shared seed."""
    values, reference = (
        {run.record.seed: fmean(run.gains) for run in groups.get(key, ())} for key in (label, REFERENCE)
    )
    return paired_difference(values, reference) if values.keys() & reference.keys() else None


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


def tally(found: Mapping[str, Interval], groups: Groups) -> str:
    """How methods compare with `uniform`, as far as the seeds can tell; found: differences, at least one."""
    best = min(found, key=lambda key: (-found[key].mean, key))
    if len(found) == 1:
        against = f"{described(best, groups)} {_against(found[best])} {REFERENCE}"
        return f"{against}: {stated(found[best])} in mean held-out gain."

    sides = [_against(each) for each in found.values()]
    counts = ", ".join(f"{sides.count(side)} {side} {REFERENCE}" for side in SIDES)

    return (
        f"{counts} (mean held-out gain, 95 % intervals over paired seeds; of {len(found)} comparisons about "
        f"{amount(0.05 * len(found))} would fall outside by chance). "
        f"Largest difference: {described(best, groups)}, {stated(found[best])}."
    )


def _against(found: Interval) -> str:
    return SIDES[2] if not found.excludes_zero else SIDES[0] if found.mean > 0 else SIDES[1]


def stated(found: Interval) -> str:
    """A mean with its interval; one pair of runs has none."""
    if found.n < 2:
        return f"{signed(found.mean)} (one seed)"
    return f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}]"


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
