"""The rule by which a rerun agrees with its record: worked by hand, and tried on the published runs."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from bench.records.reproductions import Reproduction, Spread, compare, environment, figures, spread
from bench.records.schema import Record
from bench.records.store import outcome_digest, read, record_files
from bench.request.request import RESULTS

MakeRecord = Callable[..., Record]
Z7 = 3.188815
"""Normal quantile at 1 - 0.01 / 2 / 7: two-sided 99 % over the 2 x 3 scores and the mean gain of three tasks."""


def again(record: Record, gains: list[int], make: MakeRecord, **fields: Any) -> Record:
    """A rerun: the same identity, other scores after training, in whole items of 40."""
    return make(gains=gains, method=record.method.name, seed=record.seed, **fields)


def test_the_same_outcome_is_bitwise_wherever_it_was_made(make_record: MakeRecord) -> None:
    """Times, hardware and commit are no part of an outcome."""
    record = make_record()
    other = again(record, [4, 5, 6], make_record, provenance={"hardware": "another", "total_seconds": 1.0})
    found = compare(record, other, "uniform", Spread())
    assert found.verdict == "bitwise"
    assert [(each.what, each.recorded, each.again) for each in found.differences] == [
        ("hardware", "a processor", "another")
    ]


def test_the_tolerance_of_a_score_is_that_of_its_items(make_record: MakeRecord) -> None:
    """14 and 20 of 40 items: p = 17/40, z sqrt(2 p (1 - p) / 40) = 3.189 * 0.11054 = 0.3525."""
    record = make_record(gains=[4, 4, 4])
    found = figures(record, again(record, [10, 4, 4], make_record), Spread())
    after = found["tasks"][0].after
    assert (after.recorded, after.again) == (14 / 40, 20 / 40)
    assert after.tolerance == pytest.approx(Z7 * math.sqrt(2 * 0.425 * 0.575 / 40), abs=1e-5)
    assert found["tasks"][0].before.tolerance == pytest.approx(Z7 * math.sqrt(2 * 0.25 * 0.75 / 40), abs=1e-5)


def test_the_tolerance_of_the_mean_gain_is_that_of_seeds(make_record: MakeRecord) -> None:
    """Gains of 0.1, 0.1 and 0.1 + 3/40 over seeds: s^2 = (2 * 0.025^2 + 0.05^2) / 2 = 0.001875; without, of items."""
    members = [make_record(seed=seed, gains=[gain] * 3) for seed, gain in enumerate((4, 4, 7))]
    between = spread(members)
    assert between.gain == pytest.approx(math.sqrt(0.001875))
    assert between.tasks["task_a"] == pytest.approx(math.sqrt(0.001875))
    found = figures(members[0], members[0], between)
    assert found["mean_gain"].tolerance == pytest.approx(Z7 * math.sqrt(2 * 0.001875), abs=1e-5)
    alone = figures(members[0], members[0], Spread())
    one = alone["tasks"][0].after.tolerance
    assert alone["mean_gain"].tolerance == pytest.approx(one / math.sqrt(3))


def test_the_larger_of_items_and_seeds_counts(make_record: MakeRecord) -> None:
    record = make_record(gains=[4, 4, 4])
    wide = figures(record, record, Spread(0.01, {"task_a": 0.2}))["tasks"]
    assert wide[0].after.tolerance == pytest.approx(Z7 * math.sqrt(2) * 0.2, abs=1e-5)
    assert wide[1].after.tolerance == pytest.approx(Z7 * math.sqrt(2 * 0.35 * 0.65 / 40), abs=1e-5)


def test_spreads_are_pooled_within_methods_and_over_those_with_two_seeds(make_record: MakeRecord) -> None:
    """Two methods far from each other, each with a difference of 1/40 between its seeds: s = 1/40 / sqrt(2)."""
    pairs = [("uniform", 0, 4), ("uniform", 1, 5), ("pcgrad", 0, 20), ("pcgrad", 1, 21), ("mgda", 0, 30)]
    found = spread(make_record(method=name, seed=seed, gains=[gain] * 3) for name, seed, gain in pairs)
    assert found.gain == pytest.approx(1 / 40 / math.sqrt(2))
    assert spread([make_record()]) == Spread()


def test_settings_make_another_method_and_failed_runs_do_not_count(make_record: MakeRecord) -> None:
    runs = [make_record(seed=seed, use={"settings": {"rate": seed}}) for seed in range(3)]
    failed = [make_record(seed=seed, status="failed", reason="it broke") for seed in range(3)]
    assert spread([*runs, *failed]) == Spread()


@pytest.mark.parametrize(
    ("gains", "gain", "verdict"),
    [
        ([4, 5, 7], 0.01, "within tolerance"),
        ([4, 5, 26], 0.1, "not reproduced"),  # one task alone is too far
        ([8, 9, 10], 0.01, "not reproduced"),  # every task is within, the mean is not
    ],
)
def test_every_figure_must_be_within(make_record: MakeRecord, gains: list[int], gain: float, verdict: str) -> None:
    record = make_record()
    assert compare(record, again(record, gains, make_record), "uniform", Spread(gain)).verdict == verdict


def test_another_status_is_not_reproduced(make_record: MakeRecord) -> None:
    record = make_record()
    failed = again(record, [4, 5, 6], make_record, status="failed", reason="out of memory")
    assert compare(record, failed, "uniform", Spread(1.0)).verdict == "not reproduced"


def test_other_runs_are_not_compared(make_record: MakeRecord) -> None:
    with pytest.raises(ValueError, match="different runs"):
        compare(make_record(seed=0), make_record(seed=1), "uniform", Spread())


def test_a_verdict_that_does_not_follow_is_refused(make_record: MakeRecord) -> None:
    record = make_record()
    found = compare(record, again(record, [4, 5, 26], make_record), "uniform", Spread(0.1)).model_dump()
    with pytest.raises(ValidationError, match="the numbers give 'not reproduced'"):
        Reproduction.model_validate({**found, "verdict": "bitwise"})


def test_packages_that_one_of_them_lacks_are_named(make_record: MakeRecord) -> None:
    here, there = (make_record(provenance={"packages": packages}) for packages in ({"torch": "2.13.0"}, {"trl": "1"}))
    found = {(each.what, each.recorded, each.again) for each in environment(here.provenance, there.provenance)}
    assert found == {("torch", "2.13.0", "not installed"), ("trl", "not installed", "1")}


@pytest.fixture(scope="module")
def published() -> list[Record]:
    return [read(path) for path in record_files(RESULTS / "nano-v1")]


def test_published_runs_of_two_seeds_would_pass_for_each_other(published: list[Record]) -> None:
    """Rule and reason in one: a rerun with other last bits is at worst as far away as another seed."""
    between = spread(published)
    groups: dict[str, list[Record]] = {}
    for record in published:
        groups.setdefault(f"{record.method.name} {record.method.settings}", []).append(record)
    pairs = [pair for group in groups.values() for pair in itertools.combinations(group, 2)]
    assert len(pairs) > 100
    assert sum(agree(*pair, between) for pair in pairs) >= 0.99 * len(pairs)


def test_published_runs_of_a_clearly_worse_method_would_not(published: list[Record]) -> None:
    between = spread(published)
    uniform, mgda = ({r.seed: r for r in published if r.method.name == name} for name in ("uniform", "mgda"))
    assert len(uniform.keys() & mgda.keys()) >= 3
    assert not any(agree(uniform[seed], mgda[seed], between) for seed in uniform.keys() & mgda.keys())


def agree(first: Record, other: Record, between: Spread) -> bool:
    found = figures(first, other, between)
    return all(pair.within for pair in [found["mean_gain"], *(task.after for task in found["tasks"])])


def test_an_outcome_digest_has_the_identity_in_it(make_record: MakeRecord) -> None:
    """So that equal digests of two files are one run, whatever they are called."""
    data = make_record().model_dump(mode="json")
    assert outcome_digest(data) != outcome_digest({**data, "identity": "1" * 64})
