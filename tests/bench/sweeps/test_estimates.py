"""Estimates: medians of earlier ledgers, by hand."""

from pathlib import Path

import pytest

from bench.sweeps.estimates import Estimates, finish
from bench.sweeps.runs import Run


@pytest.fixture
def earlier(tmp_path, save, make_record):
    """earlier(method, seed, seconds, passes, suite, **provenance): a record of a run that took so long."""

    def earlier(method, seed, seconds, passes=100, suite="demo", hardware="here", status="done"):
        record = make_record(
            method=method,
            seed=seed,
            suite=suite,
            ledger={"forward_passes": passes // 2, "backward_passes": passes - passes // 2},
            provenance={"total_seconds": float(seconds), "hardware": hardware},
            **({"status": status, "reason": "it stopped"} if status != "done" else {}),
        )
        return save(tmp_path, record)

    return earlier


@pytest.fixture
def estimate(tmp_path, make_record):
    def estimate(method, suite="demo"):
        path = Path(tmp_path, suite, method, "0.json")
        digest = make_record(suite=suite).suite.digest
        run = Run((), suite, digest, method, 0, 1, tmp_path, path, "")
        return Estimates([tmp_path], hardware="here").of(run)

    return estimate


def test_nothing_is_known_without_a_ledger(estimate):
    assert estimate("uniform").seconds is None


def test_the_median_of_the_methods_own_runs(earlier, estimate):
    for seed, seconds in enumerate([90, 100, 500]):
        earlier("pcgrad", seed, seconds)
    earlier("uniform", 0, 50)
    assert estimate("pcgrad").seconds == 100
    assert "3 earlier of it" in estimate("pcgrad").basis


def test_other_methods_stand_in_scaled_by_passes(earlier, estimate):
    """On another suite, the method makes 300 passes where uniform makes 200: 1.5 times 80 s."""
    earlier("uniform", 0, 80)
    earlier("uniform", 0, 8, passes=200, suite="other")
    earlier("samo", 0, 9, passes=300, suite="other")
    assert estimate("samo").seconds == pytest.approx(120)
    assert estimate("mgda").seconds == pytest.approx(80), "a plain step, if nothing else is known"
    assert "other methods" in estimate("mgda").basis


def test_failed_runs_broken_records_and_other_suites_tell_nothing(earlier, estimate):
    earlier("pcgrad", 0, 3, status="failed")
    earlier("pcgrad", 0, 3, suite="other")
    earlier("pcgrad", 1, 3).write_text("{")
    assert estimate("pcgrad").seconds is None


def test_ledgers_of_the_same_hardware_are_preferred(earlier, estimate):
    earlier("pcgrad", 0, 10, hardware="elsewhere")
    assert estimate("pcgrad").seconds == 10
    earlier("uniform", 0, 70)
    assert estimate("pcgrad").seconds == 70


def test_peers_in_their_folder_are_found(earlier, estimate):
    earlier("torchjd/UPGrad", 0, 12)
    assert estimate("torchjd/UPGrad").seconds == 12


@pytest.mark.parametrize(
    ("seconds", "workers", "end"),
    [([], 3, 0), ([5, 5, 5], 1, 15), ([5, 5, 5], 2, 10), ([5, 5, 5], 9, 5), ([1, 1, 4, 3], 2, 5)],
)
def test_finish(seconds, workers, end):
    """[1, 1, 4, 3] on two: both free at 1, then 4 ends at 5 and 3 at 4."""
    assert finish(seconds, workers) == end
