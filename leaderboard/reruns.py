"""How often a run was made again, and what came out: the reproductions that lie beside the store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.analysis.loading import _plain
from bench.analysis.runs import Run
from bench.analysis.text import plural
from bench.errors import BrokenRecord
from bench.records.reproduction_files import FOLDER, problems_in, read
from bench.records.reproductions import Reproduction, Verdict
from bench.records.rules import Problem
from bench.records.store import record_files

ORDER: tuple[Verdict, ...] = ("bitwise", "within tolerance", "not reproduced")
Key = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Rerun:
    """A reproduction and its file."""

    path: Path
    found: Reproduction


Reruns = Mapping[Key, Sequence[Rerun]]
"""Reproductions by what they quote: identity, outcome, method's folder, seed. One that quotes no run is not shown."""


def load(results: Path, keep_going: bool = False) -> tuple[Reruns, list[Problem]]:
    """All reproductions of the folder beside a store, and what is wrong with the files that are left out.

    BrokenRecord, unless asked to keep going, at the first file that is none.
    """
    root = results.parent / FOLDER
    found = dict[Key, list[Rerun]]()
    left_out = list[Problem]()
    for path in record_files(root):
        problems = problems_in(path)
        if problems and not keep_going:
            raise BrokenRecord(str(_plain(problems[0])))
        if problems:
            left_out += [_plain(replace(problem, file=path.relative_to(results.parent))) for problem in problems]
            continue
        each = read(path)
        key = (each.identity, each.recorded_outcome, each.method, each.seed)
        found.setdefault(key, []).append(Rerun(path, each))

    return found, left_out


def of(run: Run, reruns: Reruns) -> Sequence[Rerun]:
    """The reproductions of a run, in the order of their files."""
    return reruns.get((run.record.identity, run.record.outcome_digest, run.label, run.record.seed), ())


def summary(found: Sequence[Rerun]) -> str:
    """`Made again 3 times: 2 bitwise, 1 not reproduced.`; nothing where it never was."""
    if not found:
        return ""
    counts = Counter(rerun.found.verdict for rerun in found)
    parts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict])
    return f"Made again {plural(len(found), 'time')}: {parts}."
