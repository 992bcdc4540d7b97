"""MMLU (Hendrycks et al., arXiv 2009.03300): exam questions from 57 subjects, four options."""

from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub, OffSchema
from tasks._choice import ChoiceTask, choice

OPTIONS = 4


class Mmlu(ChoiceTask):
    name = "mmlu"
    summary = "Choose the right one of four options for an exam question; the letter counts."
    hub = Hub(
        "cais/mmlu",
        "c30699e8356da336a370243923dbaf21066bb9fe",
        {"train": "auxiliary_train", "heldout": "test"},
        config="all",
    )
    licence = "MIT"
    mirror = {
        "train": ("dev/*_dev.csv", "val/*_val.csv"),
        "heldout": ("test/*_test.csv",),
    }
    columns = ("question", *"ABCD", "answer")
    schema = {"question": str, "choices": [str], "answer": int}
    mirror_schema = {"answer": frozenset("ABCD")}
    sizes = {"train": 99_842, "heldout": 14_042}
    balance = {"A": 0.2295, "B": 0.2465, "C": 0.2551, "D": 0.2689}
    note = (
        "The published training rows (auxiliary_train) are other exams. Files of the original release have none: from "
        "data_root, the 1,816 rows of dev and val train, and test is held out. The two give different data hashes."
    )

    def raw_of_mirror(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        choices = [raw[letter] for letter in "ABCD"]
        return {"question": raw["question"], "choices": choices, "answer": "ABCD".index(raw["answer"])}

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        if len(raw["choices"]) != OPTIONS or not 0 <= raw["answer"] < OPTIONS:
            raise OffSchema("choices", f"{OPTIONS} options, and `answer` the place of one", raw["choices"])
        return choice(raw["question"], raw["choices"], raw["answer"])
