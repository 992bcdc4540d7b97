"""The catalogue has an entry for everything that can be run, and says of it what its source says."""

import sys

import pytest

from bench.catalogue import catalogue, section_of, task_entry
from bench.request.suite import load_suite, suite_names
from leaderboard.catalogue import Catalogue
from leaderboard.formulas import mathml
from methods._registry import cards
from tasks._registry import all_tasks, get_task


@pytest.fixture(scope="module")
def found() -> Catalogue:
    return catalogue("https://example.org/repository/blob/")


def test_nothing_that_can_be_run_is_left_out(found: Catalogue):
    assert (set(found.methods), set(found.suites), set(found.tasks)) == (
        set(cards()),
        set(suite_names()),
        set(all_tasks()),
    )


def test_every_method_of_ours_has_a_formula_that_can_be_drawn(found: Catalogue):
    own = [entry for entry in found.methods.values() if "/" not in entry.name]
    assert [entry.name for entry in own if not entry.formula] == []
    assert all(mathml(entry.formula).startswith("<math") for entry in own)


def test_a_method_has_its_card_settings_and_code(found: Catalogue):
    entry = found.methods["static"]
    assert entry.file == "methods/static.py"
    assert "class Static(LossWeighting)" in entry.code
    assert [each.name for each in entry.settings] == ["weights"]
    assert entry.command == "bench sweep method=static"
    assert found.methods["f_mtl"].command == "bench sweep method=uniform wrapper=f_mtl"


def test_a_suite_has_its_file_its_recipe_and_its_section(found: Catalogue):
    entry, suite = found.suites["nano-v2"], load_suite("nano-v2")
    assert (entry.learning_rate, entry.digest, entry.seeds) == (suite.recipe.learning_rate, suite.digest, suite.seeds)
    assert f"steps: {suite.recipe.steps}" in entry.text
    assert entry.document.startswith("*Does balancing help")
    assert "<!--" not in entry.document


def test_a_section_ends_where_the_next_begins():
    page = "# all\n## a\none\n<!-- note -->\ntwo\n## b\nthree\n"
    assert (section_of("a", page), section_of("b", page), section_of("c", page)) == ("one\ntwo", "three", "")


def test_a_drawn_task_has_samples_whose_first_reply_is_right(found: Catalogue):
    drawn = [entry for entry in found.tasks.values() if not entry.licence]
    assert drawn
    for entry in drawn:
        assert len(entry.samples) == 3, entry.name
        for sample in entry.samples:
            assert [reward for _, reward in sample.replies] == [1.0, 0.0, 0.0], entry.name


def test_a_task_whose_rows_must_be_fetched_has_none(found: Catalogue):
    entry = found.tasks["gsm8k"]
    assert entry.samples == []
    assert entry.licence
    assert entry.origin


def test_without_the_sandbox_a_task_has_no_samples(monkeypatch: pytest.MonkeyPatch):
    """As in an installation that only browses."""
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    for name in [name for name in sys.modules if name.startswith("tasks._jail")]:
        monkeypatch.delitem(sys.modules, name)
    assert task_entry(get_task("lookup")).samples


def test_where_code_can_be_read_ends_without_a_slash(found: Catalogue):
    assert found.code == "https://example.org/repository/blob"
