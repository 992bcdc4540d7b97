"""What a suite says by task: which are scored, factors on advantages, numbers of training rows."""

from typing import Any

import pytest

from bench.errors import UserError
from bench.request.request import override, parse_request
from bench.request.suite import Suite, load_suite, validated
from bench.run.prepare import check_scorable

BASE = load_suite("nano-v1")
FIELDS = [
    ("scored", ["lookup"], "scored=lookup"),
    ("advantage_scale", {"execution": 10.0}, "advantage_scale=execution:10"),
    ("rows", {"induction": 512}, "rows=induction:512"),
]
every_field = pytest.mark.parametrize(("field", "value", "word"), FIELDS)


def suite(**changes: Any) -> Suite:
    """nano-v1 with changes, checked as a file is."""
    return validated(Suite, {**BASE.model_dump(mode="json"), **changes}, "test")


@every_field
def test_it_is_part_of_the_digest_only_where_it_says_something(field: str, value: Any, word: str) -> None:
    assert suite(**{field: type(value)()}).digest == BASE.digest
    assert suite(**{field: value}).digest != BASE.digest


def test_to_score_all_tasks_by_name_is_the_default() -> None:
    assert suite(scored=list(BASE.tasks)).digest == BASE.digest
    assert suite(scored=list(BASE.tasks)).scored_tasks == BASE.tasks == BASE.scored_tasks


@every_field
def test_the_command_line_can_say_it(field: str, value: Any, word: str) -> None:
    key, _, text = word.partition("=")
    changed, overrides = override(BASE, {key: text})
    assert changed.model_dump(mode="json")[field] == value
    assert list(overrides) == [key]
    again = {name: ",".join(map(str, found)) for name, found in overrides.items()}
    assert override(BASE, again)[0] == changed, "what a record says of it gives the same suite"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scored": ["gsm8k"]}, "scored names gsm8k, which is not one of the tasks arithmetic"),
        ({"advantage_scale": {"gsm8k": 2.0}}, "advantage_scale names gsm8k"),
        ({"rows": {"gsm8k": 2}}, "rows names gsm8k"),
        ({"scored": ["lookup", "lookup"]}, "once"),
        ({"advantage_scale": {"lookup": 0.0}}, "greater than 0"),
        ({"rows": {"lookup": 0}}, "greater than or equal to 1"),
        ({"regime": "sft", "advantage_scale": {"lookup": 2.0}}, "SFT has no advantages"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        suite(**changes)


def test_values_by_task_need_a_colon() -> None:
    with pytest.raises(UserError, match="not of the form task:value"):
        parse_request(["method=uniform", "rows=lookup"])


def test_rows_by_task_override_the_recipes() -> None:
    given = suite(rows={"lookup": 512})
    assert (given.train_rows("lookup"), given.train_rows("induction")) == (512, BASE.recipe.train_rows)


def test_a_diagnostic_task_is_never_scored() -> None:
    mixture = suite(tasks=["lookup", "coin_addition"], advantage_scale={}, rows={}, sweep=[])
    with pytest.raises(UserError, match=r"coin_addition: a diagnostic task .* Say scored=lookup"):
        check_scorable(mixture)
    check_scorable(mixture.model_copy(update={"scored": ("lookup",)}))
