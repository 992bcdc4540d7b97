"""Which method to use for what: the answer of one suite to each need of somebody who has a mixture to train.

A need is answered by suites of one kind and by one rule. Where no method can be distinguished from the reference, the
answer is the reference: it costs nothing to use. `reports/` says why a method gains; this module says only which, and
how sure.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.analysis.cost import Currency, telling
from bench.analysis.metrics import reward_area
from bench.analysis.names import readable
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.significance import ALPHA, BySeed, adjusted
from bench.analysis.statistics import Interval, paired_differences, t_interval

Rule = Literal["mean", "worst", "speed", "cost"]
PLAIN = ""
"""The kind of a suite in which nothing is broken."""
KINDS = ("noise", "dead", "units", "conflict", "many", "quiet", "lora", "sft")
"""The other kinds, by the word that their suites' names have after the size of the model."""
MERGING = ("pcb_merging", "task_arithmetic", "ties", "tsv_merge")
"""Plans that train specialists and merge their weights."""


@dataclass(frozen=True, slots=True)
class Need:
    """What somebody asks for. suite: the one whose runs would answer it, where no other has any."""

    key: str
    text: str
    kind: str
    rule: Rule
    suite: str
    methods: Sequence[str] = ()
    """Only these may answer; empty: any that trains one model."""


NEEDS = (
    Need("mean", "The best mean over tasks", PLAIN, "mean", "nano-v2"),
    Need("worst", "The safest worst task", PLAIN, "worst", "nano-v2"),
    Need("speed", "The fastest learning: training reward over the run", PLAIN, "speed", "nano-v2"),
    Need("cost", "Better at the least cost", PLAIN, "cost", "nano-v2"),
    Need("noise", "Some rewards are noise", "noise", "mean", "nano-noise-v1"),
    Need("dead", "Some tasks cannot be learned", "dead", "mean", "nano-dead-v1"),
    Need("units", "One task counts in other units", "units", "mean", "nano-units-v1"),
    Need("conflict", "Tasks contradict each other", "conflict", "worst", "nano-conflict-v1"),
    Need("many", "Many tasks of unequal size", "many", "mean", "nano-many-v1"),
    Need("quiet", "Some tasks are quiet for a reason", "quiet", "mean", "nano-quiet-v1"),
    Need("lora", "Only small adapters are trained", "lora", "mean", "nano-lora-v1"),
    Need("sft", "Training by imitation, SFT", "sft", "mean", "nano-sft-v2"),
    Need("merge", "Specialists are merged", PLAIN, "mean", "nano-v2", MERGING),
)


@dataclass(frozen=True, slots=True)
class Rival:
    """The row with the largest difference where none can be distinguished from the reference."""

    label: str
    difference: Interval
    p: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The row that answers a need on one suite, without its runs, so that a suite's records can go."""

    suite: str
    protocol: int
    model: str
    parameters: int
    seeds: int
    """Seeds of the chosen row."""
    label: str
    name: str
    """As people read it."""
    score: Interval
    """What it was chosen by: mean gain, the gain of a run's worst task, or mean training reward over the run."""
    difference: Interval | None
    """The same minus the reference's, paired by seed; None for the reference."""
    p: float | None
    """Of the difference, corrected for the methods that could have been chosen; None for the reference."""
    costs: Mapping[Currency, float]
    """Relative to the reference's, as far as they say something."""
    rival: Rival | None
    """None where a row is better than the reference."""
    measure: str
    """What `alike` compares."""
    alike: Sequence[str]
    """Methods whose measure cannot be distinguished from its own, after correction."""
    compared: int
    """How many methods could have been chosen, beside the reference."""


def kind_of(suite: str) -> str:
    """The kind of a suite by its name, one of KINDS or PLAIN: `nano-noise-v1` is of the kind `noise`."""
    words = re.sub(r"-v\d+.*$", "", suite).split("-")[1:]
    return next((word for word in words if word in KINDS), PLAIN)


def choices(board: Board) -> dict[str, Choice]:
    """The answers of a suite to the needs of its kind, by key; needs without a method that could answer are missing."""
    kind = kind_of(board.name)
    found = {need.key: choice(board, need) for need in NEEDS if need.kind == kind}
    return {key: each for key, each in found.items() if each}


def choice(board: Board, need: Need) -> Choice | None:
    """The answer of a suite; None where no complete row beside the reference could answer, or there is no reference.

    Of the rows that are better than the reference, corrected for all that could answer, the one with the largest mean
    difference, or with the least cost; the reference where there is none.
    """
    reference = board.row(REFERENCE)
    rows = [row for row in board.rows if _may_answer(row, need)]
    if reference is None or not rows:
        return None

    scores = {row.label: _by_seed(row, need.rule) for row in [reference, *rows]}
    gaps = {row.label: paired_differences(scores[row.label], scores[REFERENCE]) for row in rows}
    found = {label: t_interval(gap.values()) for label, gap in gaps.items()}
    own = need.rule in ("worst", "speed") or bool(need.methods)
    p = adjusted(gaps) if own else {row.label: 1.0 if row.p is None else row.p for row in rows}

    better = [row for row in rows if p[row.label] <= ALPHA and found[row.label].mean > 0]
    largest = max(better or rows, key=lambda row: (found[row.label].mean, row.label))
    if not better:
        rival = Rival(largest.label, found[largest.label], p[largest.label])
        return _chosen(board, reference, scores, rows, need.rule, rival=rival)

    if need.rule == "cost":
        largest = min(better, key=lambda row: (price(row), -found[row.label].mean, row.label))
    label = largest.label
    return _chosen(board, largest, scores, rows, need.rule, difference=found[label], p=p[label])


def price(row: Row) -> float:
    """The largest of a row's known costs relative to the reference, to two decimals; infinite if none is known."""
    known = telling(row.overheads).values()
    return round(max(known), 2) if known else math.inf


def _may_answer(row: Row, need: Need) -> bool:
    """Complete rows that end with one model; weights fixed for this suite's tasks say nothing for other mixtures."""
    if row.static or row.specialists or row.missing or row.difference is None:
        return False
    if need.rule == "speed" and row.area_difference is None:
        return False
    return not need.methods or row.runs[0].record.method.name in need.methods


def _by_seed(row: Row, rule: Rule) -> dict[int, float]:
    if rule == "speed":
        return {run.record.seed: area for run in row.runs if (area := reward_area(run)) is not None}
    return {run.record.seed: min(run.counted) if rule == "worst" else run.mean for run in row.runs}


def _chosen(
    board: Board,
    row: Row,
    scores: Mapping[str, BySeed],
    rows: Sequence[Row],
    rule: Rule,
    *,
    difference: Interval | None = None,
    p: float | None = None,
    rival: Rival | None = None,
) -> Choice:
    record = row.runs[0].record
    others = [each.label for each in rows if each.label != row.label]
    if rule == "speed":
        p_pairs = adjusted({label: paired_differences(scores[row.label], scores[label]) for label in others})
        alike = [label for label in others if p_pairs[label] > ALPHA]
    else:
        alike = [label for label in others if not board.differ(row.label, label)]

    return Choice(
        suite=board.name,
        protocol=record.protocol,
        model=record.model.name,
        parameters=record.model.parameters,
        seeds=len(row.runs),
        label=row.label,
        name=readable(row.runs[0]),
        score=t_interval(scores[row.label].values()),
        difference=difference,
        p=p,
        costs=telling(row.overheads),
        rival=rival,
        measure="mean training reward" if rule == "speed" else "mean gain",
        alike=alike,
        compared=len({each.method for each in rows}),
    )
