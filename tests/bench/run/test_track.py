"""The tuned track: `track=tuned` runs what `bench tune` chose, under a name of its own, and nothing else."""

from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records.rules.text import canonical
from bench.records.schema import Record
from bench.records.store import read, record_files
from bench.records.tuning import Trial, TrialRun, Tuning, choose, path_of, to_text
from bench.request.request import RESULTS, parse_request
from bench.request.suite import load_suite
from bench.run.prepare import prepare
from bench.run.story import run
from bench.sweeps.plan import plan
from bench.sweeps.runs import status_of
from bench.tuning.space import space_of
from bench.tuning.tune import trials_of, tune
from bench.tuning.words import asked
from methods import _registry as methods

SUITE = load_suite("smoke-v1")
DIGESTS = {"nano-v1": "bf6be2a2", "smoke-v1": "5dc64561"}


class Quiet:
    """Watches a run, or a sweep."""

    def phase(self, name): ...
    def step(self, step, total, rewards): ...
    def started(self, run, attempt): ...
    def again(self, run, reason): ...
    def ended(self, outcome): ...
    def look(self, active, waiting): ...


def write_tuning(root: Path, method: str = "static", best: int = 1, **fields) -> Tuning:
    """A tuning of three trials whose best is the one named; its trials were never run."""
    card = methods.find(method)
    space = space_of(card, SUITE)
    trials = [
        Trial(
            settings=point.settings,
            learning_rate=point.learning_rate,
            runs=[TrialRun(seed=1000, identity="1" * 64, outcome="2" * 64, status="done", gain=0.1 * (index == best))],
        )
        for index, point in enumerate(space.points(3))
    ]
    data = {
        "protocol": 1,
        "suite": SUITE.name,
        "suite_digest": SUITE.digest,
        "method": card.name,
        "version": card.version,
        "source_digest": methods.source_digest(card.path),
        "seeds": [1000],
        "items": 40,
        "skip": 40,
        "space": space.dimensions,
        "trials": trials,
        "chosen": choose(trials),
    }
    made = Tuning(**{**data, **fields})
    path = path_of(root, SUITE.name, card.name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_text(made))
    return made


def words(root: Path, *more: str) -> list[str]:
    return ["method=static", "suite=smoke-v1", "track=tuned", f"tuned={root}", f"store={root / 'results'}", *more]


@pytest.mark.parametrize("name", DIGESTS)
def test_suites_keep_their_digests(name):
    """Items that are passed over count only where there are any; 90 records name these digests."""
    suite = load_suite(name)
    assert suite.digest.startswith(DIGESTS[name])
    evaluation = suite.evaluation.model_copy(update={"skip": 1})
    assert suite.model_copy(update={"evaluation": evaluation}).digest != suite.digest


def test_records_without_a_tuning_keep_their_bytes():
    for path in list(record_files(RESULTS))[::20]:
        assert canonical(read(path)) == path.read_bytes().splitlines(keepends=True)


def test_rows_that_are_passed_over_are_in_no_hash():
    """A trial's data hash covers the rows it uses: those of the run that begins where the other ends."""
    base = ["method=uniform", "suite=smoke-v1", "tasks=lookup", "evaluation.items=10"]
    plain, shifted = (prepare(parse_request([*base, *more])) for more in ([], ["evaluation.skip=10"]))
    assert plain.rows == shifted.rows
    assert plain.data[0]["data_hash"] != shifted.data[0]["data_hash"]


def test_a_tuned_request_has_what_was_chosen(tmp_path):
    made = write_tuning(tmp_path)
    request = parse_request(words(tmp_path))
    assert request.suite.name == "smoke-v1+tuned"
    assert request.settings == made.best.settings != made.trials[0].settings
    assert request.overrides == {"recipe.learning_rate": made.best.learning_rate}
    assert request.suite.recipe.learning_rate == made.best.learning_rate
    other = parse_request(["method=static", "suite=smoke-v1", f"recipe.learning_rate={made.best.learning_rate}"])
    assert request.suite.digest == other.suite.digest
    assert not request.exploratory
    prepared = prepare(request)
    assert prepared.path == tmp_path / "results" / "smoke-v1+tuned" / "static" / "0.json"
    assert prepared.use.tuning == made.use


def test_defaults_that_are_the_best_are_no_override(tmp_path):
    write_tuning(tmp_path, best=0)
    request = parse_request(words(tmp_path))
    assert (request.overrides, request.suite.digest) == ({}, SUITE.digest)
    same = prepare(parse_request(["method=static", "suite=smoke-v1"]))
    assert prepare(request).identity == same.identity
    assert prepare(request).path.parts[-3] == "smoke-v1+tuned"


def test_seeds_are_those_of_the_suite(tmp_path):
    write_tuning(tmp_path)
    with pytest.raises(UserError, match="prescribed seeds"):
        prepare(parse_request(words(tmp_path, "seed=1000")))


@pytest.mark.parametrize(
    ("fields", "more", "said"),
    [
        ({}, ["method.weights=1,1,1"], "method.weights goes with track=default"),
        ({}, ["recipe.steps=2"], "recipe.steps goes with track=default"),
        ({}, ["wrapper=samo"], "wrapper=samo goes with track=default"),
        ({}, ["track=best"], "neither default nor tuned"),
        ({"suite_digest": "0" * 64}, [], "another version of suite smoke-v1. Tune again: `bench tune method=static"),
        ({"version": 9}, [], "is of version 9"),
        ({"source_digest": "0" * 64}, [], "other code. Tune again"),
    ],
)
def test_what_is_not_tuned_so_is_refused(tmp_path, fields, more, said):
    write_tuning(tmp_path, **fields)
    given = [
        word for word in words(tmp_path) if not (more and word.startswith("track=") and more[0].startswith("track="))
    ]
    with pytest.raises(UserError, match=said) as error:
        prepare(parse_request([*given, *more]))
    assert "\n" not in str(error.value)


def test_a_method_that_is_not_tuned_says_how(tmp_path):
    with pytest.raises(
        UserError, match=r"static is not tuned on smoke-v1. Say `bench tune method=static suite=smoke-v1"
    ):
        parse_request(words(tmp_path))


def test_plans_take_each_method_with_its_own_choice(tmp_path):
    """Also `all`, which stands for the methods that are tuned."""
    made = {name: write_tuning(tmp_path, name, best) for name, best in (("static", 1), ("uniform", 2), ("cagrad", 0))}
    rest = words(tmp_path)[1:]
    for listed in ("static,uniform,cagrad", "all"):
        runs = {entry.run.method: entry.run for entry in plan([f"method={listed}", *rest, "seed=1"]).entries}
        assert set(runs) == {"static", "uniform", "cagrad"}
        for name, found in made.items():
            alone = prepare(parse_request([f"method={name}", *rest, "seed=1"]))
            assert (runs[name].identity, runs[name].path) == (alone.identity, alone.path)
            assert runs[name].tuning == found.digest


def test_tuned_from_end_to_end(tmp_path):
    """Two trials, the choice, a run with it, whose record names its tuning; what an old tuning chose is run again."""
    found = asked(["method=uniform", "suite=smoke-v1", "trials=2", f"tuned={tmp_path}"])
    for wishes in found.drafts[0].wishes:
        run(wishes[0].request, Quiet())
    trials = trials_of(found)
    summary, (tuned,) = tune(found, Quiet(), trials=trials)
    assert (summary.exit_code, len(summary.found)) == (0, 2)
    assert tuned.tuning is not None
    record = finished(tmp_path)
    assert record.method.tuning == tuned.tuning.use
    assert (record.suite.name, record.seed) == ("smoke-v1+tuned", 0)
    assert (record.suite.overrides, record.method.settings) == (tuned.tuning.overrides, tuned.tuning.best.settings)
    trial = read(trials[0].runs[tuned.tuning.chosen][0].path)
    assert trial.suite.overrides == {"evaluation.skip": 40, **tuned.tuning.overrides}
    assert [task.data_hash for task in trial.tasks] != [task.data_hash for task in record.tasks]
    (entry,) = plan(["method=uniform", *words(tmp_path)[1:]]).entries
    assert status_of(entry.run).state == "done"
    write_tuning(tmp_path, "uniform", tuned.tuning.chosen)
    (entry,) = plan(["method=uniform", *words(tmp_path)[1:]]).entries
    assert status_of(entry.run).state == "other version"


def finished(root: Path) -> Record:
    done = run(parse_request(["method=uniform", *words(root)[1:]]), Quiet())
    assert done is not None
    return done.record
