"""What git remembers cannot be unsaid: records that vanish or change, code that changes under one version."""

import json
import shutil
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.places import ROOT
from bench.request.request import RESULTS
from bench.validation.checkout import Checkout
from bench.validation.history import History, object_name
from bench.validation.verdict import validate
from methods._registry import freeze
from tests.bench.validation.conftest import METHOD, RECORD, errors, git


def test_what_is_published_is_good(clone: Path):
    found = validate(clone / "results", checkout=Checkout(clone))
    assert found.of("error") == []
    assert found.compared_with == git(clone, "rev-parse", "HEAD")[:12]


@pytest.mark.parametrize("committed", [False, True])
def test_a_published_record_that_changes_is_refused(clone: Path, committed: bool):
    """Every byte counts: also figures that no digest binds."""
    path = clone / RECORD
    path.write_text(path.read_text().replace('"hardware":"', '"hardware":"fast '))
    if committed:
        git(clone, "commit", "-q", "-a", "-m", "nothing to see")
    (problem,) = errors(clone)
    assert (problem.file, "append-only" in problem.reason) == (path, True)


@pytest.mark.parametrize("what", [RECORD, "results/nano-v1/pcgrad"])
def test_a_published_record_that_vanishes_is_refused(clone: Path, what: str):
    """The bad seed, or the method as a whole, which leaves no gap."""
    git(clone, "rm", "-q", "-r", what)
    git(clone, "commit", "-q", "-m", "tidy up")
    assert {problem.file for problem in errors(clone) if "append-only" in problem.reason} >= {clone / RECORD}


def test_a_record_that_is_added_is_none_of_it(clone: Path):
    """A method's records are removed in the published history itself; there, nothing is missing."""
    git(clone, "rm", "-q", "-r", "results/nano-v1/pcgrad")
    git(clone, "commit", "-q", "-m", "before")
    shutil.copytree(RESULTS / "nano-v1/pcgrad", clone / "results/nano-v1/pcgrad")
    assert errors(clone, against="HEAD") == []


def change_code(root: Path, version: int) -> None:
    text = (root / METHOD).read_text()
    assert "version = 1" in text
    text = text.replace("version = 1", f"version = {version}")
    (root / METHOD).write_text(f"{text}\n\nSECRET = 2\n")


def test_code_that_changes_under_one_version_is_refused(clone: Path):
    change_code(clone, version=1)
    found = errors(clone)
    assert {problem.field for problem in found} == {"method.source_digest"}
    assert {problem.file.parent.name for problem in found} == {"pcgrad"}


def test_frozen_digests_that_change_with_the_code_do_not_help(clone: Path):
    """The history's list counts. The forged record fits the forged code and the forged list."""
    change_code(clone, version=1)
    old, new = (Checkout(root) for root in (ROOT, clone))
    honest = old.digests(old.cards["pcgrad"])
    forged = new.digest(new.cards["pcgrad"])
    for file in [clone / "tests/golden/method_sources.json", *(clone / "results/nano-v1/pcgrad").iterdir()]:
        text = file.read_text()
        for digest in honest:
            text = text.replace(digest, forged)
        file.write_text(text)
    assert "methods/pcgrad.py changed under version 1" in {problem.reason for problem in errors(clone)}


def rewrite_code(root: Path, old: str, new: str) -> None:
    """Change a method's code, and enter it as `bench freeze --rewritten` does."""
    text = (root / METHOD).read_text()
    assert old in text
    (root / METHOD).write_text(text.replace(old, new))
    freeze(root / "tests/golden", root / "methods", ["pcgrad"], rewritten=True)


def test_code_rewritten_with_the_same_golden_answers_keeps_its_records(clone: Path):
    rewrite_code(clone, "return share.mean(dim=0)", "mean = share.mean(dim=0)\n        return mean")
    assert errors(clone) == []


def test_code_rewritten_with_other_golden_answers_is_refused(clone: Path):
    """Nobody ran what the frozen answers say: they are not those of history."""
    rewrite_code(clone, "return share.mean(dim=0)", "mean = share.mean(dim=0)\n        return mean")
    file = clone / "tests/golden/trajectories.json"
    answers = json.loads(file.read_text())
    answers["pcgrad"]["answers"]["three of a size"]["weights"][0][0] += 1
    file.write_text(json.dumps(answers))
    assert {problem.file.parent.name for problem in errors(clone)} == {"pcgrad"}


def test_records_of_an_earlier_version_stay_good(clone: Path):
    change_code(clone, version=2)
    git(clone, "commit", "-q", "-a", "-m", "version 2")
    assert errors(clone) == []


def test_a_version_that_never_was_is_refused(clone: Path):
    change_code(clone, version=3)
    path = clone / RECORD
    path.write_text(path.read_text().replace('"version":1', '"version":2'))
    assert "method.version" in {problem.field for problem in errors(clone)}


def test_a_suite_that_changes_under_its_records_is_refused(clone: Path):
    file = clone / "suites/nano-v1.yaml"
    file.write_text(file.read_text().replace("steps: 60", "steps: 61"))
    assert "suite.digest" in {problem.field for problem in errors(clone)}


def test_hostile_code_is_read_and_not_run(clone: Path, tmp_path: Path):
    mark = tmp_path / "was-run"
    (clone / METHOD).write_text(f"{(clone / METHOD).read_text()}\nopen({str(mark)!r}, 'w')\nraise SystemExit(7)\n")
    assert {problem.field for problem in errors(clone)} == {"method.source_digest", "(file)"}
    assert not mark.exists()


def test_no_such_commit_is_a_misuse(clone: Path, tmp_path: Path):
    for name in ("no-such-branch", "--output=x", "HEAD..HEAD"):
        with pytest.raises(UserError, match="git knows no such commit"):
            History(clone / "results", name)
    with pytest.raises(UserError, match="in no git repository"):
        History(tmp_path, "HEAD")


def test_without_history_it_is_said(results: Path, checkout: Checkout):
    found = validate(results, checkout=checkout)
    assert "append-only: no git history to compare with" in found.skipped


def test_objects_are_named_as_git_names_them(clone: Path):
    assert object_name((clone / RECORD).read_bytes(), 40) == git(clone, "rev-parse", f"HEAD:{RECORD}")
