"""Work that is shared out over processes ends as it does in one: in order, and with what it raises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.validation.parts import in_parts

SHARED = """
import os
from pathlib import Path
from bench.validation import parts

parts.MANY = 2
os.sched_getaffinity = lambda pid: {0, 1, 2}
paths = [Path(str(place)) for place in range(7)]
ready = []

def names(part):
    return os.getpid(), ready == [1], [path.name for path in part]

found = parts.in_parts(paths, names, lambda: ready.append(1))
assert [name for _, _, part in found for name in part] == list("0123456")
assert found[0][0] == os.getpid() and len({pid for pid, _, _ in found}) > 1
assert all(known for _, known, _ in found) and ready == [1]

try:
    parts.in_parts(paths, lambda part: [int("x" if path.name == "6" else path.name) for path in part], lambda: None)
except ValueError as error:
    print("raised", error)
print(parts.WORK)
"""
JUDGED = """
import sys
from pathlib import Path
from bench.validation import parts, verdict

parts.MANY = int(sys.argv[1])
found = verdict.validate(Path("results"), [Path("results/nano-v1/uniform"), Path("results/nano-noise-v1")])
print(found.records, sorted(found.skipped.items()), sorted(map(str, found.problems)), sorted(found.methods.items()))
"""


def printed(program: str, *words: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    return done.stdout


def test_parts_are_taken_in_order_and_errors_are_raised() -> None:
    assert printed(SHARED).split("\n")[:2] == ["raised invalid literal for int() with base 10: 'x'", "[]"]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor")
def test_a_verdict_is_the_same_however_many_processes_find_it() -> None:
    assert printed(JUDGED, "10") == printed(JUDGED, "100000")


def test_beside_torch_all_is_done_in_this_process() -> None:
    import torch

    assert torch
    paths = [Path(str(place)) for place in range(1000)]
    assert in_parts(paths, lambda part: (os.getpid(), len(part)), lambda: None) == [(os.getpid(), 1000)]
