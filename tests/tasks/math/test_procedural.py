"""Long arithmetic and countdown: golden rows, what counts as right, and that every row can be solved."""

import random
import time
from fractions import Fraction

import pytest

from tasks import Row
from tasks._formulas.arithmetic import compute
from tasks._registry import get_task
from tasks.math.countdown import TARGETS, expression_of, guess
from tasks.math.long_arithmetic import worked

LONG = Row("long_arithmetic", "train", 0, "p", "-1234", {})
DOWN = Row("countdown", "train", 0, "p", "(7 - 3) * 6", {"numbers": [3, 6, 7], "target": 24})


def test_the_working_of_long_arithmetic_line_by_line() -> None:
    """100 - 12 * 34 + 5 * 6: products first, then the running total."""
    lines = worked([("+", 100, 1), ("-", 12, 34), ("+", 5, 6)]).splitlines()
    assert lines == ["12 * 34 = 408", "5 * 6 = 30", "100 - 408 = -308", "-308 + 30 = -278", r"\boxed{-278}"]


def test_the_answers_of_long_arithmetic_are_those_of_python() -> None:
    for row in get_task("long_arithmetic").rows("heldout", 300):
        expression = row.prompt.removeprefix("Compute ").partition(". ")[0]
        assert eval(expression) == int(row.answer) == compute(expression).value
        lines = get_task("long_arithmetic").solution(row).splitlines()
        assert all(eval(line.replace("=", "==")) for line in lines[:-1])
        assert lines[-1] == rf"\boxed{{{row.answer}}}"


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (r"\boxed{-1234}", 1.0),
        (r"so $\boxed{-1,234}$.", 1.0),
        (r"\boxed{x = -1234.0}", 1.0),
        ("-1234", 1.0),  # a reply that is the number and nothing else
        (r"\boxed{1234}", 0.0),
        (r"\boxed{-1234} or \boxed{5}", 0.0),
        ("it is -1234", 0.0),
        (r"\boxed{-617 * 2}", 0.0),  # what was asked is left undone
        (r"\boxed{-2468/2}", 1.0),
    ],
)
def test_what_counts_as_right_in_long_arithmetic(reply: str, verdict: float) -> None:
    assert get_task("long_arithmetic").verify(reply, LONG) == verdict


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("<answer>(7 - 3) * 6</answer>", 1.0),
        ("<answer>6*(7-3)</answer> and that is it", 1.0),
        ("<answer>1</answer> no: <answer>6*(7-3)</answer>", 1.0),
        (r"\boxed{6 \times (7 - 3)}", 1.0),
        ("Let me see.\n6*(7-3)\n", 1.0),
        ("6*(7-3)", 1.0),
        ("<answer>6*(7-3)", 0.0),  # not closed
        ("<answer>6*(7-3)</answer> no: <answer>1</answer>", 0.0),
        ("<answer>6*(7-3) = 24</answer>", 0.0),  # the expression alone is asked for
        ("so 6*(7-3)", 0.0),
        ("<answer>24</answer>", 0.0),
        ("<answer>6*(7-3)*1</answer>", 0.0),  # a number that was not given
        ("<answer>6*(7-3)+3-3</answer>", 0.0),  # one used twice
        ("<answer>3*6+7</answer>", 0.0),  # another value
        ("<answer>7*3+6-3</answer>", 0.0),
        ("<answer>(7-3)*06</answer>", 0.0),
        ("<answer>-(3-7)*6</answer>", 0.0),  # a sign is an operator between two values
        ("<answer></answer>", 0.0),
        ("<answer>__import__('os').getpid()</answer>", 0.0),
        ("", 0.0),
    ],
)
def test_what_counts_as_right_in_countdown(reply: str, verdict: float) -> None:
    assert get_task("countdown").verify(reply, DOWN) == verdict


def test_fractions_on_the_way_are_exact() -> None:
    """8 / (3 - 8 / 3) is 24, and 23.999999999999986 in floating point."""
    row = Row("countdown", "train", 0, "p", "", {"numbers": [3, 3, 8, 8], "target": 24})
    assert get_task("countdown").verify("8 / (3 - 8 / 3)", row) == 1.0


def test_every_countdown_row_has_three_or_four_numbers_and_a_solution() -> None:
    rows = get_task("countdown").rows("train", 300)
    assert {len(row.facts["numbers"]) for row in rows} == {3, 4}
    for row in rows:
        result = compute(row.answer)
        assert result.value == row.facts["target"]
        assert row.facts["target"] in TARGETS
        assert row.facts["target"] not in row.facts["numbers"]
        assert sorted(result.numbers) == sorted(row.facts["numbers"])
        assert all(1 <= number <= 99 for number in row.facts["numbers"])


def test_a_guess_says_its_own_value() -> None:
    rng = random.Random(0)
    for _ in range(300):
        value, expression = guess([5, 0, 17, 3], rng)
        assert compute(expression).value == value


def test_the_chance_of_countdown_is_what_guesses_reach() -> None:
    task, rng = get_task("countdown"), random.Random(0)
    rows = task.rows("train", 300)
    hits = sum(guess(row.facts["numbers"], rng)[0] == Fraction(row.facts["target"]) for row in rows for _ in range(30))
    assert hits / 9000 == pytest.approx(task.chance, abs=0.01)


@pytest.mark.parametrize("letter", ["(", "<answer>", "9", "9*", "-", "\\boxed{", "\n", "a ", "</answer>"])
@pytest.mark.parametrize("row", [LONG, DOWN], ids=["long_arithmetic", "countdown"])
def test_a_megabyte_is_wrong_at_once(row: Row, letter: str) -> None:
    reply = letter * (1_000_000 // len(letter))
    begin = time.perf_counter()
    assert get_task(row.task).verify(reply, row) == 0.0
    assert len(expression_of(reply)) < 1000
    assert time.perf_counter() - begin < 0.1
