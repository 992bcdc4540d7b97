"""What git remembers: the committed records, which stay as they are, and the sources that methods had."""

import hashlib
import tempfile
from functools import cached_property
from pathlib import Path

from bench.errors import UserError
from bench.git import git
from methods._cards import read_cards
from methods._digests import digest_of

MAIN = ("origin/main", "main", "origin/master", "master")
"""Branches whose common ancestor with HEAD is the history that counts, the first that there is."""


class History:
    """A commit of the repository around a folder. UserError if `against` is asked for and cannot be had.

    top: the repository's root, None without a repository. commit: None if there is no commit to compare with.
    """

    def __init__(self, folder: Path, against: str | None = None) -> None:
        self.top = _top(folder)
        self.commit = ""

        if against is not None:
            if self.top is None:
                raise UserError(f"--against {against}: {folder} is in no git repository. Leave --against out.")
            self.commit = _resolved(self.top, against)
            if not self.commit:
                raise UserError(f"--against {against}: git knows no such commit. Fetch it, or name a branch or tag.")
        elif self.top is not None:
            self.commit = _usual(self.top)

    @cached_property
    def files(self) -> dict[str, str]:
        """Object names of all files of the commit, by path from the root."""
        if self.top is None or not self.commit:
            return {}
        found = {}
        for entry in filter(None, git(self.top, "ls-tree", "-r", "-z", "--full-tree", self.commit).split("\0")):
            mark, _, path = entry.partition("\t")
            found[path] = mark.split()[2]
        return found

    def place(self, path: Path) -> str | None:
        """A path from the repository's root; None for one outside. Links are not followed but in folders."""
        if self.top is None:
            return None
        full = path.parent.resolve() / path.name
        return full.relative_to(self.top).as_posix() if full.is_relative_to(self.top) else None

    def has(self, path: Path) -> bool:
        """Whether the commit has a file as it is now, byte for byte."""
        known = self.files.get(self.place(path) or "")
        return known is not None and known == object_name(path.read_bytes(), len(known))

    def below(self, folder: Path) -> list[Path]:
        """Files that the commit has below a folder, whether they are still there or not."""
        place = self.place(folder)
        if self.top is None or place is None:
            return []
        return [self.top / file for file in self.files if file.startswith(f"{place}/")]

    def tracked(self, folder: Path) -> list[Path]:
        """Files below a folder that git has now, committed or about to be."""
        place = self.place(folder)
        if self.top is None or place is None:
            return []
        return [self.top / file for file in git(self.top, "ls-files", "-z", "--", place).split("\0") if file]

    def text(self, file: str) -> str:
        """A file of the commit, '' if it has none. file: from the root."""
        return git(self.top, "cat-file", "blob", self.files[file]) if self.top and file in self.files else ""

    def sources(self, file: str) -> set[tuple[int, str]]:
        """Versions and source digests that a method's file had in the history of the commit."""
        if self.top is None or not self.commit:
            return set()
        commits = git(self.top, "log", "--format=%H", self.commit, "--", file).split()
        return {found for commit in commits for found in self.source(commit, file)}

    def date(self, commit: str) -> float | None:
        """The time of a commit, in seconds since 1970; None if git does not have it."""
        if self.top is None:
            return None
        try:
            return float(git(self.top, "show", "-s", "--format=%ct", f"{commit}^{{commit}}").split()[-1])
        except (UserError, ValueError, IndexError):
            return None

    def source(self, commit: str, file: str) -> set[tuple[int, str]]:
        """Version and digest of a method's file in a commit, with the helpers of that commit."""
        assert self.top is not None
        folder = file.rpartition("/")[0]
        source = self._blob(f"{commit}:{file}")

        # Cards are read from files, and the source of a commit is in none.
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, "method.py")
            path.write_text(source, "utf-8", "surrogateescape")
            try:
                version = read_cards(path)[0].version
            except UserError:  # deleted there, or no method yet
                return set()

        return {(version, digest_of(source, lambda helper: self._blob(f"{commit}:{folder}/{helper}.py")))}

    def _blob(self, name: str) -> str:
        """A file of any commit, '' if there is none."""
        assert self.top is not None
        try:
            return git(self.top, "cat-file", "blob", name)
        except UserError:
            return ""


def object_name(content: bytes, digits: int) -> str:
    """Git's name of a file's content: SHA-1 of 40 digits, or SHA-256 of 64."""
    kind = hashlib.sha256 if digits == 64 else hashlib.sha1
    return kind(b"blob %d\0" % len(content) + content).hexdigest()


def _top(folder: Path) -> Path | None:
    """The root of the repository around a folder, None if there is none or no git."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    try:
        return Path(git(existing, "rev-parse", "--show-toplevel").removesuffix("\n")).resolve()
    except UserError:
        return None


def _resolved(top: Path, name: str) -> str:
    try:
        return git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
    except UserError:
        return ""


def _usual(top: Path) -> str:
    """The commit at which HEAD left the main branch; HEAD itself without such a branch; '' without a commit."""
    for branch in filter(lambda name: _resolved(top, name), MAIN):
        try:
            return git(top, "merge-base", "HEAD", branch).split()[0]
        except (UserError, IndexError):
            continue
    return _resolved(top, "HEAD")
