"""What a script may ask for, and what it is told otherwise."""

from typing import Any

import pytest

from bench.errors import UserError
from bench.training.script.choice import Choice, choose, names_in
from methods.pcgrad import PCGrad
from methods.static import Static, StaticSettings

NAMES = ["code", "math", "safety"]


def chosen(method: Any = "uniform", settings: Any = None, wrapper: Any = None, regime: str = "grpo") -> Choice:
    return choose(method, settings, wrapper, None, NAMES, 0, regime)


@pytest.mark.parametrize("weights", [{"math": 3, "code": 1, "safety": 0}, [1, 3, 0]])
def test_settings_per_task_follow_the_tasks(weights: Any) -> None:
    choice = chosen("static", {"weights": weights})
    found = dict(zip(choice.tasks, choice.method.settings.weights, strict=True))
    assert found == {"code": 1, "math": 3, "safety": 0}


def test_an_instance_is_copied_and_has_its_settings_by_the_sorted_names() -> None:
    given = Static(StaticSettings(weights=(1, 3, 0)))
    choice = chosen(given)
    assert dict(zip(choice.tasks, choice.method.settings.weights, strict=True)) == {"code": 1, "math": 3, "safety": 0}
    assert choice.method is not given
    assert given.settings.weights == (1, 3, 0)


def test_a_class_is_a_method_and_its_kind_decides_what_is_done() -> None:
    assert isinstance(chosen(PCGrad).method, PCGrad)
    assert chosen(PCGrad).weighs
    assert not chosen("uniform").samples, "uniform leaves the data as they come"
    assert chosen("temperature").samples
    assert chosen("token_mean").reweights
    assert chosen("doge").halves
    assert not chosen("pcgrad").halves


def test_the_blind_order_is_the_seeds() -> None:
    orders = {tuple(choose("uniform", None, None, None, NAMES, seed, "grpo").tasks) for seed in range(8)}
    assert len(orders) > 1
    assert {tuple(sorted(order)) for order in orders} == {tuple(NAMES)}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "task_arithmetic"}, "task_arithmetic is a plan"),
        ({"method": "cr_mogm"}, "method='uniform', wrapper='cr_mogm'"),
        ({"method": "uniform", "wrapper": "samo"}, "samo needs extra_backward"),
        ({"method": "uniform", "wrapper": "pcgrad"}, "pcgrad is not a wrapper"),
        ({"method": "token_mean", "regime": "sft"}, "token_mean weights completions"),
        ({"method": "coba", "regime": "sft"}, "coba needs validation_loss"),
        ({"method": "famo", "regime": "sft"}, "famo needs second_forward"),
        ({"method": "pcgard"}, "Did you mean 'pcgrad'"),
        ({"method": "static", "settings": {"weights": {"maths": 2}}}, "'maths'"),
        ({"method": PCGrad(), "settings": {"x": 1}}, "give it those"),
        ({"method": "graddrop", "wrapper": "cr_mogm"}, "returns a direction"),
    ],
)
def test_what_cannot_run_is_refused_by_name(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        chosen(**options)


@pytest.mark.parametrize(
    ("values", "wanted", "says"),
    [
        (["a", "a"], None, "1 task \\(a\\): there is nothing to balance"),
        (["a", None], None, "it holds None"),
        (["a", 3], None, "it holds 3"),
        (["a", ""], None, "it holds ''"),
        (["a", "b", "c"], ["a", "b"], "names the tasks c, which are not among"),
    ],
)
def test_names_of_tasks_are_checked(values: list[object], wanted: list[str] | None, says: str) -> None:
    with pytest.raises(UserError, match=says):
        names_in(values, "task", wanted)


def test_names_are_sorted_and_a_named_task_may_be_absent() -> None:
    assert names_in(["b", "a", "b"], "task", None) == ["a", "b"]
    assert names_in(["b", "a"], "task", ["c", "a", "b"]) == ["a", "b", "c"]
