"""What differs from HEAD, and a commit beside the work tree, in real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.git import changes, check_new_branch, commit_beside, git, is_ancestor


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit of two files."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "somebody@example.org")
    root = tmp_path / "root"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "results").mkdir()
    (root / "results" / "old.json").write_text("1")
    (root / "README").write_text("1")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "first")
    return root


def test_what_differs_is_named_by_how(root: Path) -> None:
    (root / "results" / "a b\n\u00fc.json").write_text("2")
    (root / "results" / "staged.json").write_text("2")
    git(root, "add", "results/staged.json")
    (root / "results" / ".hidden.json").write_text("2")
    (root / "README").write_text("2")
    assert changes(root, ["results"]) == {"results/a b\n\u00fc.json": "new", "results/staged.json": "new"}
    (root / "results" / "old.json").write_text("2")
    assert changes(root, ["results", "nowhere"])["results/old.json"] == "changed"
    (root / "results" / "old.json").unlink()
    assert changes(root, ["results"])["results/old.json"] == "deleted"


def test_a_folder_inside_another_checkout_is_none(root: Path) -> None:
    with pytest.raises(UserError, match="not a git checkout of its own"):
        changes(root / "results", ["."])


def test_a_commit_beside_touches_nothing(root: Path) -> None:
    """Work tree, index, branch and even another's staged file are as they were; undone by deleting the branch."""
    (root / "results" / "new.json").write_text("3")
    (root / "other").write_text("4")
    git(root, "add", "other")
    before = [git(root, *words) for words in (("status", "--porcelain"), ("rev-parse", "HEAD"), ("branch", "--list"))]
    commit = commit_beside(root, "submit/new", ["results/new.json"], "Results: `new`; $(touch broken)\n")
    assert git(root, "show", "--name-status", "--format=%s", commit).split("\n") == [
        "Results: `new`; $(touch broken)", "", "A\tresults/new.json", "",
    ]  # fmt: skip
    assert git(root, "rev-parse", "submit/new").strip() == commit
    git(root, "branch", "-D", "submit/new")
    assert [
        git(root, *words) for words in (("status", "--porcelain"), ("rev-parse", "HEAD"), ("branch", "--list"))
    ] == before


@pytest.mark.parametrize("name", ["-D", "a..b", "a b", "", "a~1", "@{-1}", "main"])
def test_names_of_branches_that_cannot_be_made_are_refused(root: Path, name: str) -> None:
    with pytest.raises(UserError, match="--branch"):
        check_new_branch(root, name)


def test_a_strange_branch_name_is_a_name(root: Path) -> None:
    """No shell reads it."""
    (root / "results" / "new.json").write_text("3")
    commit_beside(root, "a;touch$IFS'x'", ["results/new.json"], "x")
    assert sorted(path.name for path in root.iterdir()) == [".git", "README", "results"]


def test_ancestors(root: Path) -> None:
    first = git(root, "rev-parse", "HEAD").strip()
    assert is_ancestor(root, first)
    assert not is_ancestor(root, "0" * 40)
    assert not is_ancestor(root, "unknown")
    assert not is_ancestor(root, "--help")


def test_gits_own_words_are_the_error(root: Path) -> None:
    with pytest.raises(UserError, match=r"git cat-file failed: .*nowhere"):
        git(root, "cat-file", "-t", "nowhere")


def test_a_hook_around_it_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a hook, git's variables name another repository."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    assert git(root, "rev-parse", "--show-toplevel").strip() == str(root.resolve())


def test_git_is_needed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UserError, match="Install git"):
        git(root, "status")


def test_the_tests_run_the_git_that_is_installed() -> None:
    assert subprocess.run(["git", "--version"], capture_output=True, check=True).stdout.startswith(b"git version")
