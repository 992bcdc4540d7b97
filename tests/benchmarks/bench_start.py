"""How long commands take to answer: processor seconds of a fresh process each, the least of three."""

import resource
import subprocess
import sys

import pytest

COMMANDS = (
    "--help",
    "methods",
    "suites",
    "run method=pcgrad dry_run=true",
    "run method=pcgard",
    "leaderboard nano-v1",
    "compare uniform pcgrad suite=nano-v1",
)
TIMES = 3


@pytest.mark.parametrize("words", COMMANDS)
def test_start(words):
    seconds = min(cost([sys.executable, "-m", "bench", *words.split()]) for _ in range(TIMES))
    print(f"\nbench {words}: {seconds:.2f} s")


def cost(command: list[str]) -> float:
    """Processor seconds of a command, those of the system included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
