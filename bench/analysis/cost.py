"""What a method costs, and what it gains for that: overhead, and training gain at equal cost in any currency.

Held-out reward is measured once, at the end. What a run had gained by the time it had spent a given amount is read
from its training rewards, which are on-policy and on fresh prompts.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal, get_args

from bench.analysis.runs import Run

Currency = Literal["prompts", "sampled_tokens", "backward_passes", "cpu_seconds"]
CURRENCIES: tuple[Currency, ...] = get_args(Currency)
CROWDED = 2.0
"""Runs of one method on one machine differed by 1.7 in CPU seconds with what else its cores did: a smaller ratio of CPU
seconds says nothing of a method."""
PART = 8
"""Rewards are averaged over the first and the last eighth of what counts."""


def amount_of(run: Run, currency: Currency) -> float | None:
    """What a run spent of a currency in all; None for CPU seconds that its record does not have.

    Wall time is no currency: it measures what else the machine did.
    """
    found = getattr(run.record.ledger, currency)
    return None if found is None else float(found)


def spent(run: Run, currency: Currency) -> list[float]:
    """What the run had spent at the end of each window of its curves; the last is the ledger's total.

    Prompts, passes and seconds are even over steps; tokens follow the shares and lengths of the tasks. Equal prompts
    are equal steps of the suite, also for a plan, whose steps may be small.
    """
    curves = run.record.curves
    lengths = [end - start for start, end in pairwise([0, *curves.steps])]
    if currency == "sampled_tokens":
        replies = zip(curves.task_share, curves.reply_length, strict=True)
        tokens = [sum(s * (length or 0.0) for s, length in zip(*each, strict=True)) for each in replies]
        parts = [steps * count for steps, count in zip(lengths, tokens, strict=True)]
    else:
        parts = [float(steps) for steps in lengths]

    total = amount_of(run, currency) or 0.0
    whole = sum(parts)

    sums = []
    running = 0.0
    for part in parts:
        running += part
        sums.append(total * running / whole if whole else 0.0)

    return sums


def training_gain(run: Run, currency: Currency = "prompts", limit: float = math.inf) -> float | None:
    """Mean over tasks of the training reward gained by the time `limit` was spent; None without any reward.

    A task's gain is its mean reward in the last eighth of the windows that count, minus that in the first; a run that
    is not done counts 0.
    """
    if not run.done:
        return 0.0

    within = [index for index, cost in enumerate(spent(run, currency)) if cost <= limit * (1 + 1e-9)]
    rewards = [run.record.curves.reward[index] for index in within]
    columns = [[value for value in column if value is not None] for column in zip(*rewards, strict=True)]
    scored = [columns[task] for task in run.scored] if columns else []
    gains = [_mean(known[-_part(known) :]) - _mean(known[: _part(known)]) for known in scored if known]

    return _mean(gains) if gains and len(gains) == len(run.scored) else None


def gain_at_equal_cost(runs: Sequence[Run], reference: Sequence[Run], currency: Currency) -> list[float]:
    """Training gain of each run by the time it spent what the reference's run of its seed spent in all."""
    limits = {run.record.seed: amount_of(run, currency) for run in reference if run.done}
    pairs = [(run, limit) for run in runs if (limit := limits.get(run.record.seed)) is not None]
    pairs = [(run, limit) for run, limit in pairs if amount_of(run, currency) is not None]
    paired = [training_gain(run, currency, limit) for run, limit in pairs]
    return [gain for gain in paired if gain is not None]


def overhead(runs: Iterable[Run], reference: Iterable[Run], currency: Currency) -> float | None:
    """Cost relative to the reference's run of the same seed, geometric mean over seeds; None without a pair.

    CPU seconds are compared only on the same hardware and threads.
    """
    peers = {_key(run, currency): run for run in reference if run.done}
    pairs = [(run, peers[_key(run, currency)]) for run in runs if run.done and _key(run, currency) in peers]
    costs = [[amount_of(each, currency) for each in pair] for pair in pairs]
    logs = [math.log(own / other) for own, other in costs if own and other]
    return math.exp(_mean(logs)) if logs else None


def telling(overheads: Mapping[Currency, float | None]) -> dict[Currency, float]:
    """The ratios that sentences and choices rest on: those that are known, and of CPU seconds only a large one."""
    known = {currency: cost for currency, cost in overheads.items() if cost is not None}
    seconds = known.get("cpu_seconds", CROWDED)
    if 1 / CROWDED < seconds < CROWDED:
        known.pop("cpu_seconds", None)
    return known


def peak_memory(runs: Iterable[Run]) -> int:
    """Largest peak memory of the runs, bytes."""
    return max((run.record.ledger.peak_memory_bytes for run in runs), default=0)


def _key(run: Run, currency: Currency) -> tuple[object, ...]:
    made = run.record.provenance
    return (run.record.seed, *((made.hardware, made.threads) if currency == "cpu_seconds" else ()))


def _part(values: Sequence[float]) -> int:
    return max(1, len(values) // PART)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
