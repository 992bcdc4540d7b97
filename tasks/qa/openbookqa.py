"""OpenBookQA (Mihaylov et al., arXiv 1809.02789): elementary science that combines a fact with common knowledge.

The facts are not shown: the question is asked closed-book, as in most reports.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks._base import Draft, Split
from tasks._choice import LABELLED, STEM, ChoiceTask, labelled, of_stem
from tasks._data import Hub
from tasks._schema import Shape


class OpenBookQA(ChoiceTask):
    name: ClassVar[str] = "openbookqa"
    summary: ClassVar[str] = "Choose the right option for an elementary science question; the letter counts."
    hub: ClassVar[Hub] = Hub(
        "allenai/openbookqa",
        "388097ea7776314e93a529163e0fea805b8a6454",
        {"train": "train", "heldout": "test"},
        config="main",
    )
    licence: ClassVar[str] = "not stated with the data"
    mirror: ClassVar[Mapping[Split, tuple[str, ...]]] = {"train": ("train.jsonl",), "heldout": ("test.jsonl",)}
    schema: ClassVar[Mapping[str, Shape]] = {"question_stem": str, "choices": LABELLED, "answerKey": str}
    mirror_schema: ClassVar[Mapping[str, Shape] | None] = STEM
    sizes: ClassVar[Mapping[Split, int]] = {"train": 4957, "heldout": 500}
    note: ClassVar[str] = "Asked without the book of facts. Tested on rows written by hand in the published form."

    def raw_of_mirror(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        row = of_stem(raw)
        return {**row, "question_stem": row["stem"]}

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        return labelled(raw["question_stem"], raw["choices"], raw["answerKey"])
