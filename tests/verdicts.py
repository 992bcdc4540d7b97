r"""The verdicts of the verifiers where the right verdict is known, as confusion tables.

    python -m tests.verdicts

judges the pairs of tests/tasks/verdicts, one-character mutants of MATH's gold answers (wrong, but for those that
mutants.toml shows to be equal), and every formula of a MATH problem put into a box in place of an answer (wrong, but
for those that are literally the gold answer). The last two need copies of the data sets, in BALANCEBENCH_TEST_DATA or
../shared/data. Every wrong verdict is printed; the exit code is 1 if there is one.
"""

import os
import random
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tasks import DataTask, Row
from tasks._data import load
from tasks._formulas.spelling import plain
from tasks._registry import get_task

TABLES = Path(__file__).parent / "tasks" / "verdicts"
DATA = Path(os.environ.get("BALANCEBENCH_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
MUTANTS = 8000
"""Mutants that are judged, drawn from all."""
OTHER = {"+": "-", "-": "+", "(": "[", ")": "]", "[": "(", "]": ")"}
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)", re.DOTALL)


class Pair(NamedTuple):
    """A row, a reply, whether the reply is right, and where that is from."""

    row: Row
    reply: str
    right: bool
    source: str

    def accepted(self) -> bool:
        return get_task(self.row.task).verify(self.reply, self.row) == 1.0


class Count(NamedTuple):
    """A confusion table, and the pairs whose verdict is wrong."""

    right: int
    wrong: int
    refused: list[Pair]
    accepted: list[Pair]


def count(pairs: Iterable[Pair]) -> Count:
    found = [(pair, pair.accepted()) for pair in pairs]
    refused = [pair for pair, accepted in found if pair.right and not accepted]
    accepted = [pair for pair, accepted in found if accepted and not pair.right]
    right = sum(pair.right for pair, _ in found)
    return Count(right, len(found) - right, refused, accepted)


# --- pairs kept as data ---


def tables() -> dict[str, list[Pair]]:
    """The pairs of every file that has cases, by its title."""
    found = [tomllib.loads(path.read_text("utf-8")) for path in sorted(TABLES.glob("*.toml"))]
    return {table["title"]: list(pairs_of(table)) for table in found if "case" in table}


def pairs_of(table: dict[str, Any]) -> Iterator[Pair]:
    for case in table["case"]:
        task, question = case.get("task", table.get("task")), case.get("question", "p")
        row = Row(task, "heldout", 0, question, case["gold"], case.get("facts", {}))
        for text, right in [*((text, True) for text in case["right"]), *((text, False) for text in case["wrong"])]:
            yield Pair(row, rf"It is \boxed{{{text}}}." if table.get("boxed") else text, right, case["source"])


# --- pairs made of real rows ---


def real_rows(name: str, root: Path = DATA) -> list[Row]:
    """All rows of a data set; none where there is no copy of it."""
    task = get_task(name)
    assert isinstance(task, DataTask)
    return [row for rows in load(task, root).values() for row in rows] if (root / name).is_dir() else []


def mutants(rows: Iterable[Row]) -> list[Pair]:
    """MUTANTS answers that differ from a gold one in a digit, a sign or a bracket; the equal ones among them all."""
    golds = sorted({row.answer for row in rows})
    equal = {(each["gold"], each["mutant"]): each["why"] for each in known_equal()}
    found = [(gold, mutant) for gold in golds for mutant in changed(gold)]
    chosen = [*random.Random(0).sample(found, min(MUTANTS, len(found))), *(pair for pair in equal if pair[0] in golds)]
    return [
        Pair(Row("math", "heldout", 0, "p", gold, {}), rf"\boxed{{{mutant}}}", (gold, mutant) in equal, "mutant")
        for gold, mutant in dict.fromkeys(chosen)
    ]


def known_equal() -> list[dict[str, str]]:
    found: list[dict[str, str]] = tomllib.loads((TABLES / "mutants.toml").read_text("utf-8"))["equal"]
    return found


def changed(gold: str) -> Iterator[str]:
    """All texts with a digit of `gold` raised by one or seven, a sign turned, or a bracket of the other kind."""
    for place, letter in enumerate(gold):
        others = [str((int(letter) + step) % 10) for step in (1, 7)] if letter in "0123456789" else [OTHER.get(letter)]
        yield from (f"{gold[:place]}{other}{gold[place + 1 :]}" for other in others if other)


def copies(rows: Iterable[Row]) -> Iterator[Pair]:
    """The formulas of each problem as its answer: right where they are the gold answer but for layout and label."""
    for row in rows:
        for formula in {next(part for part in match.groups() if part) for match in FORMULA.finditer(row.prompt)}:
            yield Pair(row, rf"\boxed{{{formula}}}", literally(row.answer, formula), "copy")


def literally(gold: str, formula: str) -> bool:
    """Whether a formula is the gold answer but for layout and a letter before an equals sign."""
    return plain(re.sub(r"^\s*[a-zA-Z]\s*=", "", formula)) == plain(gold)


# --- the command ---


def show(title: str, found: Count) -> None:
    """Print a line of the table, and every wrong verdict below it."""
    refused, accepted = len(found.refused), len(found.accepted)
    figures = (found.right + found.wrong, found.right - refused, refused, found.wrong - accepted, accepted)
    print(f"{title:45}" + "".join(f"{figure:>16,}" for figure in figures))
    for said, pairs in (("refused though right", found.refused), ("accepted though wrong", found.accepted)):
        for pair in pairs:
            print(f"    {said} ({pair.source}): {pair.row.answer!r} <- {pair.reply!r}")


def main() -> int:
    names = ("pairs", "right accepted", "right refused", "wrong refused", "wrong accepted")
    print(f"{'':45}" + "".join(f"{name:>16}" for name in names))
    found = {title: count(pairs) for title, pairs in tables().items()}

    math, math500 = real_rows("math"), real_rows("math500")
    if math:
        found["one-character mutants of MATH's gold answers"] = count(mutants(math))
    if math500:
        found["formulas of MATH-500's problems as answers"] = count(copies(math500))

    for title, counted in found.items():
        show(title, counted)
    for each in known_equal() if math else ():
        print(f"Equal mutant: {each['gold']} <- {each['mutant']}, because {each['why']}.")
    if not (math and math500):
        print(f"Mutants and copies need the rows of math and math500, which are not in {DATA}: they were left out.")
    return int(any(counted.refused or counted.accepted for counted in found.values()))


if __name__ == "__main__":
    sys.exit(main())
