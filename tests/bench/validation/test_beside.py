"""What a contribution brings beside records: withdrawals, suites, hidden files, methods, commits, and the harness."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.places import ROOT
from bench.records.rules import Problem
from bench.records.store import identity_of, outcome_digest, read, to_text
from bench.records.withdrawal import Second, Withdrawal, digest_of_withdrawal, second_path, text_of, withdrawal_path
from bench.validation.checkout import Checkout
from bench.validation.verdict import validate
from methods._digests import source_digest
from tests.bench.validation.conftest import METHOD, RECORD, errors, git, shortened


def warnings(root: Path) -> list[Problem]:
    return validate(root / "results", checkout=Checkout(root)).of("warning")


def withdraw(root: Path, by: str = "A. Rival", file: str = RECORD) -> Withdrawal:
    record = read(root / file)
    said = Withdrawal(
        identity=record.identity, outcome_digest=record.outcome_digest, reason="its machine was too good.", by=by,
        date="2026-11-27",
    )  # fmt: skip
    withdrawal_path(root / file).write_text(text_of(said))
    return said


def second(root: Path, said: Withdrawal, **changes: Any) -> None:
    word = Second(withdrawal=digest_of_withdrawal(said), by="B. Person", date="2026-11-27")
    text = word.model_copy(update=changes).model_dump_json()
    second_path(root / RECORD).write_text(text)


def test_nobody_withdraws_a_published_run_alone(clone: Path):
    withdraw(clone)
    (problem,) = errors(clone)
    assert problem.file == withdrawal_path(clone / RECORD)
    assert "0.second.withdrawn.json is not there" in problem.reason


def test_a_published_run_is_withdrawn_by_two(clone: Path):
    second(clone, withdraw(clone))
    assert errors(clone) == []
    assert any("is withdrawn" in problem.reason for problem in validate(clone / "results").of("notice"))


ALONE = {
    "the same person": {"by": "A. Rival"},
    "the same person, otherwise spelt": {"by": "a rival <other@example.org>"},
    "a word on another withdrawal": {"withdrawal": "0" * 64},
}


@pytest.mark.parametrize("name", ALONE)
def test_a_second_word_is_another_persons_on_this_withdrawal(clone: Path, name: str):
    second(clone, withdraw(clone), **ALONE[name])
    (problem,) = errors(clone)
    assert problem.file == second_path(clone / RECORD)


def test_a_second_word_without_a_withdrawal_is_refused(clone: Path):
    second(clone, withdraw(clone))
    withdrawal_path(clone / RECORD).unlink()
    assert [problem.reason for problem in errors(clone)] == ["seconds a withdrawal that is not there"]


def test_a_run_of_ones_own_is_withdrawn_alone(clone: Path):
    """It was never published; its method's row is preliminary all the same."""
    git(clone, "rm", "-q", "-r", "results/nano-v1/pcgrad")
    git(clone, "commit", "-q", "-m", "before")
    shutil.copytree(ROOT / "results/nano-v1/pcgrad", clone / "results/nano-v1/pcgrad")
    withdraw(clone)
    assert validate(clone / "results", against="HEAD", checkout=Checkout(clone)).of("error") == []


def test_a_copy_of_a_suite_is_refused(clone: Path):
    shutil.copy(clone / "suites/nano-v1.yaml", clone / "suites/another-v1.yaml")
    (problem,) = errors(clone)
    assert problem.file == clone / "suites/another-v1.yaml"
    assert "suites/nano-v1.yaml" in problem.reason


def test_a_suite_with_other_seeds_alone_is_worth_a_look(clone: Path):
    text = (clone / "suites/nano-v1.yaml").read_text()
    assert "seeds: [0, 1, 2, 3, 4]" in text
    (clone / "suites/lucky-v1.yaml").write_text(text.replace("seeds: [0, 1, 2, 3, 4]", "seeds: [5, 6, 7]"))
    assert errors(clone) == []
    assert "in its seeds alone" in warnings(clone)[0].reason


@pytest.mark.parametrize("name", [".gitattributes", ".gitignore", ".hidden/0.json", "nano-v1/.gitattributes"])
def test_hidden_files_are_no_part_of_a_store(clone: Path, name: str):
    file = clone / "results" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("* -diff\n")
    assert len(errors(clone)) == 1


def test_what_the_harness_hides_in_a_store_stays_out_of_git(clone: Path):
    file = clone / "results/.claims/nano-v1/pcgrad/0.lock"
    file.parent.mkdir(parents=True)
    file.write_text("")
    assert errors(clone) == []
    git(clone, "add", "-f", str(file))
    (problem,) = errors(clone)
    assert (problem.file, "is committed" in problem.reason) == (file, True)


def test_a_method_that_reaches_out_is_refused_without_a_record(clone: Path):
    (clone / "methods/reaching.py").write_text((clone / METHOD).read_text().replace("import torch", "import os, torch"))
    text = (clone / "methods/reaching.py").read_text().replace('name = "pcgrad"', 'name = "reaching"')
    (clone / "methods/reaching.py").write_text(text)
    (problem,) = errors(clone)
    assert "reaching.py, line" in problem.reason
    assert "imports os" in problem.reason


def rerun_at(root: Path, commit: str) -> None:
    """The record as today's harness would write it for a run at a commit."""
    data = json.loads((root / RECORD).read_text())
    data["method"]["source_digest"] = source_digest(root / METHOD)
    data["provenance"]["commit"] = commit
    data["identity"] = identity_of(data)
    data["outcome_digest"] = outcome_digest(data)
    (root / RECORD).unlink()
    (root / RECORD).write_text(shortened(to_text(read_data(data))))


def read_data(data: Any) -> Any:
    from bench.records.schema import Record

    return Record.model_validate(data)


@pytest.fixture
def fresh(clone: Path) -> Path:
    """A clone whose history has no record of the method, and an empty first commit without the method itself."""
    git(clone, "rm", "-q", "-r", "results/nano-v1/pcgrad", METHOD)
    git(clone, "commit", "-q", "-m", "without")
    git(clone, "tag", "without")
    git(clone, "checkout", "-q", "HEAD~", "--", METHOD)
    git(clone, "commit", "-q", "-m", "with")
    shutil.copytree(ROOT / "results/nano-v1/pcgrad", clone / "results/nano-v1/pcgrad")
    return clone


def of_commit(root: Path) -> list[str]:
    found = validate(root / "results", against="HEAD", checkout=Checkout(root)).problems
    return [problem.reason for problem in found if "in commit" in problem.reason]


def test_the_commit_of_a_run_holds_its_method(fresh: Path):
    rerun_at(fresh, git(fresh, "rev-parse", "HEAD"))
    assert of_commit(fresh) == []


def test_a_commit_without_the_method_made_no_run_of_it(fresh: Path):
    rerun_at(fresh, git(fresh, "rev-parse", "without"))
    (reason,) = of_commit(fresh)
    assert "methods/pcgrad.py in commit" in reason


def test_a_commit_that_nobody_has_is_worth_a_look(fresh: Path):
    rerun_at(fresh, "ab" * 20)
    found = validate(fresh / "results", against="HEAD", checkout=Checkout(fresh)).of("warning")
    assert any(problem.field == "provenance.commit" for problem in found)


def test_records_that_bring_another_harness_are_worth_a_look(fresh: Path):
    (fresh / "methods/_signals.py").write_text("GAIN = 1\n")
    git(fresh, "add", "methods/_signals.py")
    git(fresh, "commit", "-q", "-m", "signals")
    git(fresh, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert not any("_signals" in str(problem.file) for problem in warnings(fresh))
    (fresh / "methods/_signals.py").write_text("GAIN = 2\n")
    assert any("_signals" in str(problem.file) for problem in warnings(fresh))
