"""A committed record can be made again: the slow proof that the leaderboard's numbers are what a run gives."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.config import RESULTS, parse_request
from bench.records.provenance import package_versions, processor
from bench.records.store import read
from bench.run import run


class Silent:
    def phase(self, name: str) -> None:
        """Shows nothing."""

    def step(self, step: int, total: int, rewards: Mapping[str, float]) -> None:
        """Shows nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["uniform", "pcgrad"])
def test_a_committed_record_is_reproduced(tmp_path: Path, method: str) -> None:
    """Bitwise on the same packages and processor; elsewhere the same start and a gain within the noise."""
    committed = read(RESULTS / "nano-v1" / method / "0.json")
    again = run(parse_request([f"method={method}", "suite=nano-v1", "seed=0", f"store={tmp_path}"]), Silent()).record
    assert again.identity == committed.identity
    there = committed.provenance
    if (there.packages, there.hardware) == (package_versions(), processor()):
        assert again.outcome_digest == committed.outcome_digest
    else:
        assert abs(again.mean_gain - committed.mean_gain) < 0.08
