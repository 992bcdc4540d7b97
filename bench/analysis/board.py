"""The board of a suite, from its runs: what each row is computed from, and what rows are compared with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from statistics import fmean

import numpy as np

from bench.analysis import imbalance
from bench.analysis.cost import CURRENCIES, gain_at_equal_cost, overhead, peak_memory
from bench.analysis.frontier import best_static, efficient
from bench.analysis.metrics import reward_area, time_to_target
from bench.analysis.noise import noise, pooled
from bench.analysis.normalised import SPECIALIST, by_seed, geometric_mean, specialist_gains
from bench.analysis.ranking import (
    Estimate,
    probability_of_improvement,
    rank_ranges,
    rank_stability,
    tie_groups,
)
from bench.analysis.rows import SWEEP, Board, Regret, Row, method_of, static_point
from bench.analysis.runs import REFERENCE, Run, check_one_suite, group_by_method
from bench.analysis.significance import BySeed, adjusted
from bench.analysis.statistics import (
    Interval,
    detectable_difference,
    paired_difference,
    paired_differences,
    t_interval,
)


def boards(runs: Iterable[Run]) -> list[Board]:
    """One board a suite, by name."""
    by_suite: dict[str, list[Run]] = {}
    for run in runs:
        by_suite.setdefault(run.record.suite.name, []).append(run)

    return [board(by_suite[name]) for name in sorted(by_suite)]


def board(runs: Sequence[Run]) -> Board:
    """The board of one suite's runs, in any order. UserError if they do not share their tasks.

    The last one is kept: a suite's page, its files and its reports show the same board.
    """
    check_one_suite(runs)
    return _board(_Runs(frozenset(map(id, runs)), tuple(runs)))


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs that are equal if they are the same objects, which is seen without comparing whole records."""

    ids: frozenset[int]
    runs: tuple[Run, ...] = field(compare=False)


@lru_cache(maxsize=1)
def _board(given: _Runs) -> Board:
    runs = given.runs
    suite = _Field(group_by_method(runs))
    rows = sorted(map(suite.row, suite.groups), key=lambda row: (-row.gain.mean, row.label))
    rows, pairs = _ranked(rows, suite.means)
    gains = {row.label: row.gain.mean for row in rows if not row.specialists}

    # Static weights are raised to an extreme on purpose: their spread is not that of methods.
    judged = [row for row in rows if row.difference and not row.unfinished and not row.specialists]
    steady = [row for row in judged if not row.static] or judged
    spread = [list(suite.gaps(row.label, suite.means).values()) for row in steady]
    most = max(map(len, spread), default=0)
    family = [row for row in rows if row.p is not None and not (row.missing or row.static or row.specialists)]
    comparisons = max(1, len(family))
    whole = {row.label: suite.means[row.label] for row in rows if row.group}

    return Board(
        name=runs[0].record.suite.name,
        rows=rows,
        comparisons=comparisons,
        detectable=detectable_difference(spread, most),
        detectable_corrected=detectable_difference(spread, most, comparisons),
        noise=pooled(row.noise for row in steady if row.noise),
        stability=rank_stability(whole),
        pairs=pairs,
        frontier=[row for row in rows if row.label in suite.sweep],
        efficient={
            currency: efficient({row.label: cost for row in rows if (cost := row.overheads[currency])}, gains)
            for currency in CURRENCIES
        },
    )


def _ranked(rows: Sequence[Row], means: Mapping[str, BySeed]) -> tuple[list[Row], dict[frozenset[str], float]]:
    """The rows with groups and ranks among the complete ones, and the p-value of each pair of those.

    A pair with the reference has the p-value of its row, so that a verdict and a group never disagree; all other pairs
    are one family.
    """
    # A row that lacks seeds would be ranked on easier or harder ones than the others.
    whole = [row for row in rows if not row.missing and not row.specialists]
    names = [row.label for row in whole]
    pairs = {frozenset((REFERENCE, row.label)): row.p for row in whole if row.p is not None}
    others = [
        (first, second)
        for place, first in enumerate(names)
        for second in names[place + 1 :]
        if frozenset((first, second)) not in pairs
    ]
    gaps = {f"{place}": paired_differences(means[a], means[b]) for place, (a, b) in enumerate(others)}
    p = list(adjusted(gaps).values())
    known = pairs | {frozenset(pair): value for pair, value in zip(others, p, strict=True)}

    groups, ranks = tie_groups(names, known), rank_ranges(names, known)
    return [replace(row, group=groups.get(row.label), rank=ranks.get(row.label)) for row in rows], known


class _Field:
    """What rows are computed from."""

    def __init__(self, groups: Mapping[str, Sequence[Run]]) -> None:
        self.groups = groups
        self.gains = {label: {run.record.seed: run.counted for run in members} for label, members in groups.items()}
        self.means = {label: {run.record.seed: run.mean for run in members} for label, members in groups.items()}
        self.areas = {
            label: {run.record.seed: area for run in members if (area := reward_area(run)) is not None}
            for label, members in groups.items()
        }
        self.reference = groups.get(REFERENCE, [])

        self.specialists = specialist_gains(list(self.gains.get(SPECIALIST, {}).values()))
        self.worst = {
            label: by_seed(rows, self.specialists, min) if self.specialists else {}
            for label, rows in self.gains.items()
        }
        self.sweep = [label for label, members in groups.items() if static_point(members[0])]

        self.p = self._corrected(lambda label: {"": self.gaps(label, self.means)})
        self.area_p = self._corrected(lambda label: {"": self.gaps(label, self.areas)})
        self.task_p = self._corrected(self._task_gaps)

    def row(self, label: str) -> Row:
        runs = self.groups[label]
        norms = imbalance.pooled_norms(run.norms for run in runs)
        conflicts = [rate for run in runs if (rate := imbalance.conflict_rate(run.record.curves)) is not None]
        tasks = [t_interval(values) for values in zip(*(run.gains for run in runs), strict=True)]
        paired = self._paired(label)

        return Row(
            label=label,
            runs=runs,
            settings=self._settings(label),
            gain=t_interval(self.means[label].values()),
            difference=self._difference(label, self.means),
            p=self.p.get((label, "")),
            worst=t_interval(min(gains) for gains in self.gains[label].values()),
            tasks=tasks,
            task_differences=[t_interval(gap.values()) for gap in self._task_gaps(label).values()] if paired else [],
            task_p=[self.task_p[label, name] for name in self._task_gaps(label)] if paired else [],
            hurt=[runs[0].tasks[place] for place in runs[0].scored if tasks[place].high < 0],
            area=t_interval(self.areas[label].values()) if self.areas[label] else None,
            area_difference=self._difference(label, self.areas),
            area_p=self.area_p.get((label, "")),
            normalised=self._normalised(label),
            worst_normalised=t_interval(self.worst[label].values()) if self.worst[label] else None,
            geometric=self._normalised(label, geometric_mean),
            target=time_to_target(runs, self.reference),
            regret=self._regret(label, self.means),
            regret_worst=self._regret(label, self.worst),
            improvement=self._improvement(label),
            norm_ratio=imbalance.norm_ratio(norms),
            effective_tasks=imbalance.effective_tasks(norms),
            conflict_rate=sum(conflicts) / len(conflicts) if conflicts else None,
            overheads={currency: overhead(runs, self.reference, currency) for currency in CURRENCIES},
            equal_cost={
                currency: t_interval(found) if (found := gain_at_equal_cost(runs, self.reference, currency)) else None
                for currency in CURRENCIES
            },
            memory=peak_memory(runs),
            noise=noise(runs, self.reference) if paired else None,
            missing=self._missing(label),
            group=None,
            rank=None,
        )

    def gaps(self, label: str, values: Mapping[str, BySeed]) -> dict[int, float]:
        """Differences of a quantity to the reference, by common seed."""
        return paired_differences(values[label], values.get(REFERENCE, {}))

    def _task_gaps(self, label: str) -> dict[str, dict[int, float]]:
        own, peers = (
            {run.record.seed: dict(zip(run.tasks, run.gains, strict=True)) for run in runs}
            for runs in (self.groups[label], self.reference)
        )
        seeds = sorted(own.keys() & peers.keys())
        return {name: {s: own[s][name] - peers[s][name] for s in seeds} for name in self.groups[label][0].tasks}

    def _corrected(self, gaps: Callable[[str], Mapping[str, BySeed]]) -> dict[tuple[str, str], float]:
        """Corrected p-values of differences to the reference, each row's within its family.

        Methods are one family, the points of the sweep another, specialists a third: neither is a candidate. Rows
        that lack seeds are families of their own, so that a preliminary row changes no other verdict.
        """
        families: dict[object, dict[tuple[str, str], BySeed]] = {}
        for label in self.groups:
            kind = self.groups[label][0].record.method.name
            place = (kind if kind in (SWEEP, SPECIALIST) else "", bool(self._missing(label)))
            if self._paired(label):
                known = {(label, name): gap for name, gap in gaps(label).items() if gap}
                families.setdefault(place, {}).update(known)

        found: dict[tuple[str, str], float] = {}
        for family in families.values():
            names = {f"{place}": key for place, key in enumerate(family)}
            p = adjusted({name: family[key] for name, key in names.items()})
            found |= {names[name]: value for name, value in p.items()}
        return found

    def _settings(self, label: str) -> int:
        own = method_of(self.groups[label][0])
        return sum(method_of(runs[0]) == own for runs in self.groups.values())

    def _paired(self, label: str) -> bool:
        return label != REFERENCE and bool(self.means[label].keys() & self.means.get(REFERENCE, {}).keys())

    def _missing(self, label: str) -> list[int]:
        return sorted(self.means.get(REFERENCE, {}).keys() - self.means[label].keys())

    def _difference(self, label: str, values: Mapping[str, BySeed]) -> Interval | None:
        if label == REFERENCE or not self.gaps(label, values):
            return None
        return paired_difference(values[label], values[REFERENCE])

    def _normalised(self, label: str, summary: Callable[[Sequence[float]], float] = fmean) -> Interval | None:
        if not self.specialists:
            return None
        found = by_seed(self.gains[label], self.specialists, summary)
        return t_interval(found.values()) if found else None

    def _regret(self, label: str, values: Mapping[str, BySeed]) -> Regret | None:
        # One point is no sweep, and a specialist's models are not one model.
        name = self.groups[label][0].record.method.name
        if len(self.sweep) < 2 or name in (SWEEP, SPECIALIST):
            return None

        points = [values[point] for point in self.sweep]
        budgets = (len(points), min(self._settings(label), len(points)))
        best, equal = (best_static(points, budget) for budget in budgets)
        if not best.keys() & values[label].keys():
            return None
        return Regret(paired_difference(best, values[label]), paired_difference(equal, values[label]))

    def _improvement(self, label: str) -> Estimate | None:
        if not self._paired(label):
            return None
        seeds = sorted(self.means[label].keys() & self.means[REFERENCE].keys())
        own, other = (np.array([self.gains[name][seed] for seed in seeds]) for name in (label, REFERENCE))
        return probability_of_improvement(own, other)
