"""The tuned track: what is reported has what its tuning chose, and every trial is a run that is there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.records import tuning
from bench.records.schema import Record
from bench.records.track import RATE
from bench.records.tuning import Trial, TrialRun, Tuning
from bench.request.request import override
from bench.request.suite import load_suite
from bench.tuning.space import space_of
from bench.validation.mixture import blind_order
from bench.validation.verdict import validate
from methods._registry import cards

SUITE = load_suite("nano-v1")
SKIP, ITEMS = SUITE.evaluation.items, 100
SPACE = space_of(cards()["pcgrad"], SUITE)
FASTER = SPACE.points(2)[1].learning_rate


def addressed(data: Any, suite: Any, overrides: dict[str, Any], seed: int, checkout: Any) -> None:
    """Give a record another suite and seed, and all that follows from them."""
    data["suite"] = {"name": suite.name, "digest": suite.digest, "overrides": overrides}
    data["seed"] = seed
    order = blind_order(suite.tasks, seed)
    for place, task in enumerate(data["tasks"]):
        task["position"] = order.index(place)
        skip = suite.evaluation.skip
        items = suite.evaluation.items
        task["data_hash"] = checkout.data_hash(task["name"], suite.recipe.train_rows, items, skip)
        for score in (task["before"], task["after"]):
            score["count"], score["items"] = items, score["items"][: items // 4]
            score["mean"] = int(score["items"], 16).bit_count() / items


@pytest.fixture
def honest() -> tuple[str, ...]:
    """The method that is tuned."""
    return ("pcgrad",)


class Tuned:
    """Two trials of pcgrad with two seeds each, and five tuned runs."""

    def __init__(self, forger: Any, checkout: Any) -> None:
        self.forger, self.checkout = forger, checkout
        self.root = forger.store.parent / tuning.FOLDER
        self.path = tuning.path_of(self.root, SUITE.name, "pcgrad")
        trials = [self.trial(SUITE.recipe.learning_rate, ("0", "1")), self.trial(FASTER, ("2", "3"), better=True)]
        use = forger.load()["method"]
        self.save(
            Tuning(
                protocol=1,
                suite=SUITE.name,
                suite_digest=SUITE.digest,
                method="pcgrad",
                version=use["version"],
                source_digest=use["source_digest"],
                seeds=[1000, 1001],
                items=ITEMS,
                skip=SKIP,
                space=SPACE.dimensions,
                trials=trials,
                chosen=1,
            )
        )

    def trial(self, rate: float, sources: tuple[str, ...], better: bool = False) -> Trial:
        given = {"evaluation.skip": str(SKIP), "evaluation.items": str(ITEMS)} | (
            {RATE: str(rate)} if rate == FASTER else {}
        )
        suite, overrides = override(SUITE, given)
        runs = []
        for seed, source in zip((1000, 1001), sources, strict=True):
            data = self.forger.load(f"nano-v1/pcgrad/{source}.json")
            addressed(data, suite, overrides, seed, self.checkout)
            if better:
                data["tasks"][0]["after"] = {"count": ITEMS, "items": "f" * 25, "mean": 1.0}
            name = f"../{tuning.FOLDER}/{tuning.TRIALS}/{suite.name}/pcgrad/{seed}.json"
            self.forger.save(data, name)
            record = Record.model_validate(self.forger.load(name))
            run = (record.identity, record.outcome_digest, record.status, record.mean_gain)
            runs.append(TrialRun(seed=seed, **dict(zip(("identity", "outcome", "status", "gain"), run, strict=True))))
        return Trial(settings={}, learning_rate=rate, runs=runs)

    def save(self, found: Tuning) -> None:
        """Write the file, and the tuned runs that name it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(tuning.to_text(found))
        suite = SUITE.tuned(FASTER)
        for seed in SUITE.seeds:
            data = self.forger.load(f"nano-v1/pcgrad/{seed}.json")
            addressed(data, suite, found.overrides, seed, self.checkout)
            data["method"]["tuning"] = found.use.model_dump(mode="json")
            self.forger.save(data, f"nano-v1+tuned/pcgrad/{seed}.json")

    def edit(self, change: Callable[[Any], Any]) -> None:
        """Change the tuning, and let the runs name the changed one."""
        data = json.loads(self.path.read_text())
        change(data)
        self.save(Tuning.model_validate(data))

    def errors(self) -> set[tuple[str, str]]:
        found = validate(self.forger.store, checkout=self.checkout).of("error")
        return {(problem.file.relative_to(self.root.parent).as_posix(), problem.field) for problem in found}


@pytest.fixture
def tuned(forger, checkout, monkeypatch: pytest.MonkeyPatch) -> Tuned:
    made = Tuned(forger, checkout)
    monkeypatch.setattr(checkout, "tuned", made.root)
    return made


FILE = "tuned/nano-v1/pcgrad.json"


def test_an_honest_tuning_is_good(tuned: Tuned):
    assert tuned.errors() == set()


FORGED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "another choice": (lambda data: data.update(chosen=0), "chosen"),
    "a better trial": (lambda data: data["trials"][0]["runs"][0].update(gain=0.99), "trials.0.runs.1000"),
    "another run": (lambda data: data["trials"][1]["runs"][0].update(outcome="0" * 64), "trials.1.runs.1000"),
    "a seed less": (lambda data: data["trials"][1]["runs"].pop(), "trials.1.runs"),
    "reported seeds": (lambda data: data.update(seeds=[1000, 1000]), "seeds"),
    "reported items": (lambda data: data.update(skip=400), "skip"),
    "no defaults": (lambda data: data["trials"].pop(0) and data.update(chosen=0), "trials.0.learning_rate"),
    "settings that are none": (lambda data: data["trials"][1].update(settings={"luck": 1.0}), "trials.1.settings.luck"),
    "other code": (lambda data: data.update(source_digest="0" * 64), "source_digest"),
    "a point chosen by hand": (lambda data: data["trials"][1].update(learning_rate=9e-5), "trials.1"),
    "another space": (lambda data: data["space"][0].update(high=1e-2), "space"),
    "the luckiest seeds": (lambda data: data.update(seeds=[1001, 1003]), "seeds"),
    "more items": (lambda data: data.update(items=501), "skip"),
    "another suite": (lambda data: data.update(suite_digest="0" * 64), "suite_digest"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_tuning_is_refused(tuned: Tuned, name: str):
    change, field = FORGED[name]
    tuned.edit(change)
    assert (FILE, field) in tuned.errors()


def test_a_trial_that_is_not_there_is_named(tuned: Tuned):
    next((tuned.root / tuning.TRIALS).rglob("1001.json")).unlink()
    assert {field for file, field in tuned.errors() if file == FILE} & {"trials.0.runs.1001", "trials.1.runs.1001"}


def test_the_records_of_trials_are_judged_as_any(tuned: Tuned):
    path = next((tuned.root / tuning.TRIALS).rglob("1000.json"))
    path.write_text(path.read_text().replace('"reward_calls":14400', '"reward_calls":14399'))
    assert (path.relative_to(tuned.root.parent).as_posix(), "outcome_digest") in tuned.errors()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda data: data["method"].pop("tuning"), "method.tuning"),
        (lambda data: data["method"]["tuning"].update(digest="0" * 64), "method.tuning"),
        (lambda data: data["method"]["tuning"].update(trials=9), "method.tuning"),
        (lambda data: data["suite"].update(overrides={RATE: 2e-4}), "suite.overrides"),
        (lambda data: data["suite"].update(overrides={"recipe.steps": 90}), "suite.overrides"),
    ],
)
def test_a_tuned_record_has_what_its_tuning_chose(tuned: Tuned, forger, change, field):
    forger.edit(change, "nano-v1+tuned/pcgrad/0.json")
    assert ("results/nano-v1+tuned/pcgrad/0.json", field) in tuned.errors()


def test_a_record_of_the_default_track_has_no_tuning(tuned: Tuned, forger):
    use = forger.load("nano-v1+tuned/pcgrad/0.json")["method"]["tuning"]
    forger.edit(lambda data: data["method"].update(tuning=use))
    assert ("results/nano-v1/pcgrad/0.json", "method.tuning") in tuned.errors()


def test_a_tuned_run_without_its_tuning_is_refused(tuned: Tuned):
    tuned.path.unlink()
    assert ("results/nano-v1+tuned/pcgrad/0.json", "method.tuning") in tuned.errors()


def test_all_seeds_are_tuned(tuned: Tuned, forger):
    forger.path("nano-v1+tuned/pcgrad/2.json").unlink()
    assert ("results/nano-v1+tuned/pcgrad", "seed") in tuned.errors()


def test_another_spelling_of_a_tuning_is_refused(tuned: Tuned):
    tuned.path.write_text(json.dumps(json.loads(Path(tuned.path).read_text())))
    assert (FILE, "(file)") in tuned.errors()
