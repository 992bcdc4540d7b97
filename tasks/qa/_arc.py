"""What both halves of ARC share (Clark et al., arXiv 1803.05457): schema, and the form in which copies circulate.

The published files are those of LLM-Adapters, which keep question and options in one instruction.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from tasks import Draft, OffSchema, Shape
from tasks._choice import LABELLED, ChoiceTask, labelled

COMMIT = "210d026faf9955653af8916fad021475a3f00453"
FORM = re.compile(
    r"Please choose the correct answer to the question: (.*)\n\n(Answer1: .*)\n\nAnswer format: [^\n]*", re.DOTALL
)


class Arc(ChoiceTask):
    """Grade-school science with three to five options."""

    summary = "Choose the right option for a grade-school science question; the letter counts."
    licence = "CC-BY-SA-4.0"
    note = "Fewer than 1 % of the questions have three or five options; chance is that of four."
    mirror = {"train": ("train.json",), "heldout": ("test.json",)}
    schema = {"question": str, "choices": LABELLED, "answerKey": str}
    mirror_schema: ClassVar[Mapping[str, Shape] | None] = {"instruction": str, "answer": str}

    def raw_of_mirror(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        form = FORM.fullmatch(raw["instruction"])
        if form is None:
            raise OffSchema("instruction", "a question, a line of options 'Answer1: ...', a format", raw["instruction"])
        question, options = form.groups()
        parts = re.split(r"\s*Answer([1-9]): ", options)  # an empty text, then labels and texts in turn
        choices = {"label": parts[1::2], "text": parts[2::2]}
        return {"question": question, "choices": choices, "answerKey": raw["answer"].removeprefix("answer")}

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        return labelled(raw["question"], raw["choices"], raw["answerKey"])
