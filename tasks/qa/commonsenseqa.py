"""CommonsenseQA (Talmor et al., arXiv 1811.00937): everyday knowledge, five options of which several are plausible."""

from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub
from tasks._choice import LABELLED, STEM, ChoiceTask, labelled, of_stem


class CommonsenseQA(ChoiceTask):
    name = "commonsenseqa"
    summary = "Choose the most plausible of five options for an everyday question; the letter counts."
    chance = 1 / 5
    hub = Hub(
        "tau/commonsense_qa", "94630fe30dad47192a8546eb75f094926d47e155", {"train": "train", "heldout": "validation"}
    )
    licence = "MIT"
    mirror = {
        "train": ("train_rand_split.jsonl",),
        "heldout": ("dev_rand_split.jsonl",),
    }
    schema = {"question": str, "choices": LABELLED, "answerKey": str}
    mirror_schema = STEM
    sizes = {"train": 9741, "heldout": 1221}
    balance = {"A": 0.1957, "B": 0.2088, "C": 0.1974, "D": 0.2056, "E": 0.1925}
    note = "Held out are the published validation rows: the test rows have no public answers."

    def raw_of_mirror(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        row = of_stem(raw)
        return {**row, "question": row["stem"]}

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        return labelled(raw["question"], raw["choices"], raw["answerKey"])
