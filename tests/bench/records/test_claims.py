"""Claims: one holder at a time, released by death, harmless when left behind."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records.claims import _locked_here, claim, claimed, lock_file
from bench.records.store import record_files, record_path

ROOT = Path(__file__).parents[3]
HOLDER = """
import os, sys, time
from pathlib import Path
from bench.records.claims import claim
path, store = map(Path, sys.argv[1:3])
with claim(path, store) as mine:
    {inside}
    print(mine, flush=True)
    time.sleep(60)
"""


def hold(path: Path, store: Path, inside: str = "pass") -> "subprocess.Popen[str]":
    """Another process that has claimed the run when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(inside=inside), str(path), str(store)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    assert process.stdout.readline() == "True\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


@pytest.fixture(params=["pcgrad", "torchjd/UPGrad"])
def path(tmp_path, request):
    return record_path(tmp_path, "nano-v1", request.param, 0)


def test_a_claim_is_held_as_long_as_its_block(tmp_path, path):
    assert not claimed(path, tmp_path)
    with claim(path, tmp_path) as mine:
        assert mine
        assert claimed(path, tmp_path)
        with claim(path, tmp_path) as second:
            assert not second
        assert claimed(path, tmp_path), "who was refused takes nothing away"
    assert not claimed(path, tmp_path)
    assert not lock_file(path, tmp_path).exists()
    with claim(path, tmp_path) as mine:
        assert mine


def test_each_run_and_each_purpose_has_a_claim_of_its_own(tmp_path):
    first, second = (record_path(tmp_path, "nano-v1", "pcgrad", seed) for seed in (0, 1))
    with claim(first, tmp_path) as one, claim(second, tmp_path) as two, claim(first, tmp_path, "sweep") as three:
        assert one
        assert two
        assert three
        assert claimed(first, tmp_path, "run")
        assert not claimed(second, tmp_path, "sweep")
    with claim(first, tmp_path, "sweep"):
        assert claimed(first, tmp_path)
        assert not claimed(first, tmp_path, "run")


def test_the_kernel_releases_the_claim_of_a_process_that_is_killed(tmp_path, path):
    other = hold(path, tmp_path)
    with claim(path, tmp_path) as mine:
        assert not mine
    assert claimed(path, tmp_path)
    end(other)
    assert not claimed(path, tmp_path)
    assert lock_file(path, tmp_path).exists(), "the file is left, and means nothing"
    with claim(path, tmp_path) as mine:
        assert mine


def test_a_forked_child_does_not_keep_the_claim_of_its_dead_parent(tmp_path, path):
    other = hold(path, tmp_path, inside="child = os.fork()\n    if not child: time.sleep(9); os._exit(0)")
    end(other)
    until = time.monotonic() + 5
    while claimed(path, tmp_path):
        assert time.monotonic() < until


def test_asking_does_not_disturb_who_claims(tmp_path):
    """The one who asks holds the lock for an instant; claiming is patient enough."""
    path = record_path(tmp_path, "nano-v1", "pcgrad", 0)
    with claim(path, tmp_path):
        pass
    code = (
        "import sys, time; from pathlib import Path; from bench.records.claims import claimed, lock_file\n"
        "path, store = map(Path, sys.argv[1:3]); file = lock_file(path, store); print(flush=True)\n"
        "until = time.monotonic() + 1\n"
        "while time.monotonic() < until: claimed(path, store)\n"
    )
    asking = subprocess.Popen([sys.executable, "-c", code, str(path), str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert asking.stdout
    asking.stdout.readline()
    while asking.poll() is None:
        with claim(path, tmp_path) as mine:
            assert mine
    asking.communicate()


def test_a_lock_on_a_file_that_was_taken_away_is_none(tmp_path):
    """Whoever opened it before its holder left has locked what nobody else will find."""
    file = tmp_path / "lock"
    handle = os.open(file, os.O_CREAT | os.O_RDWR)
    file.unlink()
    assert not _locked_here(handle, file)
    file.touch()
    assert not _locked_here(handle, file)
    os.close(handle)


def test_many_processes_that_want_one_claim_get_it_one_after_another(tmp_path, path):
    """Each adds one to a number, by reading, waiting and writing: an overlap would lose one."""
    number = tmp_path / "number"
    number.write_text("0")
    code = (
        "import sys, time; from pathlib import Path; from bench.records.claims import claim\n"
        "path, store, number = map(Path, sys.argv[1:4]); left = 5\n"
        "while left:\n"
        "    with claim(path, store) as mine:\n"
        "        if mine:\n"
        "            value = int(number.read_text()); time.sleep(0.005); number.write_text(str(value + 1)); left -= 1\n"
        "    time.sleep(0.002)\n"
    )
    words = [sys.executable, "-c", code, str(path), str(tmp_path), str(number)]
    racing = [subprocess.Popen(words, cwd=ROOT) for _ in range(3)]
    assert [process.wait(30) for process in racing] == [0, 0, 0]
    assert number.read_text() == "15"


def test_claims_are_no_records(tmp_path, path):
    with claim(path, tmp_path):
        assert list(record_files(tmp_path)) == []
        assert lock_file(path, tmp_path).is_relative_to(tmp_path / ".claims")


def test_a_store_that_cannot_be_written_is_one_sentence(tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    path = record_path(blocked, "nano-v1", "pcgrad", 0)
    with pytest.raises(UserError, match=r"cannot claim the run .*0\.json .*store=DIR"), claim(path, blocked):
        pass
    assert not claimed(path, blocked)


def test_a_claim_ends_with_an_error_or_a_signal(tmp_path, path):
    with pytest.raises(KeyError), claim(path, tmp_path):
        raise KeyError
    assert not claimed(path, tmp_path)
    other = hold(path, tmp_path)
    other.send_signal(signal.SIGTERM)
    other.communicate()
    until = time.monotonic() + 5
    while claimed(path, tmp_path):
        assert time.monotonic() < until


def test_a_store_without_room_is_noticed_before_the_run(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: a lock still fits, a record does not."""
    path = record_path(tmp_path, "nano-v1", "pcgrad", 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        with pytest.raises(UserError, match="free space or choose another"), claim(path, tmp_path):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not claimed(path, tmp_path)
    with claim(path, tmp_path) as ours:
        assert ours
        assert lock_file(path, tmp_path).stat().st_size == 0
