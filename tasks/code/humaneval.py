"""HumanEval (Chen et al. 2021, arXiv 2107.03374): complete a Python function; evaluation only.

A reply is a whole program, which follows the prompt's code, or the rest of the function's body, indented as it
would stand there. What the prompt's code defines beside the function runs with the tests, out of the program's reach.
"""

from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub, Row
from tasks._jail.programs import passes
from tasks.code._program import ASK, ProgramTask, program_of, unix

PROMPT = "Complete this Python function.\n\n```python\n{code}\n```\n\n" + ASK


class HumanEval(ProgramTask):
    name = "humaneval"
    summary = "Complete a Python function from its docstring; it must pass hidden tests."
    max_reply_tokens = 768
    hub = Hub(
        "openai/openai_humaneval",
        "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544",
        {"heldout": "test"},
        config="openai_humaneval",
    )
    licence = "MIT"
    mirror = {"heldout": ("HumanEval.jsonl",)}
    schema = {
        "task_id": str,
        "prompt": str,
        "canonical_solution": str,
        "test": str,
        "entry_point": str,
    }
    sizes = {"heldout": 164}
    note = "For evaluation only. lm-eval's own `humaneval` asks for a bare completion instead."

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        start, entry = unix(raw["prompt"]), raw["entry_point"]
        code = start + unix(raw["canonical_solution"])
        tests = f"{unix(raw['test'])}\ncheck({entry})\n"
        facts = {"start": start, "entry": entry, "tests": tests, "code": code}
        return Draft(PROMPT.format(code=start.strip()), code, facts)

    def verify(self, reply: str, row: Row) -> float:
        start, entry = str(row.facts["start"]), str(row.facts["entry"])
        program = continued(start, program_of(reply, (entry,)), entry)
        if not program:
            return 0.0
        return float(passes(program, str(row.facts["tests"]), given=start, names=(entry,)))


def continued(start: str, rest: str, entry: str) -> str:
    """The prompt's code and what was written after it, or '' if that neither defines nor continues the function."""
    if f"def {entry}(" in rest:
        return f"{start}\n\n{rest}"
    first = next((line for line in rest.split("\n") if line.strip()), "")
    return start + rest if first[:1] in {" ", "\t"} else ""
