"""Become another program that the kernel kills when the process that started it dies: `guard.py PARENT COMMAND...`.

A sweep that is killed can stop nothing, and its runs would continue unseen. Linux has this as a property of a
process, which outlives exec; elsewhere a run continues to its end, and its record is found by the next sweep.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Replace this process; parent: the process id of the sweep."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before it could be watched
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - a list of words, no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
