"""Two tracks of a suite are two boards with a link between them; a board never mixes budgets of tuning."""

import hashlib
from pathlib import Path

import pytest

from bench.analysis.loading import load
from bench.cli.displays.boards import board_of
from bench.errors import BrokenRecord
from bench.records.schema import Record
from bench.records.store import identity_of, outcome_digest
from leaderboard.build import build
from leaderboard.environment import reproduce_command

RATE = {"recipe.learning_rate": 2e-4}


def use(trials: int = 8, seeds: tuple[int, ...] = (1000,), items: int = 203, suite: str = "nano-v1") -> dict:
    digest = hashlib.sha256(suite.encode()).hexdigest()
    return {"digest": "5" * 64, "suite": digest, "trials": trials, "seeds": list(seeds), "items": items}


def with_rate(record: Record) -> Record:
    """The record as it were with another learning rate."""
    data = record.model_dump(mode="json")
    data["suite"].update(digest="6" * 64, overrides=RATE)
    data["identity"] = identity_of(data)
    data["outcome_digest"] = outcome_digest(data)
    return Record.model_validate(data)


@pytest.fixture
def results(make_record, save, tmp_path) -> Path:
    """pcgrad and uniform with three seeds each in either track; pcgrad was tuned to another learning rate."""
    store = tmp_path / "results"
    common = {"suite": "nano-v1+tuned"}
    for seed in range(3):
        for method in ("uniform", "pcgrad"):
            save(store, make_record(method=method, seed=seed))
        save(store, make_record(method="uniform", seed=seed, use={"tuning": use()}, **common))
        better = {"gains": [9, 8, 7], "use": {"tuning": use(), "settings": {"radius": 0.5}}}
        save(store, with_rate(make_record(method="pcgrad", seed=seed, **better, **common)))
    return store


def test_each_track_has_its_board(results):
    """Other learning rates, and with them other digests of the resolved suite, stand in one table."""
    default, tuned = (board_of(results, name) for name in ("nano-v1", "nano-v1+tuned"))
    assert [row.label for row in tuned.rows] == [row.label for row in default.rows] == ["pcgrad", "uniform"]
    assert tuned.rows[0].gain.mean > default.rows[0].gain.mean


def test_the_boards_lead_to_each_other(results, tmp_path):
    build(results, tmp_path / "site")
    default, tuned = (
        (tmp_path / "site" / "suites" / f"{name}.html").read_text() for name in ("nano-v1", "nano-v1+tuned")
    )
    assert '<a href="../suites/nano-v1%2Btuned.html">Tuned: 8 trials</a>' in default
    assert '<a href="../suites/nano-v1.html">Default settings</a>' in tuned
    assert "best in 8 trials" in tuned
    assert "1 seed and 203 items a task" in tuned
    assert "learning rate 0.0002; radius = 0.5" in tuned
    assert "learning rate" not in default


def test_a_suite_of_one_track_says_nothing_of_tracks(results, tmp_path):
    for path in (results / "nano-v1+tuned").rglob("*.json"):
        path.unlink()
    build(results, tmp_path / "site")
    page = (tmp_path / "site" / "suites" / "nano-v1.html").read_text()
    assert "Tuned" not in page
    assert "Default settings" not in page


def test_a_method_page_shows_the_settings_that_it_comes_with(results, tmp_path):
    build(results, tmp_path / "site")
    page = (tmp_path / "site" / "methods" / "pcgrad.html").read_text()
    assert "radius" not in page


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (use(trials=16), "is 16 trials, seeds"),
        (use(seeds=(1000, 1001)), "seeds .1000, 1001."),
        (use(items=100), "100 items"),
        (use(suite="nano-v2"), "suite.digest"),
        (None, "suite"),
    ],
)
def test_another_budget_is_not_ranked(results, make_record, save, other, said):
    save(results, make_record(method="mgda", suite="nano-v1+tuned", use={"tuning": other} if other else {}))
    with pytest.raises(BrokenRecord, match=said):
        load(results)
    shown = load(results, keep_going=True, suite="nano-v1+tuned")
    assert {run.label for run in shown.runs} == {"pcgrad", "uniform"}


def test_the_command_names_the_track(results):
    (run, *_) = load(results, suite="nano-v1+tuned").runs
    assert reproduce_command(run) == "bench run method=pcgrad suite=nano-v1 track=tuned seed=0"
