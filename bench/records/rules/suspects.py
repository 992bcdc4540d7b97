"""Rules between records for what chance does not explain: copies in disguise, bent base scores, crowds of runs."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import comb
from statistics import median

from bench.records.rules.case import RERUN, Problem
from bench.records.rules.facts import Facts

SAME_NUMBER = 2e-3
"""Logarithms of two numbers of four digits that are one number, scaled and rounded again."""
FEW = 0.05
"""Part of the numbers that may be others, edited by hand. The closest honest methods of nano-v1 differ in 0.1."""
NEAR = 0.01
"""Trends, see `_trend`, of curves that are worth comparing number by number."""
CHANCE = 1e-5
"""Differences of base scores that are less probable than this are nobody's hardware."""
CROWD = 64
"""Runs at one time on machines that call themselves the same: worth a look."""
STAMPED = 3
"""Runs that begin and end in the same two seconds: worth a look."""


def scaled(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """No method has the curves of another, of the same seed, up to one factor, and yet another final model.

    Two honest methods that do the same end in the same model, bit for bit; a rounding that tells their models apart
    soon tells their curves apart as well. Two that differ in a few steps by little, as `pcgrad` and `upgrad` where
    tasks hardly conflict, are worth a look, once: records that history has are passed over.
    """
    groups: dict[tuple[str, int, int], list[Facts]] = {}
    for fact in facts:
        if fact.final and fact.sizes:
            groups.setdefault((fact.suite, fact.seed, len(fact.sizes)), []).append(fact)

    for runs in groups.values():
        # Sorted by a number that no factor changes, a run is compared with its neighbours alone.
        trends = sorted((_trend(fact.sizes), index) for index, fact in enumerate(runs))
        for place, (trend, index) in enumerate(trends):
            for other_trend, other in trends[place + 1 :]:
                if other_trend - trend > NEAR:
                    break
                yield from _copy(runs[index], runs[other])


def _copy(one: Facts, other: Facts) -> Iterator[Problem]:
    if one.final == other.final or not _is_scaled(one.sizes, other.sizes):
        return
    if one.plan and other.plan and one.sizes == other.sizes:  # the same specialists, merged in other ways
        return

    older, newer = sorted((one, other), key=lambda fact: fact.age)
    if newer.settled:  # a person looked at the two when they came
        return
    said = f"the curves are those of {older.name} up to a factor, the final model is another"
    yield Problem(newer.path, "curves.naive_squared_norm", said, "Reproduce it: `bench reproduce FILE`.", "warning")


def _trend(sizes: Sequence[float]) -> float:
    """How much larger the logarithms are in the second half of the run: a few edited ones do not change it."""
    half = len(sizes) // 2
    return median(sizes[half:]) - median(sizes[:half])


def _is_scaled(left: Sequence[float], right: Sequence[float]) -> bool:
    """Whether all but a few numbers, given as logarithms, differ by one factor."""
    apart = [one - other for one, other in zip(left, right, strict=True)]
    factor = median(apart)
    return sum(abs(each - factor) > SAME_NUMBER for each in apart) <= FEW * len(apart)


def bent_base(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """Where other hardware changes outcomes of the base model, it makes as many items right as wrong.

    An item that comes out otherwise was sampled anew, from the same distribution, so both directions are equally
    probable. What a forger gains is in one direction.
    """
    for suite, runs in _suites(facts).items():
        usual = _usual_base(runs)
        for fact in runs:
            if len(fact.base) != len(usual) or fact.base == usual:
                continue

            pairs = list(zip(fact.base, usual, strict=True))
            more = [(here & ~there).bit_count() for here, there in pairs]
            fewer = [(there & ~here).bit_count() for here, there in pairs]
            odds = [chance(*each) for each in [*zip(more, fewer, strict=True), (sum(more), sum(fewer))]]
            if min(odds) < CHANCE:
                said = f"{sum(more)} base outcomes are right and {sum(fewer)} wrong that most runs of {suite} have"
                yield Problem(fact.path, "tasks.before", f"{said} otherwise: no hardware does that", RERUN)


def chance(more: int, fewer: int) -> float:
    """Probability of differences at least as one-sided, where each direction is equally probable."""
    total = more + fewer
    tail = sum(comb(total, count) for count in range(max(more, fewer), total + 1))
    return min(1.0, 2 * tail / (1 << total))


def crowded(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """Spans that one machine can hardly have had: too many at a time, or several that are the same to the second."""
    timed = [(fact, fact.span) for fact in facts if fact.span and not fact.withdrawn]
    for hardware in sorted({fact.hardware for fact, _ in timed}):
        runs = [(fact, span) for fact, span in timed if fact.hardware == hardware]
        starts = sorted(start for _, (start, _) in runs)
        ends = sorted(end for _, (_, end) in runs)
        stamps = Counter(span for _, span in runs)

        for fact, span in runs:
            # Those that began before this one ended, but for those that had ended when it began.
            at_once = bisect_left(starts, span[1]) - bisect_right(ends, span[0])
            said = ""
            if at_once > CROWD:
                said = f"{at_once - 1} other runs on {hardware!r} were made at the same time"
            elif stamps[span] >= STAMPED:
                said = f"{stamps[span]} runs have this start and this finish, to the second"
            if said and not fact.settled:
                yield Problem(fact.path, "provenance.started", said, "Look how they were made.", "warning")


def _suites(facts: Iterable[Facts]) -> dict[str, list[Facts]]:
    groups: dict[str, list[Facts]] = {}
    for fact in facts:
        groups.setdefault(fact.suite, []).append(fact)
    return groups


def _usual_base(runs: Sequence[Facts]) -> tuple[int, ...]:
    """The outcomes that most runs have, those that history has before the others."""
    settled = [fact for fact in runs if fact.settled] or list(runs)
    ((base, _),) = Counter(fact.base for fact in settled).most_common(1)
    return base
