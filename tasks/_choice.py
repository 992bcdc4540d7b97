"""What tasks with short answers share: the prompt's last line, how a reply is read, multiple choice.

A reply is read strictly. Of its last 500 characters, what follows the last "Answer:" counts, or else the last line
that is not blank; surrounding white space, quotes, brackets and markup are taken off. What is left must be the
answer and nothing else. Case does not matter. A reply whose end is copied from the prompt gives no answer.
"""

import itertools
import random
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tasks import DataTask, Draft, OffSchema, Row

TAIL = 500
"""Characters at the end of a reply that are read."""
MARKUP = " \t\r\n\"'`*_()[]{}"
STOPS = ".:" + MARKUP
LETTERS = "ABCDEFGHIJ"
QUESTION = (
    'Question: {question}\n{options}\n\nReason if you like, and end with "Answer: " and the letter of the right option.'
)


def final_answer(reply: str) -> str:
    """What a reply gives as its answer, without markup; '' if nothing is left."""
    tail = reply[-TAIL:]
    marks = list(re.finditer("answer:", tail, re.IGNORECASE | re.ASCII))
    if marks:
        return tail[marks[-1].end() :].lstrip(MARKUP).rstrip(STOPS)
    lines = tail.strip().splitlines()
    return lines[-1].lstrip(MARKUP).rstrip(STOPS) if lines else ""


def copied(reply: str, prompt: str) -> bool:
    """Whether the last two lines of a reply stand one after the other in the prompt: its list of options, say."""
    tail = reply[-TAIL:].rstrip()
    start = tail.rfind("\n")
    before = _before(prompt).get(tail[start + 1 :].strip(), ())
    if not before or start < 0:
        return False
    line = tail[:start].rstrip().rpartition("\n")[2].strip()  # TAIL may have cut it
    return bool(line) and any(each.endswith(line) for each in before)


@lru_cache(maxsize=2**10)
def _before(prompt: str) -> Mapping[str, set[str]]:
    """For each line of a prompt, the lines before it; blank ones left out."""
    lines = [line.strip() for line in prompt.splitlines() if line.strip()]
    found: dict[str, set[str]] = {}
    for before, after in itertools.pairwise(lines):
        found.setdefault(after, set()).add(before)
    return found


def chosen(reply: str, options: Sequence[str]) -> str | None:
    """The letter that a reply chooses, alone or followed by that option's own text; None if it chooses none."""
    answer = final_answer(reply)
    letter, rest = answer[:1].upper(), answer[1:]
    if letter not in LETTERS[: len(options)] or not letter:
        return None
    text = options[LETTERS.index(letter)]
    own = rest[:1] in STOPS and rest.strip(STOPS).casefold() == text.strip(STOPS).casefold()
    return letter if not rest or own else None


def choice(question: str, options: Sequence[str], right: int) -> Draft:
    """A multiple-choice question; right: place of the right option, from 0. Options are lettered in their order."""
    lettered = "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))
    prompt = QUESTION.format(question=question, options=lettered)
    return Draft(prompt, LETTERS[right], {"options": list(options)})


class AnswerTask(DataTask):
    """A task whose replies end in one of a few answers, which are its classes."""

    domain = "qa"
    revision = 2
    max_reply_tokens = 256  # room for reasoning; "Answer: B" itself takes about four

    @abstractmethod
    def answers(self, row: Row) -> Sequence[str]:
        """All answers that a reply to `row` may give, the right one among them."""

    def slip(self, row: Row, rng: random.Random) -> str:
        return f"Answer: {rng.choice([answer for answer in self.answers(row) if answer != row.answer])}"

    def solution(self, row: Row) -> str:
        return f"Answer: {row.answer}"

    def label(self, row: Row) -> str | None:
        return row.answer


class ChoiceTask(AnswerTask):
    """A multiple-choice task; the answer is a letter."""

    chance = 1 / 4

    def answers(self, row: Row) -> Sequence[str]:
        return LETTERS[: len(row.facts["options"])]

    def verify(self, reply: str, row: Row) -> float:
        return float(chosen(reply, row.facts["options"]) == row.answer and not copied(reply, row.prompt))


LABELLED: Mapping[str, Any] = {"text": [str], "label": [str]}
"""Options as the hub keeps them for several sets: two lists of one length."""
STEM: Mapping[str, Any] = {
    "question": {"stem": str, "choices": [{"text": str, "label": str}]},
    "answerKey": str,
}
"""A question as the Allen Institute's JSON-lines files keep it."""


def labelled(question: str, choices: Mapping[str, list[str]], key: str) -> Draft:
    """A question whose options carry labels of their own (A to E, or 1 to 5) and whose key is one of them."""
    if key not in choices["label"] or not len(choices["label"]) == len(choices["text"]) <= len(LETTERS):
        raise OffSchema("answerKey", f"one of the labels {choices['label']}", key)
    return choice(question, choices["text"], choices["label"].index(key))


def of_stem(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A row of STEM's form with the hub's fields `choices` and `answerKey`; its question is under `stem`."""
    options = raw["question"]["choices"]
    choices = {name: [option[name] for option in options] for name in ("text", "label")}
    return {"stem": raw["question"]["stem"], "choices": choices, "answerKey": raw["answerKey"]}
