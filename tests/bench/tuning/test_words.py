"""The words of `bench tune`: the same budget for all, on seeds and items that are never reported."""

import pytest

from bench.errors import UserError
from bench.records.track import FIRST_SEED
from bench.request.suite import load_suite, suite_names
from bench.tuning.words import asked, most_items
from tasks._registry import get_task

SMOKE = ("suite=smoke-v1", "trials=3")


def test_every_method_has_the_same_number_of_trials_seeds_and_items():
    found = asked(["method=uniform,static,moco", *SMOKE, "seeds=2"])
    assert [[len(wishes) for wishes in draft.wishes] for draft in found.drafts] == [[2, 2, 2]] * 3
    requests = [wish.request for draft in found.drafts for wishes in draft.wishes for wish in wishes]
    assert {request.seed for request in requests} == {1000, 1001} == {*found.seeds}
    assert {(request.suite.evaluation.skip, request.suite.evaluation.items) for request in requests} == {(40, 40)}


def test_all_methods_are_those_that_run_by_themselves():
    names = {draft.card.name for draft in asked(["method=all", *SMOKE]).drafts}
    assert {"uniform", "static", "single_task"} <= names
    assert len(names) > 40
    assert not names & {"samo", "torchjd/UPGrad"}


def test_a_trial_changes_settings_learning_rate_and_held_out_items_alone():
    (draft,) = asked(["method=static", *SMOKE, "workers=1", "timeout=60", "tuned=here"]).drafts
    first, second = (draft.wishes[index][0] for index in (0, 1))
    assert first.words == (
        "method=static", "suite=smoke-v1", "seed=1000", "store=here/trials", "evaluation.skip=40",
    )  # fmt: skip
    assert set(first.request.overrides) == {"evaluation.skip"}
    assert set(second.request.overrides) == {"evaluation.skip", "recipe.learning_rate"}
    assert set(second.request.settings) == {"weights"}
    assert second.request.exploratory
    assert draft.path.as_posix() == "here/smoke-v1/static.json"


def test_no_suite_reports_a_tuning_seed():
    assert all(max(load_suite(name).seeds) < FIRST_SEED for name in suite_names())


@pytest.mark.parametrize("name", ["smoke-v1", "nano-v1"])
def test_rows_of_trials_are_not_those_reported(name):
    suite = load_suite(name)
    (draft,) = asked(["method=uniform", f"suite={name}", "trials=1"]).drafts
    evaluation = draft.wishes[0][0].request.suite.evaluation
    assert evaluation.skip == suite.evaluation.items
    assert evaluation.items == {"smoke-v1": 40, "nano-v1": 203}[name]
    for task in map(get_task, suite.tasks):
        rows = task.rows("heldout", evaluation.skip + evaluation.items)
        reported, tuning = ({row.prompt for row in part} for part in (rows[: evaluation.skip], rows[evaluation.skip :]))
        assert len(tuning) == evaluation.items
        assert not reported & tuning


def test_a_task_without_enough_rows_gives_all_it_has_left():
    """execution has 703 held-out rows, and nano-v1 reports 500 of them."""
    assert most_items(load_suite("nano-v1")) == 203
    assert asked(["method=uniform", "suite=nano-v1", "trials=1", "items=50"]).items == 50
    suite = load_suite("nano-v1")
    full = suite.evaluation.model_copy(update={"items": 700})
    with pytest.raises(UserError, match=r"'execution' has 703 held-out rows, and 700 are reported"):
        most_items(suite.model_copy(update={"tasks": ("execution",), "evaluation": full}))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trials=3"], "which methods"),
        (["method=uniform"], "how many trials"),
        (["method=uniform", "trials=0"], "from 1 to 256"),
        (["method=uniform", "trials=many"], "whole number"),
        (["method=uniform", "trials=2", "seeds=0"], "seeds=0"),
        (["method=uniform", "trials=2", "items=3"], "items=3"),
        (["method=uniform,", "trials=2"], "empty entry"),
        (["method=unifrom", "trials=2"], "uniform"),
        (["method=samo", "trials=2"], "is a wrapper"),
        (["method=uniform", "trials=2", "trials=3"], "given twice"),
        (["method=uniform", "trials=2", "seed=3"], "Did you mean 'seeds'"),
        (["method=uniform", "trials=2", "recipe.steps=3"], "keeps the rest of the suite"),
        (["method=static", "trials=2", "method.weights=1,2"], "draws settings"),
        (["method=uniform", "trials=2", "suite=nano-v9"], "nano-v"),
        (["method=uniform", "trials=2", "dry_run=yes"], "neither true nor false"),
        (["method=uniform", "trials=2", "workers=0"], "workers=0"),
        (["method=uniform", "trials=2", "data_root=nowhere/at/all"], "no folder"),
        (["method=uniform", "trials"], "key=value"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(words, said):
    with pytest.raises(UserError, match=said) as error:
        asked(words)
    assert "\n" not in str(error.value)
