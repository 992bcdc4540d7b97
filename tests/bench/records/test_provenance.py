"""Where a run was made."""

import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bench.records import provenance as module
from bench.records.provenance import HARNESS_VERSION, package_versions, processor, provenance, revision

START = datetime(2026, 1, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    for name in ("code.py", "results/0.json"):
        (tmp_path / name).write_text("old")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_times_are_utc_and_the_duration_is_in_seconds():
    made = provenance(START, START + timedelta(seconds=90), threads=2)
    assert (made.started, made.finished) == ("2026-01-01T10:00:00+00:00", "2026-01-01T10:01:30+00:00")
    assert (made.total_seconds, made.threads) == (90.0, 2)
    assert made.harness_version == HARNESS_VERSION
    assert made.packages["numpy"]
    assert made.hardware


def test_a_clock_that_is_set_back_gives_no_negative_duration():
    assert provenance(START, START - timedelta(seconds=5), threads=1).total_seconds == 0


def test_the_accelerator_is_named_if_it_is_given():
    assert provenance(START, START, 1, hardware="an accelerator").hardware == "an accelerator"


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        provenance(START.replace(tzinfo=None), datetime.now(UTC).replace(tzinfo=None), threads=1)


def test_packages_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PACKAGES", ("numpy", "no-such-distribution"))
    assert list(package_versions()) == ["numpy"]


def test_a_clean_checkout_has_a_commit(checkout: Path):
    commit, dirty = revision(checkout)
    assert len(commit) == 40
    assert not dirty


@pytest.mark.parametrize(
    ("file", "dirty"),
    [
        ("pyproject.toml", True),
        ("methods/never_committed.py", True),
        ("results/0.json", False),
        ("docs/page.md", False),
    ],
)
def test_what_can_change_a_number_makes_it_dirty(checkout: Path, file: str, dirty: bool):
    """Changed or never committed code; not a record that a sweep wrote, nor a page."""
    (checkout / file).parent.mkdir(exist_ok=True)
    (checkout / file).write_text("new")
    assert revision(checkout)[1] is dirty
    assert module.changed(checkout) == ([file] if dirty else [])


def test_a_git_hook_does_not_mislead(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert revision(checkout)[0] != "unknown"


def test_outside_a_checkout_of_its_own_nothing_is_known(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    assert revision(checkout / "results") == ("unknown", True)
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    assert revision(checkout) == ("unknown", True)


def test_the_processor_is_named_as_the_system_names_it(tmp_path: Path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: A Processor @ 2 GHz\nmodel name\t: another\n")
    assert processor(file) == "A Processor @ 2 GHz"
    file.write_text("processor\t: 0\n")
    assert processor(file)
    assert processor(tmp_path / "absent")
