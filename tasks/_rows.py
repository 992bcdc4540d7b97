"""Tasks of JSON lines: a prompt and an answer a line, and one word for the verifier.

Every line is an object with `prompt` and `answer`; `solution`, a full right reply, may stand beside them, and of a
choice `options`, the texts of the options in the order of their letters. Whatever else a line has is in the row's
`facts`. The hash of a prompt decides its split, as everywhere.
"""

import ast
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from bench.errors import UserError
from tasks._base import HELDOUT_SHARE, Domain, Draft, Row, Split, Task, split_of
from tasks._choice import LETTERS
from tasks._data import ordered
from tasks._files import read
from tasks._formulas.numbers import number
from tasks._own import Described, Own, module_of
from tasks._registry import get_task

LIKE = {"number": "gsm8k", "choice": "arc_easy", "formula": "math", "python-tests": "mbpp"}
"""Verifiers, each by the published task whose verifier it is."""
UNKNOWN = "I do not know."
Check = Callable[[Any, Mapping[str, Any]], str | None]
"""The answer in a line as the verifier takes it; None if it cannot be one."""


def _number(answer: Any, line: Mapping[str, Any]) -> str | None:
    text = str(answer).replace(",", "").strip()
    return text if not isinstance(answer, bool) and number(text) is not None else None


def _letter(answer: Any, line: Mapping[str, Any]) -> str | None:
    letters = LETTERS[: len(line["options"])] if "options" in line else LETTERS
    return answer if isinstance(answer, str) and len(answer) == 1 and answer in letters else None


def _text(answer: Any, line: Mapping[str, Any]) -> str | None:
    text = str(answer).strip() if isinstance(answer, str | int | float) else ""
    return text or None


def _tests(answer: Any, line: Mapping[str, Any]) -> str | None:
    lines = answer if isinstance(answer, list) else [answer]
    text = "\n".join(map(str, lines))
    try:
        return text if ast.parse(text).body else None
    except (SyntaxError, ValueError):
        return None


CHECKS: Mapping[str, tuple[Check, str]] = {
    "number": (_number, "a number, such as 12, -0.5 or 2/3"),
    "choice": (_letter, "the letter of an option, A to J"),
    "exact": (_text, "a text"),
    "formula": (_text, "a formula, as it stands in \\boxed{}"),
    "python-tests": (_tests, "assertions of Python, as a list or as text"),
}


class RowsTask(Task):
    """A task of JSON lines. `rows_task` makes the class for a file."""

    path: ClassVar[str]
    word: ClassVar[str]
    """The verifier, or `function`."""
    function: ClassVar[Callable[[str, Row], Any] | None] = None

    @cached_property
    def _like(self) -> Task | None:
        """The published task that verifies alike."""
        return get_task(LIKE[self.word]) if self.word in LIKE else None

    def verify(self, reply: str, row: Row) -> float:
        """The verdict of the published task, of the user's function, or whether the reply is the answer."""
        if self._like:
            return self._like.verify(reply, row)
        function = type(self).function
        return function(reply, row) if function else float(reply.strip() == row.answer)

    def solution(self, row: Row) -> str:
        """The line's own solution, or the answer in the form that is asked for."""
        if "solution" in row.facts:
            return str(row.facts["solution"])
        if self.word == "python-tests":
            raise UserError(
                f"task {self.name!r}: row {row.index} has no `solution`, a full right reply, which {self.path} needs "
                "to imitate or to show. Add it, or train by regime=grpo."
            )
        forms = {"formula": "\\boxed{{{}}}", "choice": "Answer: {}", "number": "#### {}"}
        return forms.get(self.word, "{}").format(row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        """A wrong reply: as the published task slips, or the answer of another row."""
        if self._like and self.word != "python-tests":
            return self._like.slip(row, rng)
        others = list(self._splits[row.split])
        for other in rng.sample(others, min(len(others), 20)):
            reply = UNKNOWN if self.word == "python-tests" else other.answer
            if self.verify(reply, row) == 0.0:
                return reply
        return UNKNOWN

    def stream(self, split: Split) -> Iterator[Row]:
        """The rows of a split, in the order of their prompts' hashes."""
        return iter(self._splits[split])

    def rows(self, split: Split, count: int) -> tuple[Row, ...]:
        """The first `count` rows of a split; all of them where it has fewer. UserError if it has none."""
        rows = tuple(islice(self.stream(split), count))
        if count and not rows:
            have = sum(map(len, self._splits.values()))
            raise UserError(
                f"task {self.name!r}: of the {have} prompts in {self.path} none is in the {split} split. One in "
                f"{HELDOUT_SHARE} is held out, by its hash: give more rows, a hundred at least."
            )
        return rows

    @cached_property
    def _splits(self) -> Mapping[Split, tuple[Row, ...]]:
        drafts: dict[str, Draft] = {}
        for raw in read(Path(self.path)):
            draft = self._draft(raw.fields, raw.where)
            drafts.setdefault(draft.prompt, draft)

        sides: dict[Split, list[Draft]] = {"train": [], "heldout": []}
        for draft in drafts.values():
            sides[split_of(draft.prompt)].append(draft)
        return {split: ordered(self.name, split, found) for split, found in sides.items()}

    def _draft(self, line: Any, where: str) -> Draft:
        """The question in a line. UserError if it is none."""
        if not isinstance(line, dict) or not isinstance(line.get("prompt"), str) or not line["prompt"].strip():
            raise UserError(f"{where} has no `prompt`: a line is an object with `prompt`, a text, and `answer`.")
        if "answer" not in line:
            raise UserError(f"{where} has no `answer`: a line is an object with `prompt`, a text, and `answer`.")
        if "options" in line and not isinstance(line["options"], list):
            raise UserError(f"{where}: `options` must be a list of texts, one a letter.")

        check, wanted = CHECKS.get(self.word, (_text, "a text"))
        answer = check(line["answer"], line)
        if answer is None:
            raise UserError(f"{where}: the answer {line['answer']!r} is not {wanted}, which {self.word} compares.")

        facts = {key: value for key, value in line.items() if key not in ("prompt", "answer", "verifier")}
        if self.word == "python-tests":
            facts["tests"] = answer
        if self.word == "choice":
            facts.setdefault("options", [""] * len(LETTERS))
        return Draft(line["prompt"], answer, facts)


def rows_task(name: str, path: Path, verifier: str | None) -> Task:
    """The task in a JSON-lines file; verifier: as `bench.request.own.TaskFile` has it."""
    assert verifier
    file, colon, function = verifier.rpartition(":")
    like = get_task(LIKE[verifier]) if verifier in LIKE else None
    domain: Domain = like.domain if like else "qa"
    members = {
        "__module__": __name__,
        "name": name,
        "domain": domain,
        "revision": 1,
        "summary": f"Rows of {path.name}, verified by {Path(file).name + colon + function if colon else verifier}.",
        "chance": 0.0,
        "max_reply_tokens": like.max_reply_tokens if like else 64,
        "path": str(path),
        "word": "function" if colon else verifier,
    }
    if colon:
        members["function"] = _function(Path(file), function)
    guard = Own if colon else Described  # a verifier of the project needs no guard: what it raises is a bug of ours
    kind: type[Task] = type("OwnRows", (guard, RowsTask), members)
    return kind()


def _function(file: Path, name: str) -> Callable[[str, Row], Any]:
    """The verifier in a file of the user's. UserError if it is not there."""
    found = getattr(module_of(file), name, None)
    if not callable(found):
        raise UserError(f"{file} has no function {name}(reply, row).")
    return staticmethod(found)
