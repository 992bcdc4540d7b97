"""Where two methods part: on which tasks, which seeds, at what cost, when in training, with which imbalance.

Everything is the first method minus the other, paired by seed. A sentence claims a difference only where an interval
or an adjusted p-value resolves it; what is not resolved is said to be so.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis import imbalance
from bench.analysis.comparison import Difference, compare
from bench.analysis.cost import CURRENCIES, Currency, amount_of
from bench.analysis.parting import Apart, Parting, parting
from bench.analysis.rows import Board, Row
from bench.analysis.runs import Run
from bench.analysis.significance import ALPHA
from bench.analysis.statistics import Interval, paired_differences, t_interval
from bench.analysis.text import p_value, signed, with_ends
from bench.errors import UserError

IMBALANCES: Mapping[str, Callable[[Run], float | None]] = {
    "logarithm of the norm ratio": lambda run: _log(imbalance.norm_ratio(run.norms)),
    "effective number of tasks": lambda run: imbalance.effective_tasks(run.norms),
    "conflict rate": lambda run: imbalance.conflict_rate(run.record.curves),
}
"""What is compared of the tasks' gradients, by name; None where a run does not resolve it."""


@dataclass(frozen=True)
class Explanation:
    """What separates the first method from the other, as numbers, and as sentences computed from them."""

    suite: str
    difference: Difference
    seeds: Mapping[int, float]
    """Mean gain of the first minus that of the other, by seed."""
    costs: Mapping[Currency, Interval | None]
    """Logarithm of the ratio of costs over seeds; None without a pair whose costs are comparable."""
    imbalances: Mapping[str, Interval | None]
    """Differences of IMBALANCES over the seeds that resolve them in both runs."""
    partings: Mapping[str, Parting | None]
    """When the training rewards part, by `parting`."""
    sentences: Sequence[str]


def explain(board: Board, labels: Sequence[str]) -> Explanation:
    """The explanation for two rows of a board. UserError as `compare`, and for another number of labels."""
    if len(labels) != 2:
        raise UserError(f"name two methods, as in `bench explain pcgrad uniform`; here are {len(labels)}.")

    comparison = compare(board, labels)
    first, other = comparison.rows
    difference = comparison.differences[0]
    means = [{run.record.seed: run.mean for run in row.runs} for row in (first, other)]
    seeds = paired_differences(*means)

    # Costs and curves exist for all runs, but those of a run that broke off say nothing about the method.
    pairs = _pairs(first, other)
    costs = {currency: _over_seeds(pairs, _cost(currency), _comparable(currency)) for currency in CURRENCIES}
    imbalances = {name: _over_seeds(pairs, get) for name, get in IMBALANCES.items()}
    partings = parting(pairs)
    sentences = [
        *_gains(difference),
        *_seeds(difference, seeds),
        *_costs(difference, costs),
        *_when(difference, partings),
        *_imbalances(difference, imbalances),
    ]

    return Explanation(board.name, difference, seeds, costs, imbalances, partings, sentences)


def _gains(difference: Difference) -> Iterable[str]:
    yield difference.finding
    if difference.gain is not None:
        pair = f"{difference.label} minus {difference.other}"
        over = _numbered("seed", difference.seeds)
        yield f"The difference in mean gain, {pair}, is {with_ends(difference.gain)} over {over}."

    for name, task, p in zip(difference.task_names, difference.tasks, difference.task_p, strict=False):
        if name in difference.differing:
            more = difference.label if task.mean > 0 else difference.other
            yield f"{more} gains more on {name}: {with_ends(task)}, corrected p {_p(p)}."


def _seeds(difference: Difference, seeds: Mapping[int, float]) -> Iterable[str]:
    if not seeds:
        return

    ahead, behind = ([seed for seed, gap in seeds.items() if sign * gap > 0] for sign in (1, -1))
    parts = [
        f"{label} gains more on {_numbered('seed', found)}"
        for label, found in ((difference.label, ahead), (difference.other, behind))
        if found
    ]
    yield f"{'; '.join(parts)}." if parts else "They gain the same on every seed."
    if len(seeds) > 2:
        far = max(seeds, key=lambda seed: abs(seeds[seed]))
        rest = [gap for seed, gap in seeds.items() if seed != far]
        if all(gap * seeds[far] <= 0 for gap in rest) and any(rest):
            yield f"Seed {far} alone contradicts the others: {signed(seeds[far])}."


def _costs(difference: Difference, costs: Mapping[Currency, Interval | None]) -> Iterable[str]:
    same = []
    for currency, log in costs.items():
        name = currency.replace("_", " ").replace("cpu", "CPU")
        if log is None:
            yield f"Their {name} cannot be compared: no seed was run by both on one machine with this figure recorded."
        elif log.mean == 0 and (log.n == 1 or log.half_width == 0):
            same.append(name)
        elif log.excludes_zero:
            ratio, low, high = (f"{math.exp(value):.4g}" for value in (log.mean, log.low, log.high))
            yield f"{difference.label} spends {ratio} times the {name} of {difference.other} [{low}, {high}]."
        else:
            yield f"Their {name} are not distinguishable: a ratio of {math.exp(log.mean):.3g}."

    if same:
        yield f"They spend the same {', '.join(same[:-1])}{' and ' if same[1:] else ''}{same[-1]}."


def _when(difference: Difference, partings: Mapping[str, Parting | None]) -> Iterable[str]:
    if "" not in partings:
        yield "When they diverge is not known: that takes three seeds, and prompts of every task throughout the runs."
    elif partings[""] is None:
        yield "Neither method's mean training reward stays ahead of the other's up to the end of the run."

    known = [(name, found) for name, found in partings.items() if found]
    for name, found in sorted(known, key=lambda each: (each[0] != "", each[1].first)):
        what = f"training reward on {name}" if name else "mean training reward"
        ahead = difference.label if found.reward.mean > 0 else difference.other
        lead = found.reward if found.reward.mean > 0 else found.reward.negative
        yield (
            f"From steps {found.first} to {found.last} of {found.steps} on, {ahead} stays ahead in {what}, in these "
            f"steps by {with_ends(lead)}."
        )
        if not name:
            yield from _apart(difference, "weight", found.weights)
            yield from _apart(difference, "share of the prompts", found.shares)


def _apart(difference: Difference, what: str, tasks: Sequence[Apart]) -> Iterable[str]:
    """The task on which weights or shares differ most, if seeds resolve it."""
    found = [(each.task, each.first, each.other) for each in tasks if each.p is not None and each.p <= ALPHA]
    known = [(task, own, peer) for task, own, peer in found if own is not None and peer is not None]
    if known:
        task, own, peer = max(known, key=lambda each: abs(each[1] - each[2]))
        both = f"{own:.3f} for {difference.label}, {peer:.3f} for {difference.other}"
        yield f"In those steps their {what} differs most on {task}: {both}."


def _imbalances(difference: Difference, found: Mapping[str, Interval | None]) -> Iterable[str]:
    for name, gap in found.items():
        if gap is not None and gap.excludes_zero:
            size = "larger" if gap.mean > 0 else "smaller"
            yield (
                f"The {name} of {difference.label} is {size}: {gap.mean:+.3g} [{gap.low:+.3g}, {gap.high:+.3g}] over "
                f"{gap.n} seeds."
            )
    if not any(gap is not None and gap.excludes_zero for gap in found.values()):
        yield "The imbalance of their gradients does not differ for certain."


def _pairs(first: Row, other: Row) -> list[tuple[Run, Run]]:
    """Runs of one seed, both done, in the order of seeds."""
    own, peers = ({run.record.seed: run for run in row.runs if run.done} for row in (first, other))
    return [(own[seed], peers[seed]) for seed in sorted(own.keys() & peers.keys())]


def _over_seeds(
    pairs: Iterable[tuple[Run, Run]],
    get: Callable[[Run], float | None],
    comparable: Callable[[Run, Run], bool] = lambda first, other: True,
) -> Interval | None:
    known = [(get(first), get(other)) for first, other in pairs if comparable(first, other)]
    gaps = [first - other for first, other in known if first is not None and other is not None]
    return t_interval(gaps) if gaps else None


def _cost(currency: Currency) -> Callable[[Run], float | None]:
    return lambda run: _log(amount_of(run, currency))


def _comparable(currency: Currency) -> Callable[[Run, Run], bool]:
    """CPU seconds are compared only on the same hardware and threads."""

    def alike(first: Run, other: Run) -> bool:
        here, there = first.record.provenance, other.record.provenance
        return currency != "cpu_seconds" or (here.hardware, here.threads) == (there.hardware, there.threads)

    return alike


def _log(value: float | None) -> float | None:
    return math.log(value) if value is not None and value > 0 else None


def _numbered(noun: str, numbers: Sequence[int]) -> str:
    return f"{noun}{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def _p(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"
