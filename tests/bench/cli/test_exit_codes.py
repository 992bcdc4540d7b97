"""0 done, 1 failed, 2 usage error: as `bench --help` says, for every command; and every listing as JSON."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main as cli
from bench.records.reproduction_files import FOLDER
from bench.records.store import parse, read
from bench.request.request import RESULTS

RECORD = RESULTS / "nano-v1" / "pcgrad" / "0.json"


def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the entry point, in this process."""
    monkeypatch.setattr("sys.argv", ["bench", *words])
    try:
        cli.main()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_help_says_what_exit_codes_mean() -> None:
    text = CliRunner().invoke(cli.cli, ["--help"]).output
    for line in ("0  done", "1  failed", "2  usage error"):
        assert line in text


@pytest.mark.parametrize(
    "words",
    [
        ("methods", "--json"),
        ("methods", "static", "--json"),
        ("suites", "--json"),
        ("show", str(RECORD), "--json"),
        ("explain", "mgda", "uniform", "--json"),
        ("leaderboard", "--json"),
        ("compare", "mgda", "uniform", "--json"),
    ],
    ids=" ".join,
)
def test_listings_are_json_and_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code, out, err = bench(monkeypatch, capsys, *words)
    assert (code, err) == (0, "")
    assert json.loads(out)


def test_show_prints_the_whole_record(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = bench(monkeypatch, capsys, "show", str(RECORD), "--json")[1]
    assert parse(json.loads(text), "the output") == read(RECORD)
    assert text.isascii()


def test_a_record_that_is_refused_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken = tmp_path / FOLDER / "nano-v1" / "pcgrad" / "0.01234567.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    shutil.copytree(RECORD.parent, tmp_path / "results" / "nano-v1" / "pcgrad")
    words = ("site", "--results", str(tmp_path / "results"), "--out", str(tmp_path / "site"))
    code, _, err = bench(monkeypatch, capsys, *words)
    assert code == 1
    assert "0.01234567.json" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reproduce", "nowhere.json"), "cannot read nowhere.json"),
        (("reproduce", str(RECORD), "seed=3"), "says which run it is"),
        (("reproduce",), "which record?"),
        (("explain", "pcgrad"), "two"),
        (("explain", "pcgrad", "upgrad", "mgda"), "name two methods"),
        (("explain", "pcgrd", "uniform"), "Did you mean 'pcgrad'"),
        (("explain", "pcgrad", "uniform", "suite=nano"), "nano-v1"),
        (("submit", "suites"), "no part of a contribution"),
        (("submit", "/"), "outside of the checkout"),
        (("completion", "tcsh"), "bash"),
        (("completion",), "Missing argument"),
        (("show", "nowhere.json", "--json"), "cannot read"),
        (("methods", "pcgrd", "--json"), "Did you mean 'pcgrad'"),
    ],
)
def test_misuse_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    code, out, err = bench(monkeypatch, capsys, *words)
    assert code == 2
    assert said in err
    assert out == ""
    assert "Traceback" not in err
