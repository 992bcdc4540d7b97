"""Prepare a contribution: find what is not committed, check it, write a text for the pull request, commit it aside.

Nothing is pushed, and work tree, index and current branch stay as they are: a branch is all that is made.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.runs import method_label
from bench.analysis.text import plural
from bench.errors import UserError
from bench.git import changes, check_new_branch, commit_beside
from bench.records import reproduction_files as again
from bench.records.reproductions import Reproduction
from bench.records.rules import FILE, Problem
from bench.records.schema import Record
from bench.records.store import WITHDRAWN, read, record_path

PLACES = ("results", "reproductions", "tuned", "methods", "tests/methods", "tests/golden")
"""Where a contribution of results or of a method lies."""
KEPT = ("results/", "reproductions/", "tuned/")
"""Files that are only ever added."""
CLEAN = "Reproduce it from a checkout without local changes."


@dataclass(frozen=True)
class Contribution:
    """What would be handed in."""

    root: Path
    files: Mapping[str, str]
    """`new` or `changed`, by path from the root."""
    records: Sequence[tuple[Path, Record]]
    reproductions: Sequence[Reproduction]
    problems: Sequence[Problem]
    """Why it cannot be handed in; none of it is committed then."""
    remarks: Sequence[Problem] = ()
    """Warnings and notices of the validation; they refuse nothing."""

    @property
    def title(self) -> str:
        """One line: what of it is results, reproductions, methods."""
        labels = sorted({f"{method_label(*each)} on {each[1].suite.name}" for each in self.records})
        shown = ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
        parts = [f"Results: {shown}, {plural(len(self.records), 'run')}"] if labels else []
        if self.reproductions:
            parts.append(plural(len(self.reproductions), "reproduction"))
        if methods := [file for file in self.files if file.startswith("methods/")]:
            parts.append(f"Methods: {', '.join(Path(file).stem for file in methods[:3])}")
        return "; ".join(parts) or plural(len(self.files), "file")

    @property
    def branch(self) -> str:
        """A name for the branch: what it is about, and a mark of the files' contents."""
        about = self.records[0][1].method.name if self.records else "methods" if not self.reproductions else "again"
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(file.encode(errors="surrogateescape") + b"\0" + (self.root / file).read_bytes())
        return f"submit/{re.sub(r'[^a-z0-9]+', '-', about.lower())}-{digest.hexdigest()[:8]}"


def contribution(root: Path, paths: Sequence[Path] = ()) -> Contribution:
    """All that differs from HEAD in PLACES, or what of it lies in `paths`, examined.

    UserError if there is nothing, a path lies elsewhere, or `root` is no git checkout.
    """
    wanted = [_inside(root, path) for path in paths]
    found = changes(root, PLACES)
    files = {file: mark for file, mark in found.items() if not wanted or any(_below(file, path) for path in wanted)}
    if not files:
        where = " ".join(wanted) or ", ".join(f"{place}/" for place in PLACES)
        raise UserError(f"nothing to submit: all of {where} is as HEAD has it. `bench run` makes a record.")

    problems = [problem for file, mark in files.items() for problem in _misplaced(root / file, file, mark)]
    said = [] if problems else list(_invalid(root, files))
    problems += [problem for problem in said if problem.level == "error"]
    remarks = [problem for problem in said if problem.level != "error"]
    if problems:
        return Contribution(root, files, [], [], problems, remarks)

    # Only what validation found good is read again: a file that is no record was refused above.
    records = [(root / file, read(root / file)) for file in files if _is_record(file)]
    reproductions = [again.read(root / file) for file in files if file.startswith("reproductions/")]
    return Contribution(root, files, records, reproductions, [], remarks)


def validate_paths(root: Path, paths: Sequence[Path]) -> list[Problem]:
    """All that `bench validate` says of these files of `root/results`, warnings and notices included."""
    from bench.validation.checkout import Checkout
    from bench.validation.verdict import validate

    return list(validate(root / "results", paths, checkout=Checkout(root)).problems) if paths else []


def commit(found: Contribution, branch: str, text: str, where: Path) -> str:
    """Write the text for the pull request, and commit the files to a new branch. Returns the commit.

    UserError, and nothing is done, if there are problems or the branch cannot be made.
    """
    if found.problems:
        raise UserError(f"{found.problems[0]} Nothing was committed.")
    check_new_branch(found.root, branch)
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {where}: {error.strerror}. Nothing was committed; say --text FILE.") from None
    return commit_beside(found.root, branch, list(found.files), f"{found.title}\n")


def _misplaced(path: Path, file: str, mark: str) -> Iterator[Problem]:
    """What can be said of a file without reading it."""
    if mark == "deleted":
        yield Problem(path, FILE, "is deleted", "Put it back: `git restore` it. What is published stays.")
    # A link would commit its target's name, and a pipe would never end; neither is read below.
    elif path.is_symlink() or not path.is_file():
        yield Problem(path, FILE, "is a link or no plain file", "Put the file itself there.")
    elif file.startswith(KEPT) and mark == "changed":
        remedy = "Put it back: `git restore` it, and keep another run in a store of its own."
        yield Problem(path, FILE, "differs from the committed one, and committed results stay", remedy)
    elif file.startswith(KEPT) and path.suffix != ".json":
        yield Problem(path, FILE, "is no record", "Remove it; these folders hold records alone.")


def _invalid(root: Path, files: Mapping[str, str]) -> Iterator[Problem]:
    yield from validate_paths(root, [root / file for file in files if file.startswith("results/")])
    for file in files:
        if file.startswith("reproductions/"):
            yield from _reproduction(root, root / file)
        elif file.startswith("methods/") and file.endswith(".py") and not file.startswith("methods/_"):
            yield from _reaching(root / file)


def _reaching(path: Path) -> Iterator[Problem]:
    """What a method's code names that no method may; helpers are read with the methods that rest on them."""
    from bench.validation.allowed import refusals
    from bench.validation.code import WITHIN

    for refusal in refusals(path):
        yield Problem(path, FILE, str(refusal), WITHIN)


def _reproduction(root: Path, path: Path) -> Iterator[Problem]:
    problems = again.problems_in(path)
    if problems:
        yield from problems
        return

    found = again.read(path)
    if found.provenance.dirty:
        yield Problem(path, "provenance.dirty", "the code differed from its commit", CLEAN)
    record = record_path(root / "results", found.suite, found.method, found.seed)
    if record.is_file():
        yield from again.problems_in(path, read(record))
    else:
        yield Problem(path, FILE, "is of no record in results/", "Submit the record, too.")


def _is_record(file: str) -> bool:
    """Whether a file is a run's record: in results/, and no withdrawal of one."""
    return file.startswith("results/") and not file.endswith(WITHDRAWN)


def _inside(root: Path, path: Path) -> str:
    """A path from the root. UserError for one that lies outside of PLACES."""
    full = path if path.is_absolute() else Path.cwd() / path
    try:
        file = full.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UserError(f"{path} lies outside of the checkout {root}.") from None
    if not any(_below(file, place) or _below(place, file) for place in PLACES):
        raise UserError(f"{path} is no part of a contribution; these lie in {', '.join(PLACES)}.")
    return file


def _below(file: str, folder: str) -> bool:
    return folder == "." or file == folder or file.startswith(f"{folder}/")
