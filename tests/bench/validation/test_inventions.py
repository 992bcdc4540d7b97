"""Records without a run behind them: a method invented from another's records, bent bases, impossible origins."""

import random
from typing import Any

import pytest

from bench.protocol import PROTOCOL
from bench.records.rules.suspects import chance
from bench.records.store import digest_of
from bench.request.request import RESULTS
from bench.validation.verdict import validate
from tests.bench.validation.test_forgeries import both, flipped, put

SEEDS = range(5)


def fields(problems, path) -> set[str]:
    return {problem.field for problem in problems if problem.file == path}


def scaled(values: Any, factor: float) -> Any:
    if isinstance(values, list):
        return [scaled(value, factor) for value in values]
    return values if values is None else float(f"{values * factor:.4g}")


def invent(data: Any, factor: float = 0.999) -> None:
    """Curves scaled in step with each other, one sign of a product changed, ten items more a task."""
    curves = data["curves"]
    for name in ("squared_norm", "naive_squared_norm", "gramian"):
        curves[name] = scaled(curves[name], factor)
    curves["update_norm"] = scaled(curves["update_norm"], factor**0.5)
    least = min(range(10), key=lambda pair: abs(curves["gramian"][30][pair]))
    curves["gramian"][30][least] *= -1
    for task in data["tasks"]:
        task["after"] = flipped(task["after"]["items"], 10)
    data["model"]["final_digest"] = digest_of([data["seed"], "made up"])


@pytest.mark.parametrize("factor", [0.999, 1.0, 0.5])
def test_an_invented_method_is_worth_a_look(forger, verdict, factor: float):
    """Another's five records under the name of a method without any."""
    for seed in SEEDS:
        data = forger.load(f"nano-v1/pcgrad/{seed}.json")
        invent(data, factor)
        forger.save(data, f"nano-v1/pcgrad+invented/{seed}.json")
    found = verdict("warning")
    for seed in SEEDS:
        assert "curves.naive_squared_norm" in fields(found, forger.path(f"nano-v1/pcgrad+invented/{seed}.json"))


@pytest.mark.parametrize("honest", [("pcgrad", "upgrad", "static", "uniform", "mgs")])
def test_honest_methods_that_are_much_alike_are_no_copies(verdict, honest):
    """PCGrad and UPGrad differ in a tenth of the numbers, static and uniform in none, and in no model either."""
    assert verdict("warning") == []


def raised(data: Any) -> None:
    for task in data["tasks"]:
        task["before"] = flipped(task["before"]["items"], 10)


def lowered(data: Any) -> None:
    for task in data["tasks"]:
        bits = int(task["before"]["items"], 16)
        right = [bit for bit in range(500) if bits >> bit & 1][:10]
        bits -= sum(1 << bit for bit in right)
        task["before"] |= {"items": f"{bits:0125x}", "mean": bits.bit_count() / 500}


def shuffled(data: Any) -> None:
    """What another processor does: some items come out anew, as many for the better as for the worse."""
    rng = random.Random(3)
    for task in data["tasks"]:
        bits = int(task["before"]["items"], 16)
        right = [bit for bit in range(500) if bits >> bit & 1]
        wrong = [bit for bit in range(500) if not bits >> bit & 1]
        count = min(len(right), len(wrong), 4)
        for bit in [*rng.sample(right, count), *rng.sample(wrong, count)]:
            bits ^= 1 << bit
        task["before"] |= {"items": f"{bits:0125x}", "mean": bits.bit_count() / 500}


OWN_MACHINE = put("provenance.hardware", "a processor of my own")


@pytest.mark.parametrize("bend", [raised, lowered])
def test_a_base_that_is_bent_in_one_direction_is_refused(forger, verdict, bend):
    forger.edit(both(OWN_MACHINE, bend))
    assert "tasks.before" in fields(verdict(), forger.path())


def test_a_base_that_differs_as_hardware_makes_it_is_shown(forger, verdict):
    forger.edit(both(OWN_MACHINE, shuffled))
    assert fields(verdict(), forger.path()) == set()
    assert "tasks.before" in fields(verdict("notice"), forger.path())


def test_chance_is_that_of_a_coin():
    assert chance(0, 0) == 1.0
    assert chance(3, 3) == 1.0
    assert chance(2, 0) == 0.5  # two of two: 2 * 1/4
    assert chance(0, 10) == pytest.approx(2 / 1024)
    assert 0 <= chance(2500, 0) < 1e-300


ORIGINS = {
    "a start in 1971": (
        both(put("provenance.started", "1971-01-01T00:00:00+00:00"),
             put("provenance.finished", "1971-01-01T00:02:00+00:00"), put("provenance.total_seconds", 120.0)),
        "provenance.started",
    ),
    "a start before the harness": (
        both(put("provenance.started", "2026-01-01T00:00:00+00:00"),
             put("provenance.finished", "2026-01-01T00:02:00+00:00"), put("provenance.total_seconds", 120.0)),
        "provenance.started",
    ),
    "an old Python": (put("provenance.python", "2.7"), "provenance.packages.python"),
    "a Python that is none": (put("provenance.python", "three"), "provenance.packages.python"),
    "an old torch": (put("provenance.packages.torch", "1.4.0"), "provenance.packages.torch"),
    "no trl": (lambda data: data["provenance"]["packages"].pop("trl"), "provenance.packages.trl"),
    "a package of one's own": (put("provenance.packages.luck", "1.0.0"), "provenance.packages"),
    "a harness that is none": (put("provenance.harness_version", "mine"), "provenance.harness_version"),
}  # fmt: skip


@pytest.mark.parametrize("name", ORIGINS)
def test_an_impossible_origin_is_refused(forger, verdict, name):
    change, field = ORIGINS[name]
    forger.edit(change)
    assert field in fields(verdict(), forger.path())


def test_four_times_the_usual_speed_on_the_same_hardware_is_worth_a_look(forger, verdict):
    forger.edit(put("ledger.wall_seconds", lambda old: old / 4.5))
    assert "ledger.wall_seconds" in fields(verdict("warning"), forger.path())


def test_three_runs_in_the_same_two_seconds_are_worth_a_look(forger, verdict):
    first = forger.load()["provenance"]
    for seed in SEEDS[1:3]:
        data = forger.load(f"nano-v1/pcgrad/{seed}.json")
        data["provenance"] |= {key: first[key] for key in ("started", "finished", "total_seconds")}
        data["ledger"]["wall_seconds"] = min(data["ledger"]["wall_seconds"], first["total_seconds"])
        forger.save(data, f"nano-v1/pcgrad/{seed}.json")
    assert "provenance.started" in fields(verdict("warning"), forger.path())


def test_more_runs_at_a_time_than_machines_is_worth_a_look(forger, verdict):
    """Seventy runs in one minute, on what calls itself one machine."""
    data = forger.load()
    start = "2026-11-22T10:00:{:02d}+00:00"
    for number in range(70):
        data["provenance"] |= {"started": start.format(number % 60), "finished": "2026-11-22T11:00:00+00:00"}
        data["provenance"]["total_seconds"] = 3600.0 - number % 60
        data["model"]["final_digest"] = digest_of(number)
        forger.save(data, f"nano-v1/pcgrad+{number:08x}/0.json")
    found = [problem for problem in verdict("warning") if problem.field == "provenance.started"]
    assert len(found) == 70
    assert "69 other runs" in found[0].reason


def test_no_published_record_raises_an_alarm(monkeypatch):
    monkeypatch.setattr("bench.validation.mixture.PROTOCOL", PROTOCOL)
    found = validate(RESULTS, against="HEAD")
    assert found.of("error") == []
    assert found.of("warning") == []
    assert found.records >= 90
