"""The gate of a suite: whether its figures can see differences between methods, before it is frozen.

Three questions, each on seeds and held-out items that are never reported. Is the learning rate the one that suits
`uniform` best, so that no method wins by a step size? What do the best static weights gain? Do eight methods that work
in different ways lie far enough apart, in units of the difference that the suite's seeds can detect?
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.frontier import best_static
from bench.analysis.imbalance import pooled_norms, squared_norms
from bench.analysis.statistics import (
    Interval,
    detectable_difference,
    paired_difference,
    paired_differences,
    t_interval,
)
from bench.records.schema import Record

REFERENCE = "uniform"
TIMES = 5.0
"""The panel's best and worst must lie so many detectable differences apart."""
LEAST_RATES = 4

Runs = Sequence[Record]


@dataclass(frozen=True)
class TaskLine:
    """A task under `uniform`: held-out reward before and after, reply length, squared gradient norm."""

    name: str
    scored: bool
    before: float
    after: float
    reply_tokens: float
    squared_norm: float | None


@dataclass(frozen=True)
class Gate:
    """What was measured of a suite. Differences are those of mean gain to `uniform`, paired by seed."""

    rate: float
    """The suite's own learning rate."""
    rates: Mapping[float, Interval]
    """Mean gain of `uniform`, by learning rate."""
    statics: Mapping[str, Interval]
    panel: Mapping[str, Interval]
    regrets: Mapping[str, Interval]
    """What the best static point, `uniform` among them, gains beyond each method of the panel, on common seeds.

    The point is chosen on the other seeds; empty with fewer than two.
    """
    detectable: float
    """The difference that the suite's seeds see 80 % of the time."""
    seeds: int
    """How many the suite prescribes."""
    tasks: Sequence[TaskLine]

    @property
    def best_rate(self) -> float:
        """The learning rate under which `uniform` gains most."""
        return max(self.rates, key=lambda rate: self.rates[rate].mean)

    @property
    def best_static(self) -> str:
        """The static weights that gain most."""
        return max(self.statics, key=lambda label: self.statics[label].mean)

    @property
    def spread(self) -> float:
        """Mean gain of the panel's best minus that of its worst, `uniform` among them."""
        means = [0.0, *(interval.mean for interval in self.panel.values())]
        return max(means) - min(means)

    @property
    def times(self) -> float:
        """The spread in detectable differences."""
        return self.spread / self.detectable if self.detectable else math.inf

    @property
    def checks(self) -> dict[str, bool]:
        """What the gate asks, and whether the suite has it."""
        inside = min(self.rates) < self.best_rate < max(self.rates)
        return {
            f"at least {LEAST_RATES} learning rates, the best of them not at an end": (
                len(self.rates) >= LEAST_RATES and inside
            ),
            "the suite's learning rate is the best one for uniform": self.best_rate == self.rate,
            f"the panel spreads over at least {TIMES:g} detectable differences": self.times >= TIMES,
        }

    @property
    def passed(self) -> bool:
        """Whether the suite may be frozen."""
        return all(self.checks.values())


def gate_of(
    rate: float,
    seeds: int,
    rates: Mapping[float, Runs],
    statics: Mapping[str, Runs],
    panel: Mapping[str, Runs],
) -> Gate:
    """The gate's figures from its records; runs of one label differ in their seed. ValueError without common seeds.

    rate, seeds: the suite's learning rate and number of prescribed seeds. panel: with `uniform`.
    """
    reference = _gains(panel[REFERENCE])
    others = {label: runs for label, runs in panel.items() if label != REFERENCE}
    points = [reference, *(_gains(runs) for runs in statics.values())]
    best = best_static(points, len(points))
    paired = [list(paired_differences(_gains(runs), reference).values()) for runs in others.values()]
    return Gate(
        rate=rate,
        rates={value: t_interval(_gains(runs).values()) for value, runs in sorted(rates.items())},
        statics={label: paired_difference(_gains(runs), reference) for label, runs in statics.items()},
        panel={label: paired_difference(_gains(runs), reference) for label, runs in others.items()},
        regrets={label: paired_difference(best, _gains(runs)) for label, runs in panel.items()} if best else {},
        detectable=detectable_difference(paired, seeds),
        seeds=seeds,
        tasks=task_lines(panel[REFERENCE]),
    )


def mean_gain(runs: Runs) -> float:
    """Mean gain over the runs of one label."""
    return _mean(list(_gains(runs).values()))


def task_lines(runs: Runs) -> list[TaskLine]:
    """Every task of some runs of one method, over their seeds."""
    norms = pooled_norms([squared_norms(run.curves) for run in runs])
    return [
        TaskLine(
            name=task.name,
            scored=task.scored,
            before=task.before.mean,
            after=_mean([run.tasks[index].before.mean + run.tasks[index].gain for run in runs]),
            reply_tokens=mean_of_curve(runs, "reply_length", index),
            squared_norm=norms[index],
        )
        for index, task in enumerate(runs[0].tasks)
    ]


def mean_of_curve(runs: Runs, curve: str, task: int) -> float:
    """Mean of one task's curve over windows and runs; windows without a prompt of the task are left out."""
    points = [point[task] for run in runs for point in getattr(run.curves, curve)]
    return _mean([point for point in points if point is not None])


def markdown(gate: Gate) -> Iterator[str]:
    """The gate as a page shows it, line by line."""
    said = "passes" if gate.passed else "does not pass"
    yield f"The suite **{said}** the gate.\n"
    yield "| asked | found |"
    yield "|---|---|"
    for check, held in gate.checks.items():
        yield f"| {check} | {'yes' if held else 'no'} |"

    yield (
        f"\nDetectable with {gate.seeds} seeds: {gate.detectable:.4f}. The panel spreads over {gate.spread:.4f}, "
        f"{gate.times:.1f} times as much.\n"
    )
    yield from _task_table(gate)

    yield "\n| learning rate | mean gain of uniform |"
    yield "|---:|---|"
    for rate, gain in gate.rates.items():
        yield f"| {rate:.3g}{' (the suite)' if rate == gate.rate else ''} | {_stated(gain)} |"

    yield from _differences("method", gate.panel, gate.regrets)
    yield from _differences("static weights", gate.statics, {})
    yield from _best_of(gate)


def on_page(text: str, suite: str, lines: Sequence[str]) -> str:
    """A page with the suite's figures between its two marks replaced; as it is where it has no such marks."""
    begin, end = (f"<!-- {word} of the gate of {suite} -->" for word in ("begin", "end"))
    if begin not in text or end not in text:
        return text
    before, after = text.partition(begin)[0], text.partition(end)[2]
    return "\n".join([before + begin, *lines, end + after])


def _task_table(gate: Gate) -> Iterator[str]:
    yield "| task | scored | before | after uniform | reply tokens | squared norm |"
    yield "|---|---|---:|---:|---:|---:|"
    for task in gate.tasks:
        norm = f"{task.squared_norm:.3g}" if task.squared_norm is not None else ""
        scored = "yes" if task.scored else "no"
        yield (f"| {task.name} | {scored} | {task.before:.3f} | {task.after:.3f} | {task.reply_tokens:.1f} | {norm} |")


def _differences(kind: str, found: Mapping[str, Interval], regrets: Mapping[str, Interval]) -> Iterator[str]:
    more = " | best static point minus it" if regrets else ""
    yield f"\n| {kind} | mean gain minus uniform's{more} |"
    yield f"|---|---|{'---|' if regrets else ''}"

    for label, difference in sorted(found.items(), key=lambda item: -item[1].mean):
        regret = f" | {_stated(regrets[label])}" if label in regrets else ""
        yield f"| {label} | {_stated(difference)}{regret} |"


def _best_of(gate: Gate) -> Iterator[str]:
    """What the best static point gains beyond `uniform`, and that nothing is known of others."""
    if REFERENCE in gate.regrets:
        yield (
            f"\nThe best of these {len(gate.statics)} points and equal weights, chosen on the other seeds, gains "
            f"{_stated(gate.regrets[REFERENCE])} more than `uniform`. Nothing is known of weights that were not tried."
        )


def _stated(interval: Interval) -> str:
    if interval.n < 2:
        return f"{interval.mean:+.4f} (one seed)"
    return f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}], {interval.n} seeds"


def _gains(runs: Runs) -> dict[int, float]:
    return {run.seed: run.mean_gain for run in runs}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
