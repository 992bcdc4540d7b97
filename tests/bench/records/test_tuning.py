"""A tuning as a file: what is chosen, canonical text, nothing unknown, and the way to the records of its trials."""

import json

import pytest

from bench.errors import UserError
from bench.records.store import digest_of
from bench.records.track import base_suite, is_tuned
from bench.records.tuning import MAX_BYTES, Dimension, Trial, TrialRun, Tuning, choose, path_of, place_of, read, to_text

RATE = Dimension(name="recipe.learning_rate", kind="real", low=1e-5, high=1e-3, log=True)


def trial(*gains, status="done", rate=1e-4, settings=None):
    runs = [
        TrialRun(seed=1000 + index, identity="1" * 64, outcome="2" * 64, status=status, gain=gain)
        for index, gain in enumerate(gains)
    ]
    return Trial(settings=settings or {}, learning_rate=rate, runs=runs)


def tuning(trials, **fields):
    data = {"protocol": 1, "suite": "nano-v1", "suite_digest": "3" * 64, "method": "pcgrad", "version": 1}
    data |= {"source_digest": "4" * 64, "seeds": [1000], "items": 40, "skip": 40, "space": [RATE], "trials": trials}
    return Tuning(**{**data, "chosen": choose(trials), **fields})


@pytest.mark.parametrize(
    ("trials", "best"),
    [
        ([trial(0.1), trial(0.3), trial(0.2)], 1),
        ([trial(0.1), trial(0.2), trial(0.2)], 1),  # ties go to the earlier
        ([trial(0.2), trial(0.2)], 0),  # and so to the defaults
        ([trial(0.3, 0.0), trial(0.1, 0.3)], 1),  # averaged over tuning seeds
        ([trial(0.1, 0.2), trial(0.2, 0.1)], 0),  # 0.30000000000000004 and 0.3 are no difference
        ([trial(-0.1), trial(0.0, status="failed")], 0),  # what failed is no choice, although no gain is more
        ([trial(0.0, status="failed"), trial(-0.2)], 1),
        ([trial(0.0, status="failed"), trial(0.0, status="over_budget")], 0),
    ],
)
def test_the_best_trial_is_chosen(trials, best):
    assert choose(trials) == best


def test_a_tuning_reads_back_from_its_canonical_text(tmp_path):
    made = tuning([trial(0.1), trial(0.2, rate=2e-4, settings={"weights": [1.0, 2.0], "form": "a", "on": True})])
    path = path_of(tmp_path, "nano-v1", "pcgrad")
    path.parent.mkdir()
    path.write_text(to_text(made))
    assert read(path) == made
    assert to_text(read(path)) == path.read_text()
    assert read(path).digest == made.digest


def test_what_a_tuned_record_says_of_it():
    made = tuning([trial(0.1), trial(0.2, rate=2e-4)])
    assert (made.use.digest, made.use.trials, made.use.seeds, made.use.items) == (made.digest, 2, [1000], 40)
    assert made.overrides == {"recipe.learning_rate": 2e-4}
    assert tuning([trial(0.1), trial(0.0, rate=2e-4)]).overrides == {}


def test_every_change_changes_the_digest():
    trials = [trial(0.1), trial(0.2)]
    made = tuning(trials)
    others = [tuning([trial(0.1), trial(0.21)]), tuning(trials, chosen=0), tuning(trials, seeds=[1001])]
    assert len({made.digest, *(other.digest for other in others)}) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.update(chosen=2), "chosen is 2, there are 2 trials"),
        (lambda data: data.update(more=1), "more"),
        (lambda data: data.update(schema_version=2), "schema_version"),
        (lambda data: data.update(wrapper="samo"), "wrapper"),
        (lambda data: data.update(trials=[]), "trials"),
        (lambda data: data["trials"][0].update(learning_rate=-1.0), "learning_rate"),
        (lambda data: data["trials"][0]["runs"][0].update(seed=0), "seed"),
        (lambda data: data["trials"][0]["runs"][0].update(gain=2.0), "gain"),
        (lambda data: data["trials"][0]["settings"].update(x=[[1]]), "settings"),
    ],
)
def test_what_is_no_tuning_is_refused(tmp_path, change, said):
    data = json.loads(to_text(tuning([trial(0.1), trial(0.2)])))
    change(data)
    path = tmp_path / "tuning.json"
    path.write_text(json.dumps(data))
    with pytest.raises(UserError, match=said):
        read(path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1, "a": 1}', '{"a": NaN}', "[" * 100_000])
def test_what_is_no_document_is_refused(tmp_path, text):
    path = tmp_path / "tuning.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"tuning\.json"):
        read(path)


def test_a_large_file_is_not_read(tmp_path):
    path = tmp_path / "tuning.json"
    path.write_text(" " * (MAX_BYTES + 1))
    with pytest.raises(UserError, match="at most"):
        read(path)
    with pytest.raises(UserError, match="fewer trials"):
        to_text(tuning([trial(*[0.1] * 100)] * 256))


def test_records_of_trials_are_found_by_what_a_run_is_called():
    """The suite's folder has the mark of its overrides, the method's that of its settings; defaults have none."""
    made = tuning([trial(0.1), trial(0.2, rate=2e-4, settings={"c": 1.0})], items=30)
    first, second = (place_of(made, each, 1000).as_posix() for each in made.trials)
    skip = {"evaluation.skip": 40, "evaluation.items": 30}
    assert first == f"nano-v1~{digest_of(skip)[:8]}/pcgrad/1000.json"
    both = digest_of(skip | {"recipe.learning_rate": 2e-4})[:8]
    assert second == f"nano-v1~{both}/pcgrad+{digest_of({'c': 1.0})[:8]}/1000.json"


def test_names_of_tracks():
    assert [base_suite(name) for name in ("nano-v1", "nano-v1+tuned", "nano-v1~12345678")] == ["nano-v1"] * 3
    assert [is_tuned(name) for name in ("nano-v1", "nano-v1+tuned", "nano-v1+tuned~12345678")] == [False, True, False]
