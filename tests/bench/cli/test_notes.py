"""What a command says before it trains, so that nobody trains for nothing."""

from pathlib import Path

import pytest

from bench.cli.commands import running
from bench.records import provenance
from bench.request.request import RESULTS


@pytest.mark.parametrize(
    ("official", "store", "files", "said"),
    [
        (True, RESULTS, ["suites/a.yaml"], "not committed: suites/a.yaml. "),
        (True, RESULTS, ["a", "b", "c", "d"], "not committed: a, b, c and 1 more. "),
        (True, RESULTS, [], ""),
        (True, Path("runs"), ["suites/a.yaml"], ""),
        (False, RESULTS, ["suites/a.yaml"], ""),
    ],
    ids=["a change", "many", "none", "another store", "exploratory"],
)
def test_a_record_that_would_be_refused_is_told_before(monkeypatch, capsys, official, store, files, said) -> None:
    """An official one, in results/, of code that no commit has."""
    monkeypatch.setattr(provenance, "changed", lambda: files)
    running._note_changes(official, store)
    told = capsys.readouterr().err
    assert said in told if said else told == ""
