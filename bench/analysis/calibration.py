"""Can a suite tell methods apart? Evidence from its records: `python -m bench.analysis.calibration SUITE`.

Reads results/<suite> (uniform, and static with one task's weight raised) and docs/calibration (single-task
specialists: the suite with one task left). Prints Markdown; docs/nano.md quotes it.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.analysis.imbalance import norm_ratio, pooled_norms, squared_norms
from bench.analysis.statistics import Interval, paired_difference, t_interval
from bench.records.schema import Record
from bench.records.store import read, record_files

ROOT = Path(__file__).resolve().parents[2]
RESULTS, SPECIALISTS = ROOT / "results", ROOT / "docs" / "calibration"


def report(suite: str) -> Iterator[str]:
    """The calibration tables of a suite, line by line."""
    records = [read(path) for path in record_files(RESULTS / suite)]
    uniform = [record for record in records if record.method.name == "uniform"]
    single = [read(path) for path in record_files(SPECIALISTS)]
    specialists = [r for r in single if r.suite.name.startswith(f"{suite}~") and len(r.tasks) == 1]
    yield from task_table(uniform, specialists)
    yield from static_table(records)
    yield from cost_lines(uniform)


def task_table(uniform: Sequence[Record], specialists: Sequence[Record]) -> Iterator[str]:
    """Per task: specialist's gain, uniform's before, after and gain, squared norm, length, |advantage|."""
    yield f"Uniform, {len(uniform)} seeds; specialists, each task alone for its own share of the prompts.\n"
    yield "| task | reply tokens | specialist gain (min) | before | after | gain | squared norm | mean abs. advantage |"
    yield "|---|---|---|---|---|---|---|---|"

    norms = pooled_norms([squared_norms(record.curves) for record in uniform])
    for index, task in enumerate(uniform[0].tasks):
        alone = [record.tasks[0].gain for record in specialists if record.tasks[0].name == task.name]
        after = [record.tasks[index].after for record in uniform]
        ends = [score.mean for score in after if score]
        lengths, advantage = (_mean_curve(uniform, name, index) for name in ("reply_length", "mean_abs_advantage"))
        yield (
            f"| {task.name} | {lengths:.1f} | {_mean(alone):+.3f} ({min(alone, default=0):+.3f}, n={len(alone)}) "
            f"| {task.before.mean:.3f} | {_mean(ends):.3f} | {_mean([r.tasks[index].gain for r in uniform]):+.3f} "
            f"| {norms[index]:.4g} | {advantage:.3f} |"
        )

    ratio = norm_ratio(norms)
    yield f"\nLoudest to quietest, ratio of mean unbiased squared norms: {ratio:.1f}." if ratio else "\nNo ratio."


def static_table(records: Sequence[Record]) -> Iterator[str]:
    """How much more a task gains when static weights favour it than when they favour another."""
    favoured = {index: runs for index in range(len(records[0].tasks)) if (runs := _favouring(records, index))}
    names = [records[0].tasks[index].name for index in favoured]
    yield "\nGain of a task at weight 20 on it, minus its gain at weight 20 on another; 95 %, paired by seed.\n"
    yield f"| gain of | at 20:1 | {' | '.join(f'against {name}' for name in names)} |"
    yield f"|---|---|{'---|' * len(names)}"

    for index, runs in favoured.items():
        changes = [_difference(runs, against, index) if against is not runs else None for against in favoured.values()]
        shown = [f"{c.mean:+.3f} [{c.low:+.3f}, {c.high:+.3f}]" if c else "" for c in changes]
        gain = _mean([run.tasks[index].gain for run in runs])
        yield f"| {runs[0].tasks[index].name} | {gain:+.3f} (n={len(runs)}) | {' | '.join(shown)} |"


def cost_lines(uniform: Sequence[Record]) -> Iterator[str]:
    """What a uniform run costs."""
    seconds = [record.provenance.total_seconds for record in uniform]
    memory = max(record.ledger.peak_memory_bytes for record in uniform)
    interval = t_interval([record.mean_gain for record in uniform])
    yield f"\nUniform: mean gain {interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]."
    yield f"Whole run {min(seconds):.0f} to {max(seconds):.0f} s, evaluation included; peak {memory / 2**30:.2f} GiB."


def _favouring(records: Sequence[Record], index: int) -> list[Record]:
    """Static runs whose one raised weight, 20 to 1, is that of a task."""
    wanted = [20.0 if task == index else 1.0 for task in range(len(records[0].tasks))]
    return [r for r in records if r.method.name == "static" and r.method.settings["weights"] == wanted]


def _difference(runs: Sequence[Record], against: Sequence[Record], index: int) -> Interval:
    first, second = ({record.seed: record.tasks[index].gain for record in group} for group in (runs, against))
    return paired_difference(first, second)


def _mean_curve(records: Sequence[Record], name: str, index: int) -> float:
    points = [point[index] for record in records for point in getattr(record.curves, name)]
    return _mean([value for value in points if value is not None])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


if __name__ == "__main__":
    sys.stdout.write("\n".join(report(sys.argv[1] if len(sys.argv) > 1 else "nano-v1")) + "\n")
