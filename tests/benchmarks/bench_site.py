"""How long the site takes from many records: seconds, peak memory, the size of the home page.

The store is synthetic and as large as a benchmark may grow: 200 methods, 10 suites, 5 seeds. The records are valid and
as long as those of the default suite, with gains and curves that differ by method, suite and seed. What is timed runs
in its own process, so that its peak memory is its own.
"""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

from bench.records.schema import Record
from bench.records.store import record_path, to_text

ROOT = Path(__file__).parents[2]
METHODS, SUITES, SEEDS = 200, 10, 5
SWEEP = 5
"""Static weights among the methods."""
TASKS = 5
POINTS = 60
"""Points of the curves. Each stands for two steps, in which a mean of products is no product of means."""
COUNTERS = ("steps", "prompts", "rollouts", "sampled_tokens", "trained_tokens", "forward_passes")
COUNTERS += ("backward_passes", "reward_calls")
NOISY = ("squared_norm", "naive_squared_norm", "gramian", "mean_abs_advantage", "update_norm", "plain_norm")
TARGETS = {"seconds": 60, "MiB": 1024, "home page, kB gzipped": 300}
TIMED = """
import resource, sys, time
from pathlib import Path
from leaderboard.build import build
began, used = time.perf_counter(), time.process_time()
files = build(Path(sys.argv[1]), Path(sys.argv[2]))
seconds = time.perf_counter() - began, time.process_time() - used
print(*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(files))
"""


def names() -> list[tuple[str, str]]:
    """Name and folder of every method."""
    sweep = [("static", f"static+{number:08x}") for number in range(SWEEP)]
    fixed = [(name, name) for name in ("uniform", "single_task")]
    others = [f"{'peer/' * (number % 4 == 0)}method_{number}" for number in range(METHODS - len(sweep) - len(fixed))]
    return [*fixed, *sweep, *((name, name) for name in others)]


def fill(root: Path, make_record: Any) -> int:
    """Writes the store; returns how many records it has."""
    count = 0
    for suite in (f"suite-{number}" for number in range(SUITES)):
        for name, folder in names():
            level = Random(f"{suite} {folder}").uniform(0, 6)
            for seed in range(SEEDS):
                path = record_path(root, suite, folder, seed)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(to_text(one(make_record, suite, name, folder, seed, level)), "utf-8")
                count += 1
    return count


def one(make_record: Any, suite: str, name: str, folder: str, seed: int, level: float) -> Record:
    """A record whose gains scatter around `level` items of 40."""
    chance = Random(f"{suite} {folder} {seed}")
    gains = [max(-10, min(30, round(chance.gauss(level + task, 2)))) for task in range(TASKS)]
    # Settings keep the identities of variants apart.
    use = {"settings": {"weights": folder}} if name != folder else {}
    steps = 2 * POINTS
    few = make_record(TASKS).ledger
    counted = {name: getattr(few, name) // few.steps * steps for name in COUNTERS}
    spent = {**counted, "wall_seconds": chance.uniform(3, 8)}
    lengths = {"curves": curves(make_record, chance), "ledger": spent, "budget": {"steps": steps}}
    return make_record(TASKS, name, seed, suite, gains, use, **lengths)


def curves(make_record: Any, chance: Random) -> dict[str, Any]:
    first = {name: values[0] for name, values in make_record(TASKS).curves}
    points = {
        name: [scattered(value, chance) if name in NOISY else value for _ in range(POINTS)]
        for name, value in first.items()
    }
    return {**points, "steps": list(range(2, 2 * POINTS + 1, 2))}


def scattered(value: Any, chance: Random) -> Any:
    if isinstance(value, list):
        return [scattered(each, chance) for each in value]
    return round(value * (0.5 + chance.random()), 4)


def test_site(tmp_path: Path, make_record: Any) -> None:
    store, site = tmp_path / "store", tmp_path / "site"
    assert fill(store, make_record) == METHODS * SUITES * SEEDS
    command = [sys.executable, "-c", TIMED, str(store), str(site)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, used, peak, files = map(float, done.stdout.split())
    home = len(gzip.compress((site / "index.html").read_bytes(), mtime=0)) / 1000
    print(f"\n{METHODS * SUITES * SEEDS:,} records, {files:,.0f} files, {used:.1f} s of its processor")
    for (name, target), value in zip(TARGETS.items(), (seconds, peak, home), strict=True):
        print(f"{name:24} {value:8.1f}  of {target}{'' if value <= target else '  MISSED'}")
    shutil.rmtree(tmp_path)  # pytest keeps the folders of three sessions, and this one has gigabytes
