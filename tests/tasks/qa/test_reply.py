"""How a reply is read: what counts as the answer, and that nothing else does."""

import time

import pytest

from tasks import Row
from tasks._choice import TAIL, chosen, final_answer
from tasks._registry import get_task

OPTIONS = ["Paris", "a red fox", "None", "42."]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Answer: B", "B"),
        ("answer:b", "b"),
        ("**Answer:** (B).", "B"),
        ("I think of A. Answer: A\nNo, wait. Answer: B", "B"),  # the last one counts
        ("It must be the second one.\n\nB\n", "B"),  # without a mark, the last line
        ("B\nbecause it fits", "because it fits"),
        ("Answer: B because it fits", "B because it fits"),
        ("Answer:\n\n 12.5 ", "12.5"),
        ("Answer: .5", ".5"),  # a leading point is no markup
        ("", ""),
        ("\n \n", ""),
        ("Answer:", ""),
        ("A" + " " * TAIL, ""),  # only the end is read
    ],
)
def test_the_answer_of_a_reply(reply: str, answer: str) -> None:
    assert final_answer(reply) == answer


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("`B`", "B"),
        ("Answer: B. a red fox", "B"),
        ("Answer: B) A RED FOX", "B"),
        ("Answer: D: 42", "D"),
        ("Answer: B. Paris", None),  # a letter with another option's text
        ("Answer: a red fox", None),  # the letter is asked for
        ("Answer: A or B", None),
        ("AB", None),
        ("Answer: Ba red fox", None),
        ("E", None),  # there are four options
        ("\uff21", None),  # a full-width letter is no letter
        ("\u0410", None),  # nor is a Cyrillic one
        ("Answer: B\0", None),
        ("ß", None),
        ("", None),
    ],
)
def test_the_letter_of_a_reply(reply: str, letter: str | None) -> None:
    assert chosen(reply, OPTIONS) == letter


@pytest.mark.parametrize(
    ("reply", "gold", "verdict"),
    [
        ("Answer: yes", "yes", 1.0),
        ("Yes.", "yes", 1.0),
        ("Answer: no", "yes", 0.0),
        ("yes and no", "yes", 0.0),
        ("true", "yes", 0.0),
        ("Answer: yes\nor is it?", "yes", 0.0),
        ("It is so.\nNO", "no", 1.0),
    ],
)
def test_yes_and_no(reply: str, gold: str, verdict: float) -> None:
    assert get_task("boolq").verify(reply, Row("boolq", "heldout", 0, "p", gold, {})) == verdict


@pytest.mark.parametrize(
    ("reply", "gold", "percentage", "verdict"),
    [
        ("Answer: 0.53232", "0.53232", True, 1.0),
        ("Answer: 53.232%", "0.53232", True, 1.0),
        ("Answer: 53.2 %", "0.53232", True, 1.0),  # exe_ans rounded to the reply's own decimals
        ("Answer: 53%", "0.53232", True, 1.0),
        ("Answer: 53.3%", "0.53232", True, 0.0),  # rounds to 53.2
        ("Answer: 0.5", "0.53232", True, 0.0),  # rounded right, but 6 % off
        ("Answer: 53.2", "0.53232", True, 1.0),  # the question asks for a percentage
        ("Answer: 53.2", "0.53232", False, 0.0),
        ("Answer: -53.2%", "0.53232", True, 0.0),
        ("Answer: 53.2%", "53.232", False, 1.0),  # some exe_ans are percentages themselves
        ("Answer: $1,452.4", "1452.4", False, 1.0),
        ("Answer: $ 1452", "1452.4", False, 1.0),
        ("Answer: 1,45,2.4", "1452.4", False, 0.0),
        ("Answer: 1500", "1452.4", False, 0.0),
        ("Answer: 1452.4 million", "1452.4", False, 0.0),  # units are in the question
        ("Answer: -300", "-300", False, 1.0),
        ("Answer: 0", "0", False, 1.0),
        ("Answer: 0.00001", "0", False, 1.0),  # exe_ans has five decimals
        ("Answer: 0.001", "0", False, 0.0),
        ("Answer: 1e3", "1000", False, 0.0),
        ("Answer: yes", "1000", False, 0.0),
        ("Answer: 1", "yes", False, 0.0),
        ("Answer: Yes", "yes", False, 1.0),
    ],
)
def test_numbers_of_reports(reply: str, gold: str, percentage: bool, verdict: float) -> None:
    row = Row("finqa", "heldout", 0, "p", gold, {"percentage": percentage})
    assert get_task("finqa").verify(reply, row) == verdict


@pytest.mark.parametrize("text", ["x", "Answer:", "Answer: 1", "\n", "(", "9", "B ", "\u2028"])
def test_a_million_characters_are_read_in_milliseconds(text: str) -> None:
    reply = text * (1_000_000 // len(text))
    began = time.perf_counter()
    for name in ("arc_easy", "boolq", "finqa"):
        facts = {"options": OPTIONS, "percentage": True}
        get_task(name).verify(reply, Row(name, "heldout", 0, "p", "yes", facts))
    assert time.perf_counter() - began < 0.1
