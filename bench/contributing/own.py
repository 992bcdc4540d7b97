"""What `bench new task` and `bench new suite` write: a task, rows, or a mixture of one's own that works as it is."""

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path

from bench.errors import UserError
from bench.request.own import NAME, SUITE_NAME, WORDS, is_task_file, task_file
from bench.request.suite import suite_names
from methods._registry import cards
from tasks import Task
from tasks._own import own_task
from tasks._registry import all_tasks

KINDS = ("python", *WORDS, "function")
"""What a new task may be: a task of Python, or JSON lines with this verifier."""

TASK = '''"""TODO say what the model is asked, in one line."""

import random

from tasks import Draft, ProceduralTask, Row


class {title}(ProceduralTask):
    name = "{name}"  # as the file is called
    domain = "math"  # math, code or qa
    revision = 1  # raise it when rows or verdicts change
    summary = "TODO say in a sentence what is asked and how a reply is checked."
    chance = 0.002  # of a guess of the right form
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        """A fresh question; all chance comes from `rng`."""
        a, b = rng.randint(100, 499), rng.randint(10, 99)
        return Draft(f"{{a}}+{{b}}=", str(a + b))

    def verify(self, reply: str, row: Row) -> float:
        """1.0 if the reply is right, else 0.0. A reply may hold anything; this must return."""
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        """A plausible wrong reply, which is worth 0.0."""
        return str(int(row.answer) + rng.choice((-10, -1, 1, 10)))
'''

FUNCTION = '''"""The verifier of {name}.jsonl."""

from tasks import Row


def verify(reply: str, row: Row) -> float:
    """1.0 if the reply is right, else 0.0. `row` has prompt, answer and, in facts, whatever else its line has."""
    return float(reply.strip().casefold() == row.answer.casefold())
'''

SUITE = """# A mixture of your own. `bench suites {name}.yaml` shows every field; docs/own-mixture.md explains them.
# Tasks: names of the project's (`bench tasks`), task.py, or rows.jsonl. Relative paths start from this file's folder.
tasks: [{tasks}]
model: nano2 # embedded here; or a folder, or the id of a model hub such as Qwen/Qwen2.5-0.5B-Instruct
regime: grpo # or sft, which imitates the tasks' own solutions
seeds: [0, 1, 2] # what `seed=all` runs; every method meets the same
recipe:
  steps: 20
  prompts_per_task: 4
  rollouts_per_prompt: 8
  learning_rate: 4.0e-4 # of nano2; a real model wants about 1e-5, or 1e-4 with adapters
  max_reply_tokens: 32
  train_rows: 1024 # of each task; all there are where a file has fewer
evaluation:
  items: 200 # held-out items of each task; fewer where a task has fewer
"""


def write_task(name: str, kind: str = "python", folder: Path = Path()) -> list[Path]:
    """Write a task that works as it is, kind: one of KINDS. UserError, and nothing is written, for a bad name."""
    if not NAME.fullmatch(name) or (kind == "python" and not name.isidentifier()):
        near = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_0123456789").lower()
        hint = f" {near!r} would do." if near else ""
        raise UserError(f"{name!r} cannot name a task: letters, digits and underscores, a letter first.{hint}")
    if name in all_tasks():
        raise UserError(f"{name} is a task of the project; choose another name. `bench tasks` lists all.")

    if kind == "python":
        title = "".join(word.capitalize() for word in name.split("_"))
        return _written({folder / f"{name}.py": TASK.format(name=name, title=title)})

    files = {folder / f"{name}.jsonl": _rows(kind, name)}
    if kind == "function":
        files[folder / f"{name}_verifier.py"] = FUNCTION.format(name=name)
    return _written(files)


def write_suite(name: str, tasks: str = "addition,lookup", folder: Path = Path()) -> list[Path]:
    """Write a mixture; tasks: names and files between commas. UserError, and nothing is written, for a bad name."""
    if not SUITE_NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot name a suite: letters, digits, `_`, `-` and `.`, a letter first.")
    if name in suite_names():
        raise UserError(f"{name} is a suite of the project; choose another name. `bench suites` lists all.")
    for task in tasks.split(","):
        if not is_task_file(task) and task not in all_tasks():
            raise UserError(
                f"tasks={task} is neither a task of the project nor a file; `bench tasks` lists the former."
            )
    return _written({folder / f"{name}.yaml": SUITE.format(name=name, tasks=", ".join(tasks.split(",")))})


def task_meant(spec: str) -> Task | None:
    """The task that a word means: a file with one, or a name that no method has; None if it is a method's.

    UserError for a file that is no task of JSON lines.
    """
    if is_task_file(spec) and not (spec.endswith(".py") and not _holds_task(Path(spec).expanduser())):
        name, file = task_file(spec)
        if name in all_tasks():
            raise UserError(f"{spec}: {name} is a task of the project. Give the file another name.")
        return own_task(name, Path(file.path), file.verifier)
    return all_tasks().get(spec) if spec not in cards() else None


def _holds_task(path: Path) -> bool:
    """Whether a file of Python imports the tasks' contract, and not that of methods."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.ImportFrom) and node.module == "tasks" for node in ast.walk(tree))


def _rows(kind: str, name: str) -> str:
    """Two hundred lines to replace."""
    verifier = f"{name}_verifier.py:verify" if kind == "function" else kind
    lines = [json.dumps({**_row(kind, number), "verifier": verifier}) for number in range(200)]
    return "\n".join(lines) + "\n"


def _row(kind: str, number: int) -> dict[str, object]:
    a, b = 100 + 2 * number, 10 + number % 90
    if kind == "python-tests":
        prompt = f"Write a Python function f(x) that returns {a} * x + {b}. Reply with it in one ```python block."
        solution = f"```python\ndef f(x):\n    return {a} * x + {b}\n```"
        return {
            "prompt": prompt,
            "answer": [f"assert f(0) == {b}", f"assert f(2) == {2 * a + b}"],
            "solution": solution,
        }

    if kind == "choice":
        options = [str(a + b + shift) for shift in (0, 1, 2, 3)]
        right = number % 4
        options[0], options[right] = options[right], options[0]
        lettered = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True))
        prompt = f'What is {a} + {b}?\n{lettered}\n\nEnd with "Answer: " and the letter of the right option.'
        return {"prompt": prompt, "answer": "ABCD"[right], "options": options}

    prompt = f"Put {a} + {b} in \\boxed{{}}." if kind == "formula" else f"{a}+{b}="
    return {"prompt": prompt, "answer": str(a + b)}


def _written(files: Mapping[Path, str]) -> list[Path]:
    for path in files:
        if path.exists():
            raise UserError(f"{path} is there already; edit it, or choose another name.")

    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}. Say --dir DIR with a folder you may write to."
        ) from None
    return list(files)
