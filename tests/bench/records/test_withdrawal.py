"""A withdrawal beside a record: what it must say, and what a reader of the store sees."""

from pathlib import Path
from typing import Any

import pytest

from bench.analysis.loading import load
from bench.errors import BrokenRecord, UserError
from bench.records.store import record_files
from bench.records.withdrawal import Withdrawal, text_of, withdrawal_of, withdrawal_path


@pytest.fixture
def withdrawn(make_record, save, tmp_path: Path):
    """A record and its withdrawal, changed by keywords."""

    def make(**changes: Any):
        for seed in range(3):
            save(tmp_path, make_record(seed=seed))
        record = make_record()
        path = tmp_path / "nano-v1/uniform/0.json"
        words = {"reason": "its machine had a broken clock.", "by": "A. Person", "date": "2026-02-03"}
        fitting = {"identity": record.identity, "outcome_digest": record.outcome_digest}
        withdrawal = Withdrawal.model_construct(**{**words, **fitting, **changes})
        withdrawal_path(path).write_text(text_of(withdrawal))
        return path, record

    return make


def test_a_withdrawal_is_found_beside_its_record(withdrawn):
    path, record = withdrawn()
    assert withdrawal_path(path).name == "0.withdrawn.json"
    found = withdrawal_of(path, record)
    assert found is not None
    assert found.by == "A. Person"
    assert withdrawal_of(path.with_name("1.json"), record) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"identity": "0" * 64}, "field identity: is not that of 0.json"),
        ({"outcome_digest": "0" * 64}, "field outcome_digest: is not that of 0.json"),
        ({"reason": "bad"}, "field reason: "),
        ({"by": ""}, "field by: "),
        ({"date": "3.2.2026"}, "field date: "),
        ({"schema_version": 2}, "field schema_version: "),
    ],
)
def test_a_withdrawal_that_withdraws_nothing_is_an_error(withdrawn, changes, said):
    with pytest.raises(UserError, match=said):
        withdrawal_of(*withdrawn(**changes))


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 50_000, '{"a": 1, "a": 2}', '{"a": NaN}', " " * 70_000])
def test_any_other_document_is_an_error(withdrawn, text):
    path, record = withdrawn()
    withdrawal_path(path).write_text(text)
    with pytest.raises(UserError, match=r"0\.withdrawn\.json: "):
        withdrawal_of(path, record)


def test_a_link_is_no_withdrawal(withdrawn, tmp_path: Path):
    path, record = withdrawn()
    withdrawal_path(path).rename(tmp_path / "elsewhere")
    withdrawal_path(path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="is not a file"):
        withdrawal_of(path, record)


def test_withdrawals_are_no_records(withdrawn, tmp_path: Path):
    withdrawn()
    assert [path.name for path in record_files(tmp_path)] == ["0.json", "1.json", "2.json"]


@pytest.mark.parametrize("suite", [None, "nano-v1"])
def test_the_site_leaves_a_withdrawn_run_out_and_lists_it(withdrawn, tmp_path: Path, suite):
    withdrawn()
    loaded = load(tmp_path, suite=suite)
    assert [run.record.seed for run in loaded.runs] == [1, 2]
    (listed,) = loaded.left_out
    assert str(listed) == (
        "nano-v1/uniform/0.json: field (file): was withdrawn on 2026-02-03: its machine had a broken clock. "
        "It no longer counts."
    )


def test_the_site_is_not_built_beside_a_withdrawal_of_nothing(withdrawn, tmp_path: Path):
    withdrawn(identity="0" * 64)
    with pytest.raises(BrokenRecord, match=r"0\.withdrawn\.json: field identity: "):
        load(tmp_path)
