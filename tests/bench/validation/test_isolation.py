"""Where a method ran: what a record cannot say is refused, what is weaker than its kind allows is worth a look."""

import shutil
from pathlib import Path

import pytest

from bench.protocol import PROTOCOL
from bench.request.request import RESULTS
from bench.training.confined import source
from bench.validation import isolation
from methods._registry import cards
from tests.bench.validation.test_forgeries import both, put

NUMBERS, GRADIENTS, PLAN = "nano-v2/pcgrad/0.json", "nano-v2/mgs/0.json", "nano-v2/single_task/0.json"
WHERE, SCORED = "provenance.isolation", "provenance.evaluated"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A method that exchanges numbers, one that needs gradients and a plan, whose records say where they ran."""
    monkeypatch.setattr("bench.validation.mixture.PROTOCOL", PROTOCOL)
    store = tmp_path / "results"
    for name in (NUMBERS, GRADIENTS, PLAN):
        shutil.copytree((RESULTS / name).parent, (store / name).parent)
    return store


def found(problems, path: Path) -> list[str]:
    return sorted(problem.field for problem in problems if problem.file == path and problem.field in (WHERE, SCORED))


def test_an_honest_record_says_where_it_ran(forger, verdict) -> None:
    """Beside what reads gradients or parameters in process, a notice says that nothing kept it apart."""
    for level in ("error", "warning"):
        assert found(verdict(level), forger.path(NUMBERS)) == found(verdict(level), forger.path(GRADIENTS)) == []
    assert found(verdict("notice"), forger.path(NUMBERS)) == []
    assert found(verdict("notice"), forger.path(GRADIENTS)) == [WHERE]
    assert found(verdict("notice"), forger.path(PLAN)) == [WHERE]


@pytest.mark.parametrize("name", [GRADIENTS, PLAN])
def test_methods_that_read_gradients_or_models_may_say_confined(forger, verdict, name: str) -> None:
    forger.edit(put(WHERE, "confined"), name)
    assert found(verdict("notice"), forger.path(name)) == []


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        (NUMBERS, both(put("provenance.threads", 2), put(SCORED, "in process")), WHERE),
        (NUMBERS, both(put("provenance.processes", 2), put(WHERE, "in process")), SCORED),
    ],
    ids=["confined with two threads", "forked from two processes"],
)
def test_what_cannot_be_is_refused(forger, verdict, name: str, change, field: str) -> None:
    forger.edit(change, name)
    assert found(verdict(), forger.path(name)) == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [(put(WHERE, "in process"), WHERE), (put(WHERE, ""), WHERE), (put(SCORED, ""), SCORED)],
    ids=["weaker than its kind allows", "where it ran left out", "where it was scored left out"],
)
def test_a_new_record_that_is_weaker_than_its_kind_allows_is_worth_a_look(forger, verdict, change, field) -> None:
    forger.edit(change, NUMBERS)
    assert found(verdict("warning"), forger.path(NUMBERS)) == [field]
    assert found(verdict(), forger.path(NUMBERS)) == []


def test_a_kind_can_be_confined_if_the_harness_confines_it() -> None:
    assert isolation.NUMBERS == source.NUMBERS
    assert {card.name for card in cards().values() if "/" in card.name} == {
        card.name for card in cards().values() if card.variant
    }
