"""OpenBookQA (Mihaylov et al., arXiv 1809.02789): elementary science that combines a fact with common knowledge.

The facts are not shown: the question is asked closed-book, as in most reports.
"""

from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub
from tasks._choice import LABELLED, STEM, ChoiceTask, labelled, of_stem


class OpenBookQA(ChoiceTask):
    name = "openbookqa"
    summary = "Choose the right option for an elementary science question; the letter counts."
    hub = Hub(
        "allenai/openbookqa",
        "388097ea7776314e93a529163e0fea805b8a6454",
        {"train": "train", "heldout": "test"},
        config="main",
    )
    licence = "not stated with the data"
    mirror = {"train": ("train.jsonl",), "heldout": ("test.jsonl",)}
    schema = {"question_stem": str, "choices": LABELLED, "answerKey": str}
    mirror_schema = STEM
    sizes = {"train": 4957, "heldout": 500}
    note = "Asked without the book of facts. Tested on rows written by hand in the published form."

    def raw_of_mirror(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        row = of_stem(raw)
        return {**row, "question_stem": row["stem"]}

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        return labelled(raw["question_stem"], raw["choices"], raw["answerKey"])
