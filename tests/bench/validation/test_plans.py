"""Plans that merge the same specialists have one trajectory and several final models: no alarm, unless it was bent."""

import shutil
from pathlib import Path

import pytest

from bench.protocol import PROTOCOL
from bench.request.request import RESULTS
from tests.bench.validation.test_inventions import scaled

TIES = "nano-v2/ties/0.json"
CURVES = "curves.naive_squared_norm"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two methods that merge specialists, new to history."""
    monkeypatch.setattr("bench.validation.mixture.PROTOCOL", PROTOCOL)
    for name in ("ties", "task_arithmetic"):
        shutil.copytree(RESULTS / "nano-v2" / name, tmp_path / "results" / "nano-v2" / name)
    return tmp_path / "results"


def test_merging_the_same_specialists_in_two_ways_is_no_copy(verdict) -> None:
    assert [problem for problem in verdict("warning") if problem.field == CURVES] == []


def test_specialists_of_another_plan_up_to_a_factor_are_worth_a_look(forger, verdict) -> None:
    data = forger.load(TIES)
    for name in ("naive_squared_norm", "squared_norm", "gramian"):
        data["curves"][name] = scaled(data["curves"][name], 0.999)
    for name in ("update_norm", "plain_norm"):
        data["curves"][name] = scaled(data["curves"][name], 0.999**0.5)
    forger.save(data, TIES)
    found = [problem.file.parent.name for problem in verdict("warning") if problem.field == CURVES]
    assert len(found) == 1
