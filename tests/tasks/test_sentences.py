"""The drawn tasks in sentences: golden rows, how replies are read, and that every gold answer is the right one.

Gold answers are found again here by other means: programs are run, working is evaluated, chains are searched.
"""

import itertools
import random
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import get_args

import pytest

from tasks import Domain, ProceduralTask, Row, Split
from tasks._registry import all_tasks, get_task
from tasks._sentences import SentenceTask, items, joined, listed, near, others
from tasks.code.list_edit import EDITS
from tasks.math.category_count import CATEGORIES
from tasks.math.word_problem import worked
from tasks.qa.letter_count import MOST, spelt
from tests import verdicts

FOUND = [task for task in all_tasks().values() if isinstance(task, SentenceTask) or task.name == "expression"]
TASKS = [task for task in FOUND if isinstance(task, ProceduralTask)]
every_task = pytest.mark.parametrize("task", TASKS, ids=str)


def rows(name: str, count: int = 300) -> tuple[Row, ...]:
    return get_task(name).rows("heldout", count)


def test_they_are_of_every_domain() -> None:
    assert len(TASKS) == len(FOUND) >= 7
    for domain in get_args(Domain):
        assert sum(task.domain == domain for task in TASKS) >= 3


@every_task
@pytest.mark.parametrize("split", ["train", "heldout"])
def test_each_split_has_a_thousand_distinct_rows(task: ProceduralTask, split: Split) -> None:
    assert len({row.prompt for row in task.rows(split, 1000)}) == 1000


@every_task
def test_prompts_are_short(task: ProceduralTask) -> None:
    """Words, numbers and marks; a model's tokens are a few more."""
    lengths = [len(re.findall(r"[A-Za-z]+|[0-9]|[^\sA-Za-z0-9]", row.prompt)) for row in rows(task.name)]
    assert min(lengths) >= 13
    assert max(lengths) <= 60


@every_task
def test_the_prompt_and_its_parts_are_no_answer(task: ProceduralTask) -> None:
    for row in rows(task.name, 50):
        parts = [row.prompt, *re.split(r"(?<=[.?]) |\n", row.prompt)]
        assert {task.verify(part, row) for part in parts} == {0.0}, row.prompt


def mutants(text: str) -> set[str]:
    """Texts one character from `text`: a digit, a sign or a bracket changed, a letter lost or doubled."""
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    lost = {text[:place] + text[place + 1 :] for place in places}
    doubled = {text[: place + 1] + text[place:] for place in places}
    return {*verdicts.changed(text), *lost, *doubled} - {text, ""}


@every_task
def test_mutants_of_the_right_answer_are_refused(task: ProceduralTask) -> None:
    for row in rows(task.name, 40):
        for mutant in mutants(row.answer):
            assert task.verify(mutant, row) == 0.0, (row.answer, mutant)


@every_task
def test_slips_are_as_many_as_needed_and_never_right(task: ProceduralTask) -> None:
    rng = random.Random(1)
    for row in task.rows("train", 100):
        slips = {task.slip(row, rng) for _ in range(10)}
        assert len(slips) >= 2, row
        assert {task.verify(slip, row) for slip in slips} == {0.0}, (row, slips)


@every_task
def test_no_answer_is_right_for_most_rows(task: ProceduralTask) -> None:
    """The best constant answer is at most a little above the chance that the card states."""
    answers = [row.answer for row in rows(task.name, 1000)]
    assert max(answers.count(answer) for answer in set(answers)) / 1000 <= max(task.chance + 0.05, 0.06)


# --- golden rows, and right answers found by other means ---

GOLDEN: dict[str, tuple[str, str]] = {
    "word_problem": (
        "Henry has 9 books. Then Henry is given 4 more. Then Henry buys 4 more. "
        'How many books does Henry have in the end? Show each step, and end with "Answer:" and the number.',
        "First Henry has 9 + 4 = 13 books. Then Henry has 13 + 4 = 17 books.\nAnswer: 17",
    ),
    "ordering": (
        "Put the numbers 7, 39, 12, 94 and 23 in order, from smallest to largest. Reply with the list only.",
        "7, 12, 23, 39, 94",
    ),
    "category_count": (
        "A picture shows 9 daisies, 8 shelves, 9 sofas and 2 tulips. "
        "How many flowers does it show? Reply with the number only.",
        "11",
    ),
    "program_output": (
        'What does this Python program print?\nword = "moon"\nprint(word * 3)',
        "moonmoonmoon",
    ),
    "expression": (
        "A function has f(9) = 3, f(3) = -3 and f(1) = -5. Write f(x) in Python. Reply with the expression only.",
        "x - 6",
    ),
    "list_edit": (
        "Take the Python list [7, 3, 1, 8]. First reverse the list, then append 4. "
        "What is the list in the end? Reply with the list only.",
        "8, 1, 3, 7, 4",
    ),
    "passage_lookup": (
        "Henry, a cook, lives in Madrid. David, a doctor, lives in Cairo. "
        "Frank lives in Oslo and works as a baker. What is the job of Henry? Reply with the job only.",
        "cook",
    ),
    "tallest": (
        "Henry is taller than Emma. Kevin is shorter than Emma. Henry is shorter than Martin. "
        "Who is the shortest? Reply with the name only.",
        "Kevin",
    ),
    "letter_count": (
        'How many times does the letter "e" occur in "engineer bitter"? '
        'Spell and count, and end with "Answer:" and the number.',
        "e1 n1 g1 i1 n1 e2 e3 r3 b3 i3 t3 t3 e4 r4\nAnswer: 4",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_first_held_out_row_is_what_it_was(name: str) -> None:
    """Rows depend on name, revision and Python's generator alone; another row is another revision."""
    row = rows(name, 1)[0]
    assert (row.prompt, get_task(name).solution(row)) == GOLDEN[name]


def test_every_line_of_working_is_true() -> None:
    for row in rows("word_problem"):
        working, answer = get_task("word_problem").solution(row).split("\nAnswer: ")
        steps = re.findall(r"([0-9]+ [-+*] [0-9]+) = ([0-9]+)", working)
        assert [eval(left) for left, _ in steps] == [int(right) for _, right in steps]
        assert answer == row.answer == steps[-1][1]
        assert all(before[1] == after[0].split()[0] for before, after in itertools.pairwise(steps))


def test_a_story_tells_of_the_numbers_of_its_working() -> None:
    for row in rows("word_problem"):
        numbers = re.findall("[0-9]+", row.prompt)
        start, steps = row.facts["start"], row.facts["steps"]
        assert numbers == [str(number) for number in (start, *(number for _, number in steps))]
        for sign, number in steps:
            verbs = {"+": "(buys|finds|gets|is given) {} more", "-": "(gives away|loses|sells|throws away) {}[.]"}
            assert re.search(verbs.get(sign, "of {}").format(number), row.prompt)
        assert int(row.answer) >= 1


def test_an_error_in_the_working_is_carried_on() -> None:
    assert worked("Ben", "eggs", 7, [("+", 5), ("-", 3)], (0, 1)) == (
        "First Ben has 7 + 5 = 13 eggs. Then Ben has 13 - 3 = 10 eggs.\nAnswer: 10"
    )
    assert worked("Ben", "eggs", 3, [("-", 2)], (0, -2)).endswith("= 0 eggs.\nAnswer: 0")  # never below nothing


def test_numbers_are_in_the_order_asked_for() -> None:
    for row in rows("ordering"):
        numbers = [int(number) for number in re.findall("[0-9]+", row.prompt)]
        assert row.answer == ", ".join(map(str, sorted(numbers, reverse="to smallest" in row.prompt)))


def test_things_are_counted_by_category() -> None:
    category = {kind: name for name, kinds in CATEGORIES.items() for kind in kinds}
    assert len(category) == sum(map(len, CATEGORIES.values()))
    for row in rows("category_count"):
        asked = row.prompt.partition("How many ")[2].partition(" does it show?")[0]
        shown = re.findall("([0-9]+) ([a-z]+)", row.prompt)
        assert sum(int(count) for count, kind in shown if category[kind] == asked) == int(row.answer)


def test_programs_print_their_gold_output() -> None:
    for row in rows("program_output", 600):
        program, output = row.prompt.partition("\n")[2], StringIO()
        with redirect_stdout(output):
            exec(program, {})
        assert output.getvalue().strip() == row.answer


def test_expressions_fit_the_pairs_shown() -> None:
    for row in rows("expression"):
        pairs = re.findall(r"f\(([0-9]+)\) = (-?[0-9]+)", row.prompt)
        assert len(pairs) == 3
        assert all(eval(row.answer, {"x": int(x)}) == int(y) for x, y in pairs)
        assert len(set(row.facts["inputs"])) == 8


def test_lists_are_edited_as_told() -> None:
    """By Python's own methods, in place."""
    edits: dict[str, Callable[[list[int], int], object]] = {
        "append": lambda values, n: values.append(n),
        "insert": lambda values, n: values.insert(0, n),
        "remove the first": lambda values, _: values.pop(0),
        "remove the last": lambda values, _: values.pop(),
        "reverse": lambda values, _: values.reverse(),
        "swap": lambda values, _: values.insert(0, values.pop(1)),
    }
    assert len(edits) == len(EDITS)
    for row in rows("list_edit"):
        start, told = re.findall(r"list \[(.*?)\]. First (.*?)\. What", row.prompt)[0]
        values = [int(value) for value in start.split(", ")]
        for edit in told.split(", then "):
            number = re.search("[0-9]", edit)
            change = next(change for begin, change in edits.items() if edit.startswith(begin))
            change(values, int(number[0]) if number else 0)
        assert row.answer == ", ".join(map(str, values)) != start


def test_facts_are_those_of_the_sentence_that_the_question_means() -> None:
    for row in rows("passage_lookup"):
        *sentences, question, _ = re.split(r"(?<=[.?]) ", row.prompt)
        assert len(sentences) == 3
        meant = [sentence for sentence in sentences if set(named(sentence)) & set(named(question))]
        assert len(meant) == 1
        assert re.search(rf"\b{row.answer}\b", meant[0])
        assert row.answer not in question


def named(sentence: str) -> list[str]:
    """Names, cities and jobs in a sentence: what is spelt with a capital but its first word, or is a job."""
    jobs = "baker|cook|dentist|doctor|driver|farmer|lawyer|nurse|painter|pilot|singer|teacher"
    return re.findall(rf"\b(?!The\b|In\b|What\b|Who\b)[A-Z][a-z]+|\b(?:{jobs})\b", sentence)


def test_one_order_of_the_people_fits_what_is_said() -> None:
    for row in rows("tallest", 100):
        said = re.findall(r"(\w+) is (taller|shorter) than (\w+)\.", row.prompt)
        above = {(a, b) if word == "taller" else (b, a) for a, word, b in said}
        people = sorted({name for pair in above for name in pair})
        fitting = [
            order
            for order in itertools.permutations(people)
            if all(order.index(taller) < order.index(shorter) for taller, shorter in above)
        ]
        assert len(people) == 4
        assert len(fitting) == 1
        assert row.answer == fitting[0][0 if "tallest?" in row.prompt else -1]


def test_letters_are_counted() -> None:
    found = rows("letter_count", 1000)
    for row in found:
        letter, words = re.findall(r'"(\w)" occur in "([a-z ]+)"', row.prompt)[0]
        assert int(row.answer) == words.count(letter)
    for number in range(1, MOST + 1):
        assert sum(row.answer == str(number) for row in found) >= 150


def test_spelling_counts_on_and_a_misjudged_letter_stays_counted() -> None:
    assert spelt("pup up", "p") == "p1 u1 p2 u2 p3\nAnswer: 3"
    assert spelt("pup up", "p", 2) == "p1 u1 p1 u1 p2\nAnswer: 2"
    assert spelt("pup up", "p", 1) == "p1 u2 p3 u3 p4\nAnswer: 4"


# --- the helpers ---


def test_lists_in_words_and_in_replies() -> None:
    assert joined(["a", "b"]) == "a and b"
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert listed([3, 5]) == "3, 5"
    assert items(" 3,5 ") == items("3, 5") == ["3", "5"]
    assert items("3, 5,") != items("3, 5")


def test_wrong_numbers_are_never_the_right_one() -> None:
    assert others(3, [3, "3", 4, 4, "5"]) == ["4", "5"]
    assert near(1, 9) == ["9", "0", "2", "3"]  # below zero is no plausible count
    assert near(-1) == ["0", "1"]  # nor is -3 for -1
