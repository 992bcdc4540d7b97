"""R4: whether the size of the advantages explains the size of the gradients."""

from collections.abc import Sequence

from bench.analysis.figures import Report
from bench.analysis.reports._relation import Relation
from bench.analysis.reports._sample import Sample, absent
from bench.analysis.runs import Run
from bench.analysis.text import sentences

KEY, TITLE = "R4", "Advantage against gradient norm"
QUESTION = "Do advantages explain which gradients are large?"


def advantages(runs: Sequence[Run]) -> Report:
    """Mean |advantage| against the squared norm under `uniform`, within tasks and between them."""
    sample = Sample.of(runs)
    if not sample.runs:
        return absent(KEY, TITLE, QUESTION, sample.why_empty)

    relation = Relation.of(sample, "mean_abs_advantage", "the mean |advantage|")
    finding = sentences(f"Under {sample.label} ({sample.seeds}):", relation.sentence(), _verdict(relation), sample.note)
    figure = relation.figure("advantage-norm", "mean |advantage|")

    return Report(KEY, TITLE, QUESTION, finding, (figure,), (relation.table(),), sample.paths)


def _verdict(relation: Relation) -> str:
    inside, among = relation.within_sign, relation.between_sign
    if inside > 0 and among > 0:
        return "So advantages explain both when a task is loud and which task is."
    if inside > 0 and among < 0:
        return "So advantages tell when a task is loud, but the tasks with larger ones are the quieter."
    if inside > 0:
        return "So advantages tell when a task is loud; nothing shows that they tell which task is."
    if among > 0:
        return "So advantages tell which task is loud; nothing shows that they tell when."

    return "So advantages are not seen to explain the imbalance."
