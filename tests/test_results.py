"""The committed records: each passes every check, and the calibration page quotes what they say."""

from pathlib import Path

import pytest

from bench.analysis.calibration import report
from bench.places import ROOT
from bench.records.rules import problems_in
from bench.records.store import read, record_files
from bench.request.request import RESULTS
from bench.request.suite import load_suite, suite_names
from methods._registry import load, settings_of

SUITES = {name: load_suite(name).model_dump(mode="json") for name in suite_names()}
RECORDS = sorted([*record_files(RESULTS), *record_files(ROOT / "docs" / "calibration")])


def test_there_are_records() -> None:
    assert len(RECORDS) >= 18


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_committed_record_is_valid(path: Path) -> None:
    assert problems_in(path, SUITES) == []


def test_every_point_of_a_suites_sweep_was_run_with_every_seed() -> None:
    suite = load_suite("nano-v1")
    found = {
        (tuple(record.method.settings["weights"]), record.seed)
        for record in map(read, record_files(RESULTS / suite.name))
        if record.method.name == "static"
    }
    points = [settings_of(load("static"), {"weights": weights}, suite.tasks) for weights in suite.sweep]
    assert len(points) >= 5
    assert {(tuple(point.weights), seed) for point in points for seed in suite.seeds} <= found


def test_the_calibration_page_quotes_the_report() -> None:
    page = (ROOT / "docs" / "nano.md").read_text(encoding="utf-8")
    lines = [line for line in report("nano-v1") if line.strip()]
    assert len(lines) > 10
    assert [line for line in lines if line.strip() not in page] == []
