"""Stands in for `bench run`: takes its words, and does what the method's name says with a record made before.

The folder STANDIN_BANK holds the records as a store does; every beginning is a line of its file begun.txt.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

bank = Path(os.environ["STANDIN_BANK"])
words = dict(word.split("=", 1) for word in sys.argv[1:])
place = Path(words["suite"], words["method"], f"{words['seed']}.json")
target = Path(words["store"]) / place


def deliver() -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copy(bank / place, draft)
    os.replace(draft, target)


def note(what: str) -> None:
    with (bank / "begun.txt").open("a") as file:
        file.write(f"{what} {words['method']} {words['seed']} {os.getpid()}\n")


def sleep_with_a_child() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    note(f"child {child.pid} of")
    time.sleep(60)


def end_when_told() -> None:
    try:
        sleep_with_a_child()
    except KeyboardInterrupt:
        note("interrupted")
        sys.exit(1)


def be_deaf() -> None:
    signal.signal(signal.SIGINT, lambda *_: note("told"))
    note("deaf")
    time.sleep(60)


def leave_it_to_another() -> None:
    """Another process has claimed the run, and is about to end it."""
    code = (
        "import os, shutil, sys, time; from pathlib import Path; from bench.records.claims import claim\n"
        "store, place, bank = map(Path, sys.argv[1:])\n"
        "with claim(store / place, store) as mine:\n"
        "    assert mine; print(flush=True); time.sleep(1.5)\n"
        "    (store / place).parent.mkdir(parents=True, exist_ok=True)\n"
        "    shutil.copy(bank / place, store / 'draft'); os.replace(store / 'draft', store / place)\n"
    )
    arguments = [sys.executable, "-c", code, words["store"], str(place), str(bank)]
    other = subprocess.Popen(arguments, stdout=subprocess.PIPE, start_new_session=True)
    assert other.stdout
    other.stdout.readline()
    sys.exit("bench: another process runs it.")


def claim_and_deliver() -> None:
    from bench.records.claims import claim

    with claim(target, Path(words["store"])) as mine:
        assert mine, "the sweep holds the run's own claim"
        deliver()


def main(kind: str) -> None:
    print("load ...", flush=True)
    print("train ...\nstep 1/2  arithmetic 0.50  1 s left", flush=True)
    if kind == "slow":
        time.sleep(1)
    if kind == "hangs":
        sleep_with_a_child()
    elif kind == "obeys":
        end_when_told()
    elif kind == "later" and not (bank / f"begun_{words['seed']}").exists():
        (bank / f"begun_{words['seed']}").touch()
        time.sleep(60)
    elif kind == "deaf":
        be_deaf()
    elif kind == "refused":
        leave_it_to_another()
    elif kind == "dies" or (kind == "once" and not (bank / "died once").exists()):
        (bank / f"died {kind}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "raises":
        raise ValueError("a bug of ours")
    elif kind == "misused":
        print("bench: there is no such key.\n", file=sys.stderr)
        sys.exit(2)
    elif kind == "claims":
        claim_and_deliver()
    elif kind != "silent":
        deliver()
    sys.exit(1 if kind == "fails" else 0)


note("begun")
main(words["method"].partition("_")[0])
