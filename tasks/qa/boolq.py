"""BoolQ (Clark et al., arXiv 1905.10044): a passage and a yes/no question that someone asked a search engine."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks import Draft, Hub, Row
from tasks._choice import AnswerTask, copied, final_answer

PROMPT = 'Passage: {passage}\n\nQuestion: {question}?\n\nReason if you like, and end with "Answer: " and yes or no.'
ANSWERS = ("yes", "no")


class BoolQ(AnswerTask):
    name = "boolq"
    summary = "Answer a question from a passage; yes or no counts."
    chance = 1 / 2
    hub = Hub("google/boolq", "35b264d03638db9f4ce671b711558bf7ff0f80d5", {"train": "train", "heldout": "validation"})
    licence = "CC-BY-SA-3.0"
    mirror = {"train": ("train.jsonl",), "heldout": ("dev.jsonl",)}
    other_mirror = {"train": ("boolq.jsonl",), "heldout": ("boolq.jsonl",)}
    schema = {"question": str, "answer": bool, "passage": str}
    sizes = {"train": 9427, "heldout": 3270}
    balance = {"no": 0.3783, "yes": 0.6217}
    note = (
        "Always saying yes scores 0.62 on the published validation rows, which are held out. A single file "
        "boolq.jsonl is split by the prompt's hash; the copy of 2,474 rows that circulates is balanced and taken "
        "from those validation rows, so a model trained on it must not be scored on them."
    )

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        prompt = PROMPT.format(passage=raw["passage"], question=raw["question"].rstrip("? "))
        return Draft(prompt, ANSWERS[0] if raw["answer"] else ANSWERS[1])

    def answers(self, row: Row) -> Sequence[str]:
        return ANSWERS

    def verify(self, reply: str, row: Row) -> float:
        return float(final_answer(reply).lower() == row.answer and not copied(reply, row.prompt))
