"""Calls of git that a contribution needs: what differs from HEAD, and a commit made beside the work tree."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.errors import UserError

SECONDS = 60


def git(root: Path, *arguments: str, index: Path | None = None, given: str | None = None) -> str:
    """What a git command prints in the checkout at `root`. UserError with git's own words if it fails.

    index: an index file in place of the checkout's; given: what the command reads.
    """
    program = shutil.which("git")
    if program is None:
        raise UserError("git is not installed, and a contribution is a commit. Install git.")
    # Inside a git hook these point elsewhere.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    who = {key: value for key, value in os.environ.items() if key.startswith(("GIT_AUTHOR_", "GIT_COMMITTER_"))}
    clean |= who | ({"GIT_INDEX_FILE": str(index)} if index else {})

    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments and checked names, no shell
            [program, "-C", str(root), *arguments],
            env=clean,
            input=given or "",
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"git {arguments[0]} could not be run: {error}.") from None

    if done.returncode:
        said = " ".join(done.stderr.split())[:500] or f"exit code {done.returncode}"
        raise UserError(f"git {arguments[0]} failed: {said.rstrip('.')}.")

    return done.stdout


def changes(root: Path, places: Sequence[str]) -> dict[str, str]:
    """Files below places that differ from HEAD, by path from the root: `new`, `changed` or `deleted`.

    Ignored and hidden files are left out. UserError if `root` is no checkout of its own.
    """
    top = git(root, "rev-parse", "--show-toplevel").strip()
    if Path(top).resolve() != root.resolve():
        raise UserError(
            f"{root} is not a git checkout of its own, and a contribution is a commit. Clone the repository."
        )

    words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *places)
    found = {}

    for entry in filter(None, git(root, *words).split("\0")):
        marks, path = entry[:2], entry[3:]  # as in `?? results/nano-v1/mine/0.json`
        if not any(part.startswith(".") for part in path.split("/")):
            found[path] = "deleted" if "D" in marks else "new" if marks in ("??", "A ", "AM") else "changed"

    return dict(sorted(found.items()))


def is_ancestor(root: Path, commit: str) -> bool:
    """Whether a commit is in the history of HEAD, so that whoever has the branch has it."""
    try:
        git(root, "merge-base", "--is-ancestor", f"{commit}^{{commit}}", "HEAD")
    except UserError:
        return False
    return True


def check_new_branch(root: Path, name: str) -> None:
    """UserError if a branch cannot have that name, or one has it."""
    try:
        git(root, "check-ref-format", "--branch", name)
    except UserError:
        raise UserError(f"--branch {name!r} is no name of a branch; use letters, digits, - and /.") from None
    if git(root, "for-each-ref", f"refs/heads/{name}").strip():
        raise UserError(f"there is a branch {name} already. Choose another with --branch, or `git branch -D {name}`.")


def commit_beside(root: Path, branch: str, files: Sequence[str], message: str) -> str:
    """A branch at HEAD plus one commit of exactly these files; returns the commit.

    Work tree, index and the current branch stay as they are.
    """
    check_new_branch(root, branch)

    # An index of its own: what the user has staged is neither committed nor lost.
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "index")
        git(root, "read-tree", "HEAD", index=index)
        git(root, "update-index", "--add", "-z", "--stdin", index=index, given="".join(f"{file}\0" for file in files))
        tree = git(root, "write-tree", index=index).strip()

    commit = git(root, "commit-tree", tree, "-p", "HEAD", "-F", "-", given=message).strip()
    git(root, "branch", branch, commit)
    return commit
