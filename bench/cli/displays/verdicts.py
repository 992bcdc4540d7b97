"""A verdict for people and for programs: problems first, then a table, what was not checked, and one last line."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.records.rules import Problem, printable
from bench.validation.verdict import Verdict

LEVELS = ("error", "warning", "notice")
LONGEST = 600
"""Characters of a problem that are shown; a hostile file may hold any."""


def lines(verdict: Verdict) -> Iterator[str]:
    """A line a problem, errors last, where they are seen."""
    for level in reversed(LEVELS):
        yield from (f"{level}: {_line(problem)}" for problem in verdict.of(level))


def table(verdict: Verdict, results: Path) -> Table:
    """Records and problems of each method's folder; those without a problem in one row."""
    shown = Table("method", "records", "errors", "warnings", title="Records by method")
    counts = Counter((_folder(problem, results), problem.level) for problem in verdict.problems)
    troubled = sorted({folder for folder, level in counts if level != "notice"})

    for folder in troubled:
        numbers = (verdict.methods[folder], counts[folder, "error"], counts[folder, "warning"])
        shown.add_row(printable(folder), *map(str, numbers))

    quiet = [folder for folder in verdict.methods if folder not in troubled]
    shown.add_row(f"{len(quiet)} without a problem", str(sum(verdict.methods[folder] for folder in quiet)), "0", "0")
    return shown


def summary(verdict: Verdict) -> Iterator[str]:
    """What was not checked, and the verdict in one line."""
    for what, count in sorted(verdict.skipped.items()):
        yield f"not checked: {printable(what)}{f' ({count} times)' if count > 1 else ''}"
    errors, warnings = len(verdict.of("error")), len(verdict.of("warning"))
    compared = f", append-only since {verdict.compared_with}" if verdict.compared_with else ""
    again = f" and {_count(verdict.reproductions, 'reproduction')}" if verdict.reproductions else ""
    word = "good" if verdict.good else "refused"
    judged = f"{_count(verdict.records, 'record')}{again}"
    yield f"{word}: {judged}, {_count(errors, 'error')}, {_count(warnings, 'warning')}{compared}"


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The same for programs."""
    named = {f"{level}s": [_entry(problem) for problem in verdict.of(level)] for level in LEVELS}
    return {
        "good": verdict.good,
        "records": verdict.records,
        "reproductions": verdict.reproductions,
        **named,
        "not_checked": dict(sorted(verdict.skipped.items())),
        "append_only_since": verdict.compared_with or None,
    }


def _entry(problem: Problem) -> dict[str, str]:
    texts = {"file": _shown(problem.file), "field": problem.field, "reason": problem.reason, "remedy": problem.remedy}
    return {name: printable(text)[:LONGEST] for name, text in texts.items()}


def _line(problem: Problem) -> str:
    entry = _entry(problem)
    return f"{entry['file']}: field {entry['field']}: {entry['reason']}. {entry['remedy']}"


def _shown(path: Path) -> str:
    """A path from here where it lies below."""
    here = Path.cwd()
    full = path.absolute()
    return str(full.relative_to(here) if full.is_relative_to(here) else path)


def _folder(problem: Problem, results: Path) -> str:
    """The method's folder that a problem is of, from the store; the file itself where it is outside."""
    full = problem.file.absolute()
    root = results.absolute()
    if not full.is_relative_to(root):
        return _shown(problem.file)
    place = full.relative_to(root)
    return (place.parent if place.suffix == ".json" else place).as_posix()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
