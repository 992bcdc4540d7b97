"""Forged sets of runs: seeds left out, seeds too many, one run as several, too fast, too good."""

import random
from typing import Any

import pytest

from bench.records.store import digest_of
from bench.records.withdrawal import Withdrawal, text_of, withdrawal_path

SEEDS = range(5)


def fields(problems, path) -> set[str]:
    return {problem.field for problem in problems if problem.file == path}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_missing_seed_is_refused(forger, verdict, seed):
    forger.path(f"nano-v1/pcgrad/{seed}.json").unlink()
    (problem,) = verdict()
    assert problem.file == forger.path("nano-v1/pcgrad")
    assert problem.reason.startswith(f"seed {seed} of nano-v1 missing")


def test_the_best_of_many_seeds_is_refused(forger, verdict):
    """A run of seed 7, called seed 7 or, by its name, seed 0."""
    data = forger.load()
    data["seed"] = 7
    forger.save(data, "nano-v1/pcgrad/7.json")
    assert "seed" in fields(verdict(), forger.path("nano-v1/pcgrad/7.json"))
    forger.path("nano-v1/pcgrad/7.json").rename(forger.path())
    assert "seed" in fields(verdict(), forger.path())


def as_seed(data: Any, seed: int, forger) -> None:
    """The trajectory of one seed with the address and blind order of another."""
    data["seed"] = seed
    honest = forger.load(f"nano-v1/pcgrad/{seed}.json")
    for task, other in zip(data["tasks"], honest["tasks"], strict=True):
        task["position"] = other["position"]
    data["model"]["final_digest"] = digest_of(seed)


def test_one_run_as_several_is_refused(forger, verdict):
    data = forger.load()
    as_seed(data, 4, forger)
    forger.save(data, "nano-v1/pcgrad/4.json")
    assert fields(verdict(), forger.path("nano-v1/pcgrad/4.json")) == {"curves.naive_squared_norm"}


def noisy(values: Any, rng: random.Random) -> Any:
    """Every number changed by up to 2 %, to four digits."""
    if isinstance(values, list):
        return [noisy(value, rng) for value in values]
    return values if values is None else float(f"{values * rng.uniform(0.98, 1.02):.4g}")


def test_one_run_as_several_with_noise_is_refused(forger, verdict):
    """Signs and rewards survive noise; norms and products no longer fit each other."""
    data, rng = forger.load(), random.Random(0)
    as_seed(data, 4, forger)
    for name in ("squared_norm", "naive_squared_norm", "gramian", "update_norm"):
        data["curves"][name] = noisy(data["curves"][name], rng)
    forger.save(data, "nano-v1/pcgrad/4.json")
    found = verdict()
    assert {"curves.update_norm", "curves.reward"} <= fields(found, forger.path("nano-v1/pcgrad/4.json"))
    assert any("signs" in problem.reason for problem in found)


@pytest.mark.parametrize("part", ["curves.reward", "tasks.after", "model.final_digest"])
def test_a_part_of_another_seeds_run_is_refused(forger, verdict, part):
    other, data = forger.load("nano-v1/pcgrad/0.json"), forger.load("nano-v1/pcgrad/4.json")
    if part == "tasks.after":
        for task, copied in zip(data["tasks"], other["tasks"], strict=True):
            task["after"] = copied["after"]
    else:
        room, name = part.split(".")
        data[room][name] = other[room][name]
    forger.save(data, "nano-v1/pcgrad/4.json")
    assert part in fields(verdict(), forger.path("nano-v1/pcgrad/4.json"))


def test_two_methods_with_one_trajectory_are_shown_and_accepted(forger, verdict):
    data = forger.load()
    data["method"]["settings"] = forger.load("nano-v1/mt_grpo/0.json")["method"]["settings"]
    for name in ("name", "version", "source_digest", "card", "acts_on"):
        data["method"][name] = forger.load("nano-v1/mt_grpo/0.json")["method"][name]
    forger.save(data, "nano-v1/mt_grpo/0.json")
    assert verdict() == []
    (notice,) = verdict("notice")
    assert "the trajectory is that of nano-v1/mt_grpo/0" in notice.reason


def test_a_run_many_times_faster_is_worth_a_look(forger, verdict):
    """1,000 tokens a second are usual here."""

    def faster(data: Any) -> None:
        data["ledger"]["wall_seconds"] = data["ledger"]["wall_seconds"] / 10

    forger.edit(faster)
    assert verdict() == []
    assert fields(verdict("warning"), forger.path()) == {"ledger.wall_seconds"}


def test_a_gain_beyond_history_is_worth_a_look(forger, verdict):
    def perfect(data: Any) -> None:
        for task in data["tasks"]:
            task["after"] = {"count": 500, "items": "f" * 125, "mean": 1.0}

    forger.edit(perfect)
    assert verdict() == []
    assert fields(verdict("warning"), forger.path()) == {"tasks.after"}


def test_the_text_of_a_card_may_change_and_is_worth_a_look(forger, verdict):
    forger.edit(lambda data: data["method"]["card"].update(title="PCGrad, the best"))
    assert verdict() == []
    assert fields(verdict("warning"), forger.path()) == {"method.card"}


def elsewhere(data: Any) -> None:
    data["provenance"]["hardware"] = "an abacus"
    before = data["tasks"][0]["before"]
    before["items"] = f"{int(before['items'], 16) ^ (1 << 3):0125x}"
    before["mean"] = int(before["items"], 16).bit_count() / 500


def test_base_models_may_differ_between_machines_and_that_is_shown(forger, verdict):
    forger.edit(elsewhere)
    assert verdict() == []
    assert fields(verdict("notice"), forger.path()) == {"tasks.before"}


def withdraw(forger, **changes: Any) -> Any:
    data = forger.load()
    fitting = {name: data[name] for name in ("identity", "outcome_digest")}
    words = {"reason": "its machine had a broken clock", "by": "A. Person", "date": "2026-02-03", **fitting, **changes}
    path = withdrawal_path(forger.path())
    path.write_text(text_of(Withdrawal.model_construct(**words)))
    return path


def test_a_withdrawn_run_is_no_gap_and_is_shown(forger, verdict):
    withdraw(forger)
    assert verdict() == []
    assert "is withdrawn" in verdict("notice")[0].reason


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"identity": "0" * 64}, "identity"),
        ({"outcome_digest": "0" * 64}, "outcome_digest"),
        ({"reason": ""}, "reason"),
        ({"date": "yesterday"}, "date"),
    ],
)
def test_a_withdrawal_says_of_what_why_and_when(forger, verdict, changes, field):
    path = withdraw(forger, **changes)
    assert fields(verdict(), path) == {field}


def test_a_withdrawal_without_its_record_is_refused(forger, verdict):
    path = withdraw(forger)
    forger.path().unlink()
    assert "withdraws a record that is not there" in {problem.reason for problem in verdict() if problem.file == path}


def test_a_path_is_judged_by_all_of_its_suite(forger, results, verdict):
    """Only what is asked for is reported, but a copy is found wherever the original is."""
    data = forger.load()
    as_seed(data, 4, forger)
    forger.save(data, "nano-v1/pcgrad/4.json")
    forger.path("nano-v1/mt_grpo/2.json").unlink()
    assert verdict(paths=[forger.path("nano-v1/pcgrad/1.json")]) == []
    assert len(verdict(paths=[forger.path("nano-v1/pcgrad/4.json")])) == 1
    assert len(verdict(paths=[forger.path("nano-v1/mt_grpo")])) == 1
    assert len(verdict(paths=[results / "nano-v1"])) == len(verdict()) == 2
