"""Spot reruns: what is drawn from a pull request, and by what."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli.main import cli
from bench.contributing.sample import drawn
from bench.errors import UserError
from bench.request.request import RESULTS
from tests.bench.validation.conftest import git


@pytest.fixture
def contribution(tmp_path: Path) -> Path:
    """A store of one published method, and two more on a branch."""
    store = tmp_path / "results"
    shutil.copytree(RESULTS / "nano-v1/uniform", store / "nano-v1/uniform")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "published")
    git(tmp_path, "checkout", "-q", "-b", "mine")
    for name in ("mgda", "pcgrad"):
        shutil.copytree(RESULTS / "nano-v1" / name, store / "nano-v1" / name)
    return store


def test_only_new_records_are_drawn_and_none_twice(contribution: Path):
    found = drawn(contribution, 99, seed=0)
    assert len(found) == len(set(found)) == 10
    assert {path.parent.name for path in found} == {"mgda", "pcgrad"}


def test_a_seed_draws_the_same_records_again(contribution: Path):
    draws = [drawn(contribution, 3, seed) for seed in range(8)]
    assert draws == [drawn(contribution, 3, seed) for seed in range(8)]
    assert len({tuple(each) for each in draws}) > 1


def test_what_is_published_by_another_commit_counts_as_such(contribution: Path):
    git(contribution.parent, "add", ".")
    git(contribution.parent, "commit", "-q", "-m", "mine")
    assert len(drawn(contribution, 99, seed=0)) == 10
    with pytest.raises(UserError, match="nothing to draw from"):
        drawn(contribution, 1, seed=0, against="HEAD")


def test_nothing_is_drawn_by_less_than_one(contribution: Path):
    with pytest.raises(UserError, match="--sample 0 draws nothing"):
        drawn(contribution, 0, seed=0)


@pytest.mark.parametrize("words", [["reproduce"], ["reproduce", "store=again"]])
def test_without_a_record_or_a_draw_it_is_said_what_to_give(words: list[str]):
    done = CliRunner().invoke(cli, words)
    assert isinstance(done.exception, UserError)
    assert "--sample N --seed S" in str(done.exception)
