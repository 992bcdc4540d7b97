"""Suites and overrides: typed, bounded, and helpful when they are wrong."""

import pytest

from bench.errors import UserError
from bench.places import DEFAULT_SUITE
from bench.records.store import read, record_files
from bench.request.request import RESULTS, keys, parse_request
from bench.request.suite import load_suite, suite_names


def test_the_smallest_request_is_the_default_suite_and_seed_0():
    request = parse_request(["method=pcgrad"])
    assert (request.suite.name, request.seed, request.overrides, request.store) == (DEFAULT_SUITE, 0, {}, RESULTS)


def test_an_override_is_typed_marks_the_suite_and_changes_its_digest():
    plain = parse_request(["method=uniform", "suite=smoke-v1"])
    changed = parse_request(["method=uniform", "suite=smoke-v1", "recipe.learning_rate=1e-4", "tasks=lookup"])
    assert changed.suite.recipe.learning_rate == 1e-4
    assert changed.suite.tasks == ("lookup",)
    assert changed.overrides == {"recipe.learning_rate": 1e-4, "tasks": ["lookup"]}
    assert changed.suite.name.startswith("smoke-v1~")
    assert changed.suite.digest != plain.suite.digest


def test_an_override_with_the_suites_own_value_changes_nothing():
    steps = load_suite("smoke-v1").recipe.steps
    request = parse_request(["method=uniform", "suite=smoke-v1", f"recipe.steps={steps}"])
    assert request.overrides == {}
    assert request.suite.name == "smoke-v1"


def test_a_method_setting_is_not_an_override():
    request = parse_request(["method=static", "method.weights=2,1,1,1,1,1"])
    assert request.settings == {"weights": "2,1,1,1,1,1"}
    assert request.overrides == {}


def test_a_budget_can_be_set_and_lifted():
    request = parse_request(["method=uniform", "budget.sampled_tokens=500"])
    assert request.suite.budget.sampled_tokens == 500
    assert parse_request(["method=uniform", "budget.sampled_tokens=none"]).overrides == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which method"),
        (["method"], "not of the form key=value"),
        (["method="], "not of the form key=value"),
        (["method=a", "method=b"], "given twice"),
        (["method=uniform", "suite=nano-v9"], "Did you mean 'nano-v2'"),
        (["method=uniform", "recipe.learning_rte=1"], "Did you mean 'recipe.learning_rate'"),
        (["method=uniform", "recipe.learning_rate=fast"], "recipe.learning_rate=fast"),
        (["method=uniform", "recipe.learning_rate=-1"], "greater than 0"),
        (["method=uniform", "recipe.steps=0"], "greater than or equal to 1"),
        (["method=uniform", "recipe.steps=2.5"], "integer"),
        (["method=uniform", "budget.steps=0"], "greater than 0"),
        (["method=uniform", "seed=one"], "not a whole number"),
        (["method=uniform", "seed=-1"], "not a whole number"),
        (["method=uniform", "evaluation.items=1"], "greater than or equal to 4"),
        (["method=uniform", "recipe.temperature=nan"], "temperature"),
    ],
)
def test_a_wrong_word_is_one_clear_sentence(words, said):
    with pytest.raises(UserError) as error:
        parse_request(words)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_every_key_that_is_offered_can_be_read_back():
    assert {"model", "tasks", "recipe.steps", "budget.rollouts", "evaluation.items"} <= set(keys())
    assert len(keys()) > 30


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_is_frozen_once_it_has_results(name):
    """The digest of the file is the one its records were made with."""
    suite = load_suite(name)
    digests = {read(path).suite.digest for path in record_files(RESULTS / name)}
    assert digests <= {suite.digest}, f"suites/{name}.yaml has results; copy it to a new name to change it"


def test_there_are_suites():
    assert {"nano-v1", "smoke-v1"} <= set(suite_names())
