"""The site: a folder of static pages, from the records alone.

Same records, same bytes: no date, no random order, nothing about the machine that builds it. One suite is in memory at
a time, in each process where a store is large, and each file is written when it is rendered.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.analysis.loading import load, suites
from bench.errors import UserError
from bench.records.rules import Problem
from bench.records.store import record_files
from leaderboard import reruns
from leaderboard.catalogue import Catalogue
from leaderboard.common_pages import everything
from leaderboard.environment import GENERATOR, HERE, environment
from leaderboard.overview import File, Overview
from leaderboard.pages import Pages
from leaderboard.workers import Job, rendered


def build(results: Path, out: Path, keep_going: bool = False, catalogue: Catalogue | None = None) -> list[Path]:
    """Render the records below `results` into the folder `out`; returns all files, sorted.

    catalogue: what else there is to run; each entry has a page.

    The old site is replaced as a whole, when the new one is complete. UserError if a record is broken (names file and
    field; with keep_going it is left out, and listed on the site), if `out` is something other than a site, or if it
    cannot be written.
    """
    out = out.resolve()
    _refuse_to_destroy(results.resolve(), out)

    files = render(results, keep_going, catalogue)
    try:
        return sorted(out / name for name in _replace(out, files))
    except OSError as error:
        raise UserError(f"cannot write the site to {out}: {error.strerror}. The old one is kept.") from None


def render(results: Path, keep_going: bool = False, catalogue: Catalogue | None = None) -> Iterator[File]:
    """All files of the site, by path from its root."""
    again, broken = reruns.load(results, keep_going)
    job = Job(results, keep_going, again, catalogue or Catalogue())
    overview = Overview()

    left_out = dict.fromkeys([*load(results, keep_going, suite="").left_out, *broken])
    for files, part, problems in rendered(job, suites(results), sum(1 for _ in record_files(results))):
        yield from files
        overview.add(part)
        left_out |= dict.fromkeys(problems)

    pages = Pages(environment(), again, job.catalogue)
    yield from everything(pages, overview, _ordered(left_out))
    for file in sorted((HERE / "static").iterdir()):
        yield f"static/{file.name}", file.read_bytes()


def _ordered(problems: dict[Problem, None]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.file.parts, problem.field))


def _refuse_to_destroy(results: Path, out: Path) -> None:
    index = out / "index.html"
    ours = index.is_file() and GENERATOR in index.read_text(encoding="utf-8", errors="replace")
    empty = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    if results.is_relative_to(out) or not (ours or empty):
        raise UserError(f"{out} is not a site built before; it would be deleted. Choose another folder.")


def _replace(out: Path, files: Iterator[File]) -> list[str]:
    """Writes all files beside `out`, then puts them in its place; returns their names."""
    names = []
    out.parent.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as work:
        fresh, old = Path(work, "fresh"), Path(work, "old")
        for name, content in files:
            file = fresh / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            names.append(name)

        # Two renames, so that no reader ever finds half a site.
        if out.exists():
            os.replace(out, old)

        try:
            os.replace(fresh, out)
        except OSError:
            if old.exists():
                os.replace(old, out)
            raise

    return names
