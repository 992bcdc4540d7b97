"""Runs that die: SIGKILL at random moments, until so many have died; then to the end. Arguments: FOLDER KILLS SEED.

One process loads the training stack and forks every attempt, and one server of confined methods, which is what makes
forty of them cheap. A run that is done is looked at and begun again. What was seen is printed as JSON.
"""

import gc
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.records.rules import problems_in
from bench.records.store import read, record_files
from bench.request.request import parse_request
from bench.run.story import run
from bench.sweeps.fork_server import load_stack
from bench.training.checkpoint import file as checkpoint_file
from bench.training.checkpoint.keeper import VARIABLE

SMOKE = (
    "suite=smoke-v1",
    "evaluation.items=8",
    "recipe.steps=3",
    "recipe.prompts_per_task=2",
    "recipe.rollouts_per_prompt=2",
)
RUNS = (
    ("method=famo", "seed=0"),
    ("method=rlw", "seed=1", "regime=sft", "recipe.validation_rows=32"),
    ("method=order_matters", "seed=2", "method.probe=1"),
)
POINTS = ("fsync", "replace", "replaced", "torn", "chmod", "unlink")
"""Inside of a write: before the data is forced to the disk, before and after it replaces what was there, with half of
it written; in a record's write; when a finished run takes its checkpoint away."""


class Nobody:
    """A watcher that looks away."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


def attempt(words: tuple[str, ...], store: Path, after: float | None = None, point: str = "", nth: int = 1) -> int:
    """Exit status of a run in a process of its own, minus a signal's number; killed after seconds, or at a point."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.mkdir(parents=True, exist_ok=True)
            sys.stderr = (store.parent / "log").open("a")
            if point:
                arm(point, nth)
            run(parse_request([*SMOKE, *words, f"store={store}"]), Nobody())
            code = 0
        finally:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(code)
    until = time.monotonic() + (after if after is not None else 300)
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(ended[1])


def arm(point: str, nth: int) -> None:
    """Die at the nth call of a function."""
    if point == "torn":
        checkpoint_file.save_file = dying(checkpoint_file.save_file, nth, tear)
    elif point == "replaced":
        os.replace = dying(os.replace, nth, lambda replace, *args: replace(*args))
    elif point == "unlink":
        Path.unlink = dying(Path.unlink, nth, lambda *_, **__: None)
    else:
        setattr(os, point, dying(getattr(os, point), nth, lambda *_: None))


def dying(function: Callable, nth: int, last: Callable) -> Callable:
    calls = 0

    def called(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == nth:
            last(function, *args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)

    return called


def tear(save: Callable, tensors: object, path: Path, header: object) -> None:
    save(tensors, path, header)
    os.truncate(path, path.stat().st_size // 2)


def look(store: Path, expected: str) -> list[str]:
    """What is wrong with the one record in a store; it is taken away."""
    found = list(record_files(store))
    wrong = [f"{len(found)} records"] if len(found) != 1 else []
    for path in found:
        wrong += [str(problem) for problem in problems_in(path)]
        if read(path).outcome_digest != expected:
            wrong.append("another outcome")
        path.unlink()
    return wrong + [str(path) for path in store.rglob("*") if path.is_file() and path.suffix != ".lock"]


class Watch:
    """What became of the attempts at the runs."""

    def __init__(self, folder: Path) -> None:
        self.killed, self.finished, self.wrong = 0, 0, list[str]()
        os.environ[VARIABLE] = "never"
        self.stores = [folder / f"store{index}" for index in range(len(RUNS))]
        self.expected, self.seconds = list[str](), list[float]()
        for words in RUNS:
            began, store = time.monotonic(), folder / "undisturbed" / words[0]
            assert attempt(words, store) == 0, (store.parent / "log").read_text()
            self.seconds.append(time.monotonic() - began)
            (path,) = record_files(store)
            self.expected.append(read(path).outcome_digest)
        os.environ[VARIABLE] = "0"

    def once(self, index: int, **death: Any) -> None:
        """One attempt, and a look at what it left."""
        code = attempt(RUNS[index], self.stores[index], **death)
        self.killed += code == -signal.SIGKILL
        self.finished += code == 0
        if code == 0:
            self.wrong += look(self.stores[index], self.expected[index])
        elif code != -signal.SIGKILL:
            self.wrong.append(f"{RUNS[index]}: exit status {code}")


def main(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    load_stack()
    gc.freeze()
    watch = Watch(folder)
    while watch.killed < kills and not watch.wrong:
        index = chance.randrange(len(RUNS))
        if chance.random() < 0.35:
            watch.once(index, point=chance.choice(POINTS), nth=chance.randint(1, 3))
        else:
            watch.once(index, after=chance.uniform(0, watch.seconds[index]))
    for index in range(len(RUNS)):
        watch.once(index)
    print(json.dumps({"killed": watch.killed, "finished": watch.finished, "wrong": watch.wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
