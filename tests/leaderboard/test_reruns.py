"""A run's page says how often it was made again; without reproductions, not a byte differs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BrokenRecord
from bench.records.reproduction_files import path_of, to_text
from bench.records.reproductions import Spread, compare
from bench.records.schema import Record
from bench.records.store import write
from leaderboard.build import render
from leaderboard.reruns import load, summary

Make = Callable[..., Any]
PAGE = "runs/nano-v1/pcgrad/0.html"


@pytest.fixture
def results(tmp_path: Path, make_record: Make, save: Make) -> Path:
    for method in ("pcgrad", "uniform"):
        for seed in (0, 1):
            save(tmp_path / "results", make_record(method=method, seed=seed))
    return tmp_path / "results"


def reproduce(results: Path, record: Record, again: Record, label: str = "pcgrad") -> Path:
    found = compare(record, again, label, Spread(0.01))
    path = path_of(results.parent / "reproductions", found)
    write(path, to_text(found))
    return path


def page(results: Path) -> str:
    return dict(render(results))[PAGE].decode()


def test_reproductions_are_counted_by_their_verdict(results: Path, make_record: Make) -> None:
    record = make_record(method="pcgrad")
    for hardware, gains in (("<b>one</b>", [4, 5, 6]), ("another", [4, 5, 6]), ("a third", [4, 5, 30])):
        made = {"hardware": hardware}
        reproduce(results, record, make_record(method="pcgrad", gains=gains, provenance=made))
    text = page(results)
    assert '<p id="reproductions">Made again 3 times: 2 bitwise, 1 not reproduced.</p>' in text
    assert "&lt;b&gt;one&lt;/b&gt;" in text
    assert "another hardware" in text
    assert "<b>one" not in text


def test_the_page_leads_to_the_files(results: Path, make_record: Make) -> None:
    record = make_record(method="pcgrad")
    path = reproduce(results, record, record)
    files = dict(render(results))
    assert files[f"data/nano-v1/pcgrad/{path.name}"] == path.read_bytes()
    assert f'href="../../../data/nano-v1/pcgrad/{path.name}"' in files[PAGE].decode()


def test_a_site_without_reproductions_is_the_same_with_an_empty_folder(results: Path) -> None:
    before = dict(render(results))
    assert "reproductions" not in before[PAGE].decode()
    (results.parent / "reproductions").mkdir()
    assert dict(render(results)) == before


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"gains": [9, 9, 9]}, {"use": {"version": 2}}], ids=["seed", "outcome", "version"]
)
def test_what_quotes_another_run_is_not_shown(results: Path, make_record: Make, other: dict[str, Any]) -> None:
    """A reproduction counts for the very record that it names."""
    record = make_record(**{"method": "pcgrad", "seed": 0} | other)
    reproduce(results, record, record)
    assert "Made again" not in page(results)


def test_a_broken_file_stops_the_build_or_is_listed(results: Path, make_record: Make) -> None:
    record = make_record(method="pcgrad")
    path = reproduce(results, record, record)
    path.write_text(path.read_text().replace('"bitwise"', '"not reproduced"'))
    with pytest.raises(BrokenRecord, match="the numbers give 'bitwise'"):
        dict(render(results))
    files = dict(render(results, keep_going=True))
    assert "Made again" not in files[PAGE].decode()
    assert f"reproductions/nano-v1/pcgrad/{path.name}" in files["index.html"].decode()


def test_a_link_out_of_the_folder_is_not_followed(results: Path, make_record: Make, tmp_path: Path) -> None:
    record = make_record(method="pcgrad")
    path = reproduce(results, record, record)
    path.symlink_to(path.rename(tmp_path / "elsewhere.json"))
    with pytest.raises(BrokenRecord, match="is a link"):
        load(results)


def test_nothing_is_said_of_a_run_that_was_never_made_again() -> None:
    assert summary([]) == ""
