"""A plan as a Slurm job array: one task a run, each the very `bench run` command, read from a list by its index."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.errors import UserError
from bench.records.store import write
from bench.sweeps.plan import Plan
from bench.sweeps.process import environment
from bench.sweeps.runs import Run

RUNS, SCRIPT = "runs.tsv", "array.sh"
KEY = re.compile(r"[a-z][a-z-]*")
VALUE = re.compile(r"[A-Za-z0-9_.,:+@%/=-]+")
OURS = ("array", "job-name", "output", "cpus-per-task")
"""Options of sbatch that the plan sets."""


def write_array(plan: Plan, folder: Path) -> list[Path]:
    """Write the list of the runs that are not done, and the script for `sbatch`. UserError if it cannot be done."""
    runs = [entry.run for entry in plan.wanted]
    if not runs:
        raise UserError("every run of this plan is done; there is nothing to write for Slurm.")
    listing = "".join("\t".join(_words(run)) + "\n" for run in runs)
    files = {folder / RUNS: listing, folder / SCRIPT: _script(plan, runs, (folder / RUNS).resolve())}
    for path, text in files.items():
        write(path, text)
    return list(files)


def _words(run: Run) -> Sequence[str]:
    """The words of `bench run`, fit for one line of a table."""
    for word in run.words:
        if not word.isprintable():
            raise UserError(f"{word!r} holds a character that cannot be printed; rename it for Slurm.")
    return run.words


def _script(plan: Plan, runs: Sequence[Run], listing: Path) -> str:
    """The job script. No word of a run stands in it: the shell reads them from the list, and evaluates none."""
    threads = max(run.threads for run in runs)
    at_once = f"%{plan.options.workers}" if plan.options.workers else ""
    options = {
        "job-name": "balancebench",
        "array": f"1-{len(runs)}{at_once}",
        "cpus-per-task": str(threads),
        "output": "%x-%A_%a.log",
        **_given(plan),
    }
    lines = [f"#SBATCH --{key}={value}" for key, value in options.items()]
    return "\n".join(
        [
            "#!/bin/bash",
            *lines,
            "set -eu",
            f"cd {shlex.quote(str(Path.cwd()))}",
            f"export PYTHONPATH={shlex.quote(environment(threads)['PYTHONPATH'])} OMP_NUM_THREADS={threads}",
            f'line=$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {shlex.quote(str(listing))})',
            "IFS=$'\\t' read -r -a words <<< \"$line\"",
            f'exec {shlex.quote(sys.executable)} -P -m bench run "${{words[@]}}"',
            "",
        ]
    )


def _given(plan: Plan) -> dict[str, str]:
    """Options of sbatch from the command line. UserError for one that could say more than itself."""
    given = dict(plan.options.slurm)
    if plan.options.timeout is not None:
        given.setdefault("time", str(max(1, -(-int(plan.options.timeout) // 60))))
    for key, value in given.items():
        if key in OURS or not KEY.fullmatch(key) or not VALUE.fullmatch(value):
            raise UserError(
                f"slurm.{key}={value}: an option of sbatch like slurm.partition=gpu or slurm.mem=4G, without spaces; "
                f"the plan sets {', '.join(OURS)} itself."
            )
    return given
