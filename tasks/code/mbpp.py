"""MBPP (Austin et al. 2021, arXiv 2108.07732): short Python functions from a sentence, with three assertions each.

The first assertion is shown, as it tells names and types; the others stay hidden, so that a program cannot list
their answers. All of them run in a process of their own (docs/sandbox.md).
"""

from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub, Row, Split
from tasks._jail.programs import asks, passes
from tasks.code._program import ASK, ProgramTask, program_of, unix

PROMPT = "{text}\n\nYour code must pass tests such as this one:\n\n{shown}\n\n" + ASK
SIDES: Mapping[Split, range] = {"train": range(601, 975), "heldout": range(11, 511)}
"""Task ids as published; 1 to 10 are examples for prompts, 511 to 600 are for validation."""


class MBPP(ProgramTask):
    name = "mbpp"
    summary = "Write a Python function from a sentence; it must pass three assertions, one shown."
    max_reply_tokens = 512
    hub = Hub(
        "google-research-datasets/mbpp",
        "4bb6404fdc6cacfda99d4ac4205087b89d32030c",
        {"train": "train", "heldout": "test"},
        config="full",
    )
    licence = "CC-BY-4.0"
    mirror = {"train": ("mbpp.jsonl",), "heldout": ("mbpp.jsonl",)}
    schema = {
        "task_id": int,
        "text": str,
        "code": str,
        "test_list": [str],
        "test_setup_code": str,
    }
    sizes = {"train": 374, "heldout": 500}
    note = (
        "Splits are the published ones by task id. The usual prompt shows all three assertions; this one shows the "
        "first, so scores are not those of papers: lm-eval's own `mbpp` is."
    )

    def draft(self, raw: Mapping[str, Any]) -> Draft | None:
        tests = [unix(test).strip() for test in raw["test_list"]]
        if not tests:
            return None

        setup = unix(raw["test_setup_code"]).strip()
        whole = "\n".join([setup, *tests])
        shown = f"{setup}\n{tests[0]}".strip()

        code = unix(raw["code"])
        prompt = PROMPT.format(text=raw["text"].strip(), shown=shown)
        return Draft(prompt, code, {"tests": whole, "code": code})

    def side(self, raw: Mapping[str, Any], prompt: str) -> Split | None:
        return next((split for split in SIDES if raw["task_id"] in SIDES[split]), None)

    def verify(self, reply: str, row: Row) -> float:
        tests = str(row.facts["tests"])
        names = asks(tests)[0]
        program = program_of(reply, names)
        if not any(name in program for name in names):
            return 0.0  # it cannot define what is asked for: nothing to run
        return float(passes(program, tests))
