"""A contribution of real records in a real repository: found, checked, told, and committed aside."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.displays.submissions import pull_request, show_contribution, show_done
from bench.contributing.submit import Contribution, commit, contribution
from bench.errors import UserError
from bench.git import git
from bench.places import ROOT
from bench.records.reproduction_files import path_of
from bench.records.reproduction_files import to_text as again_text
from bench.records.reproductions import Spread, compare
from bench.records.store import outcome_digest, read, to_text, write

STORE = "results/nano-v1"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository without the records of pcgrad, all of it committed."""
    house = tmp_path_factory.mktemp("house")
    unwanted = shutil.ignore_patterns("__pycache__")
    for folder in ("suites", "methods", "tests/golden"):
        shutil.copytree(ROOT / folder, house / folder, ignore=unwanted)
    shutil.copytree(ROOT / STORE / "uniform", house / STORE / "uniform")
    git(house, "init", "--quiet", "--initial-branch=main")
    git(house, "config", "user.name", "Somebody")
    git(house, "config", "user.email", "somebody@example.org")
    git(house, "add", ".")
    git(house, "commit", "--quiet", "-m", "all")
    return house


@pytest.fixture(autouse=True)
def _protocol_of_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published records that are submitted here again are of the first protocol."""
    monkeypatch.setattr("bench.validation.mixture.PROTOCOL", 1)


@pytest.fixture
def root(house: Path, tmp_path: Path) -> Path:
    """A copy of it with five records of pcgrad that are not committed."""
    root = tmp_path / "root"
    shutil.copytree(house, root)
    shutil.copytree(ROOT / STORE / "pcgrad", root / STORE / "pcgrad")
    return root


def said(found: Contribution) -> list[str]:
    return [f"{problem.file.relative_to(found.root)} {problem.reason}" for problem in found.problems]


def test_new_records_are_found_checked_and_committed_aside(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = contribution(root)
    assert list(found.files) == [f"{STORE}/pcgrad/{seed}.json" for seed in range(5)]
    assert said(found) == []
    assert found.title == "Results: pcgrad on nano-v1, 5 runs"
    text = pull_request(found)
    assert "## `pcgrad` on `nano-v1`" in text
    show_contribution(found, found.branch, text)
    assert "Nothing was changed." in capsys.readouterr().out
    assert git(root, "branch", "--list").split() == ["*", "main"]
    before = git(root, "status", "--porcelain")
    where = root / "runs" / "text.md"
    commit(found, found.branch, text, where)
    show_done(found, found.branch, where)
    shown = capsys.readouterr().out
    for command in (f"git push -u origin {found.branch}", "gh pr create --head ", f"git branch -D {found.branch}"):
        assert command in shown
    assert git(root, "show", "--name-only", "--format=", found.branch).split() == list(found.files)
    assert where.read_text() == text
    assert git(root, "status", "--porcelain") == before + "?? runs/\n"
    with pytest.raises(UserError, match="there is a branch"):
        commit(found, found.branch, text, where)


def test_only_what_is_asked_for(root: Path) -> None:
    (root / "tests" / "golden" / "mine.json").write_text("{}")
    assert list(contribution(root, [root / "tests"]).files) == ["tests/golden/mine.json"]
    assert len(contribution(root, [root]).files) == 6
    with pytest.raises(UserError, match="nothing to submit"):
        contribution(root, [root / STORE / "uniform"])
    with pytest.raises(UserError, match="no part of a contribution"):
        contribution(root, [root / "suites"])
    with pytest.raises(UserError, match="outside of the checkout"):
        contribution(root, [root.parent])


def edit(path: Path, old: str, new: str) -> None:
    """Changes a record; its digest fits again."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    data = read(path).model_dump(mode="json")
    data["outcome_digest"] = outcome_digest(data)
    write(path, to_text(type(read(path)).model_validate(data)))


MINE = f"{STORE}/pcgrad/0.json"
WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "dirty": (lambda root: edit(root / MINE, '"dirty":false', '"dirty":true'), "the code differed from its commit"),
    "edited": (lambda root: edit(root / MINE, '"seed": 0', '"seed": 7'), "identity"),
    "a seed less": (lambda root: (root / MINE).unlink(), "seed 0 of nano-v1 missing"),
    "no record": (lambda root: (root / STORE / "note.txt").write_text("hello"), "is no record"),
    "a link": (lambda root: (root / STORE / "5.json").symlink_to("/etc/hostname"), "is a link"),
    "a committed one changed": (
        lambda root: edit(root / STORE / "uniform/0.json", '"dirty":false', '"dirty":true'),
        "committed results stay",
    ),
    "a method that reaches out": (
        lambda root: (root / "methods/pcgrad.py").write_text(
            (root / "methods/pcgrad.py").read_text().replace("import torch\n", "import os\nimport torch\n", 1)
        ),
        "imports os",
    ),
    "a committed one deleted": (lambda root: (root / STORE / "uniform/0.json").unlink(), "is deleted"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_committed(root: Path, case: str, tmp_path: Path) -> None:
    act, reason = WRONG[case]
    act(root)
    found = contribution(root)
    assert found.problems
    assert any(
        reason in line or reason in str(problem) for line, problem in zip(said(found), found.problems, strict=True)
    )
    assert pull_request(found) == ""
    with pytest.raises(UserError, match="Nothing was committed"):
        commit(found, "mine", "text", tmp_path / "text")
    assert git(root, "branch", "--list").split() == ["*", "main"]
    assert not (tmp_path / "text").exists()


def test_a_file_with_a_hostile_name_is_shown_in_letters(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / STORE / "\x1b[31m\nx.json").write_text("{}")
    found = contribution(root)
    show_contribution(found, "mine", "")
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b[31m\\nx.json" in shown
    assert found.problems


def test_reproductions_are_checked_against_their_records(root: Path) -> None:
    record = read(root / MINE)
    good = compare(record, record, "pcgrad", Spread())
    write(path_of(root / "reproductions", good), again_text(good))
    assert contribution(root, [root / "reproductions"]).reproductions == [good]
    strange = good.model_copy(update={"identity": "0" * 64})
    write(path_of(root / "reproductions", strange), again_text(strange))
    assert any("is not what the record says" in line for line in said(contribution(root, [root / "reproductions"])))


def test_a_reproduction_with_local_changes_is_refused(root: Path) -> None:
    record = read(root / MINE)
    made = record.provenance.model_copy(update={"dirty": True})
    found = compare(record, record.model_copy(update={"provenance": made}), "pcgrad", Spread())
    write(path_of(root / "reproductions", found), again_text(found))
    assert any("the code differed" in line for line in said(contribution(root, [root / "reproductions"])))


def test_a_reproduction_of_nothing_is_refused(root: Path) -> None:
    record = read(root / MINE)
    found = compare(record, record, "pcgrad", Spread()).model_copy(update={"seed": 9})
    write(path_of(root / "reproductions", found), again_text(found))
    assert any("is of no record" in line for line in said(contribution(root, [root / "reproductions"])))


def test_a_text_that_cannot_be_written_leaves_no_branch(root: Path) -> None:
    (root / "runs").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="Nothing was committed"):
        commit(contribution(root), "mine", "text", root / "runs" / "text.md")
    assert git(root, "branch", "--list").split() == ["*", "main"]


def test_the_name_of_the_branch_follows_the_contents(root: Path) -> None:
    one = contribution(root).branch
    assert one == contribution(root).branch
    assert one.startswith("submit/pcgrad-")
    (root / "tests" / "golden" / "mine.json").write_text("{}")
    assert contribution(root).branch != one
