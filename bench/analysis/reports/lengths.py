"""R5: whether the lengths of prompts and replies explain the size of the gradients."""

from collections.abc import Sequence
from typing import Final

from bench.analysis.figures import Figure, Report
from bench.analysis.reports._relation import Relation
from bench.analysis.reports._sample import (
    FINE,
    Sample,
    absent,
    centres,
    known,
    mean,
    means,
    over_seeds,
    windows_of,
)
from bench.analysis.runs import Run
from bench.analysis.text import amount, capital, percent, sentences

KEY, TITLE = "R5", "Lengths of prompts and replies"
QUESTION = "Do long or short texts explain which gradients are large?"

STEADY: Final = 0.05
"""A smaller relative change of a length is none."""


def lengths(runs: Sequence[Run]) -> Report:
    """Length curves under `uniform`, and their rank correlation with the squared norm."""
    sample = Sample.of(runs)
    if not sample.runs:
        return absent(KEY, TITLE, QUESTION, sample.why_empty)

    relations = [
        Relation.of(sample, "reply_length", "the reply length"),
        Relation.of(sample, "prompt_length", "the prompt length"),
    ]
    figures = (_curves(sample, "reply_length", "reply"), _curves(sample, "prompt_length", "prompt"))
    parts = [f"Under {sample.label} ({sample.seeds}):", relations[0].sentence(), capital(relations[1].sentence())]
    finding = sentences(*parts, _verdict(relations[0]), sample.note)
    tables = tuple(relation.table() for relation in relations)

    return Report(KEY, TITLE, QUESTION, finding, figures, tables, sample.paths)


def _verdict(replies: Relation) -> str:
    """What the loudest task's replies are like, as a fact and not as a cause."""
    length, norm = (known(mean(values, (0, 1))) for values in (replies.signal, replies.norm))
    pairs = [(n, x) for n, x in zip(norm, length, strict=True) if n is not None and x is not None]
    if len(pairs) < 2:
        return ""

    (_, loud), (_, quiet) = max(pairs), min(pairs)
    way = "shorter than" if loud < quiet else "longer than" if loud > quiet else "as long as"
    return f"The loudest task's replies ({amount(loud)} tokens) are {way} the quietest's ({amount(quiet)})."


def _curves(sample: Sample, curve: str, noun: str) -> Figure:
    windows = windows_of(sample, FINE)
    values = means(sample, curve, windows)
    x = centres(sample, windows)
    return Figure(
        key=f"{noun}-length",
        kind="lines",
        title=f"Mean {noun} length of each task",
        description=f"Tokens under {sample.label}, mean over {sample.seeds} with 95 % intervals over seeds.",
        x_label="step",
        y_label=f"{noun} tokens",
        series=tuple(over_seeds(name, x, values[:, :, task]) for task, name in enumerate(sample.tasks)),
        reading=_reading(sample, [known(column) for column in mean(values).T], noun),
    )


def _reading(sample: Sample, curves: Sequence[Sequence[float | None]], noun: str) -> str:
    """The task whose length changed most in proportion, from the first to the last known window."""
    ends = []
    for name, curve in zip(sample.tasks, curves, strict=True):
        told = [value for value in curve if value]
        if told:
            ends.append((abs(told[-1] / told[0] - 1), name, told[0], told[-1]))

    if not ends:
        return f"No {noun} length is known."

    change, name, first, last = max(ends)
    if change < STEADY:
        return f"No task's mean {noun} length changed by more than {percent(change)} from the first window to the last."

    return f"In proportion, {name}'s mean {noun} length changed most, from {amount(first)} to {amount(last)} tokens."
