"""Rules between the records of a store: seeds without gaps, one base model, no copies, nothing too good.

Each rule takes all facts once; none compares all pairs.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import pstdev
from typing import TypeVar

from bench.records.rules.case import RERUN, Problem
from bench.records.rules.facts import SHARED, Facts
from bench.records.rules.suspects import bent_base, crowded, scaled

FASTER = 5.0
"""Times the fastest run of a suite: worth a look."""
FASTER_HERE = 2.5
"""The same where the hardware is the same: a quiet machine is not that much faster than the best of a busy one."""
IMPOSSIBLE = 50.0
"""Times the fastest run of a suite on the same hardware: not a run of this suite."""
SPREADS = 3.0
"""Standard deviations of a suite's gains above the best of other methods: worth a look."""
ENOUGH = 5
"""Runs of other methods that make a history."""

K = TypeVar("K")
SAME = {"curves.naive_squared_norm", "model.final_digest"}
"""Two methods of one seed that did the same share one of these; rewards alone may agree by chance."""
StoreRule = Callable[[Sequence[Facts], Mapping[str, Sequence[int]]], Iterator[Problem]]


def compare(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> list[Problem]:
    """What is wrong between records. seeds: those that each suite prescribes; a suite without is not asked for its."""
    return [problem for rule in STORE for problem in rule(facts, seeds)]


def complete(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """A method has every prescribed seed of a suite, failed and withdrawn ones included."""
    for (suite, _), runs in _by(facts, lambda fact: (fact.suite, fact.label)).items():
        missing = sorted(set(seeds.get(suite, ())) - {fact.seed for fact in runs})
        folder = runs[0].path.parent
        if missing:
            names = ", ".join(map(str, missing))
            said = f"seed{'s' * (len(missing) > 1)} {names} of {suite} missing: the set of runs is incomplete"
            yield Problem(folder, "seed", said, "Run them; a failed run is a record, too.")

        for fact in runs:
            if fact.withdrawn:
                said = "is withdrawn: its method's row is preliminary"
                yield Problem(fact.path, "(file)", said, "Nothing need be done.", "notice")


def alike(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """The runs of a suite share protocol, tasks, data, suite and model: else they could not stand in one table."""
    for suite, runs in _by(facts, lambda fact: fact.suite).items():
        for place, field in enumerate(SHARED):
            usual = _usual((fact.shared[place], fact.settled) for fact in runs if fact.shared[place])
            for fact in runs:
                if fact.shared[place] not in ("", usual):
                    yield Problem(fact.path, field, f"differs from most runs of {suite}", "Keep suites apart.")


def same_base(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """The base model has one set of outcomes where versions and hardware are the same."""
    for (suite, _), runs in _by(facts, lambda fact: (fact.suite, fact.environment)).items():
        usual = _usual((fact.before, fact.settled) for fact in runs)
        for fact in runs:
            if fact.before != usual:
                said = f"the base model's outcomes differ from other runs of {suite} on the same versions and hardware"
                yield Problem(fact.path, "tasks.before", said, RERUN)

    # Another machine changes the last bits, and with them some replies: that is worth knowing, and no fault.
    for suite, runs in _by(facts, lambda fact: fact.suite).items():
        usual = _usual((fact.before, fact.settled) for fact in runs)
        known = {fact.environment for fact in runs if fact.before == usual}
        for fact in runs:
            if fact.before != usual and fact.environment not in known:
                said = f"the base model's outcomes differ from most runs of {suite}, made on other versions or hardware"
                yield Problem(fact.path, "tasks.before", said, "A difference in the last bits is usual.", "notice")


def one_outcome(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """One final model has one set of outcomes where versions and hardware are the same."""
    finished = [fact for fact in facts if fact.final]
    for runs in _by(finished, lambda fact: (fact.shared, fact.environment, fact.final)).values():
        first = min(runs, key=lambda fact: fact.age)
        for fact in runs:
            if fact.after != first.after:
                said = f"the final model is that of {first.name}, its outcomes are not"
                yield Problem(fact.path, "tasks.after", said, RERUN)


def twins(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """Two seeds never share a trajectory; two methods may, with one seed, and that is shown."""
    found: dict[tuple[Path, Path, bool], list[str]] = {}
    ages = {fact.path: fact.age for fact in facts}
    owners: dict[tuple[str, str], dict[int, Facts]] = defaultdict(dict)

    # One owner a seed is kept of every fingerprint, so that a large store costs no pairs.
    for fact in sorted(facts, key=lambda fact: fact.age):
        for field, digest in fact.prints:
            known = owners[field, digest]
            if other := next((known[seed] for seed in known if seed != fact.seed), known.get(fact.seed)):
                found.setdefault((fact.path, other.path, other.seed == fact.seed), []).append(field)
            known.setdefault(fact.seed, fact)

    names = {fact.path: fact.name for fact in facts}

    for (path, twin, paired), fields in sorted(found.items(), key=lambda item: ages[item[0][0]]):
        said = f"the trajectory is that of {names[twin]}"
        what = ", ".join(fields)
        if paired and not SAME & set(fields):
            continue

        if paired:
            yield Problem(path, fields[0], f"{said} ({what})", "The same seed: two names of one method?", "notice")
        else:
            yield Problem(path, fields[0], f"{said} ({what}), which has another seed", RERUN)


def speed(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """Nobody trains many times faster than all others ever did, least of all on the same hardware."""
    for runs in _by([fact for fact in facts if fact.speed and not fact.withdrawn], lambda fact: fact.suite).values():
        everywhere = _best_of_others(runs, lambda fact: fact.speed)
        for hardware in _by(runs, lambda fact: fact.hardware).values():
            here = _best_of_others(hardware, lambda fact: fact.speed)
            for fact in hardware:
                usual = everywhere(fact.label)
                same = here(fact.label)

                if same and fact.speed > IMPOSSIBLE * same:
                    said = f"{fact.speed:,.0f} tokens a second; the same hardware did {same:,.0f} at most"
                    yield Problem(fact.path, "ledger.wall_seconds", said, RERUN)
                elif (usual and fact.speed > FASTER * usual) or (same and fact.speed > FASTER_HERE * same):
                    said = f"{fact.speed:,.0f} tokens a second; other methods did {same or usual:,.0f} at most"
                    yield Problem(fact.path, "ledger.wall_seconds", said, "Look at the hardware.", "warning")


def too_good(facts: Sequence[Facts], seeds: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    """A gain far above what any other method had on the suite asks for a reproduction."""
    done = [fact for fact in facts if fact.status == "done" and not fact.withdrawn]

    for runs in _by(done, lambda fact: fact.suite).values():
        spread = pstdev([fact.gain for fact in runs])
        best = _best_of_others(runs, lambda fact: fact.gain)
        sizes = Counter(fact.label for fact in runs)
        for fact in runs:
            others = best(fact.label)
            if len(runs) - sizes[fact.label] >= ENOUGH and fact.gain > others + SPREADS * spread:
                said = f"mean gain {fact.gain:.3f}; no run of another method has more than {others:.3f}"
                yield Problem(fact.path, "tasks.after", said, "Reproduce it: `bench reproduce FILE`.", "warning")


STORE: tuple[StoreRule, ...] = (
    complete,
    alike,
    same_base,
    bent_base,
    one_outcome,
    twins,
    scaled,
    speed,
    too_good,
    crowded,
)
"""All rules between records, in the order in which they are reported."""


def _by(facts: Iterable[Facts], key: Callable[[Facts], K]) -> dict[K, list[Facts]]:
    groups: dict[K, list[Facts]] = defaultdict(list)
    for fact in facts:
        groups[key(fact)].append(fact)
    return groups


def _usual(values: Iterable[tuple[str, bool]]) -> str:
    """The value that most runs have; those that history has count before the others."""
    counted = Counter[str]()
    settled = Counter[str]()
    for value, is_settled in values:
        counted[value] += 1
        settled[value] += is_settled
    return max(counted, key=lambda value: (settled[value], counted[value]), default="")


def _best_of_others(facts: Sequence[Facts], value: Callable[[Facts], float]) -> Callable[[str], float]:
    """The largest value among the runs of other methods than the one named; 0 if there is none."""
    best: dict[str, float] = {}
    for fact in facts:
        best[fact.label] = max(best.get(fact.label, 0.0), value(fact))
    top = sorted(best, key=lambda label: -best[label])[:2]
    return lambda label: next((best[other] for other in top if other != label), 0.0)
