"""Suites in several processes, where a store is large: each renders one suite, and hands over its files."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bench.analysis.board import board
from bench.analysis.loading import load, tuned_runs
from bench.records.rules import Problem
from bench.records.track import base_suite, is_tuned
from leaderboard.catalogue import Catalogue
from leaderboard.environment import environment
from leaderboard.overview import File, Overview
from leaderboard.pages import Pages
from leaderboard.reruns import Reruns

Done = tuple[Iterator[File], Overview, list[Problem]]
Whole = tuple[list[File], Overview, list[Problem]]

MANY = 1500
"""Records from which further processes are worth their start."""


@dataclass(frozen=True)
class Job:
    """What every suite is rendered from."""

    results: Path
    keep_going: bool
    again: Reruns
    catalogue: Catalogue

    def suite(self, name: str, overview: Overview, left_out: list[Problem]) -> Iterator[File]:
        """The files of a suite; adds to the overview, and to what is left out."""
        loaded = load(self.results, self.keep_going, name)
        left_out += loaded.left_out
        if not loaded.runs:
            return

        base = base_suite(name)
        names = [base] if is_tuned(name) and self._shown(base) else []
        pages = Pages(environment(), self.again, self.catalogue)
        tuned = tuned_runs(self.results, self.keep_going, name)[:1]
        yield from pages.suite(board(loaded.runs), overview, tuned, names)

    def _shown(self, name: str) -> bool:
        return (self.results / name).is_dir() and bool(load(self.results, self.keep_going, name).runs)


def rendered(job: Job, names: Sequence[str], records: int) -> Iterator[Done]:
    """The files of each suite in turn, then what it adds to the overview and what it leaves out.

    The overview is complete when the files have been taken. records: how many there are in all.
    """
    workers = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, len(names))
    if records < MANY or workers < 2:
        for name in names:
            overview, left_out = Overview(), list[Problem]()
            yield job.suite(name, overview, left_out), overview, left_out
        return

    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = deque[Future[Whole]]()
        # No more suites than processes wait to be written, so that a store of any size fits in memory.
        for name in names:
            waiting.append(pool.submit(whole, job, name))
            if len(waiting) > workers:
                yield _taken(waiting)
        while waiting:
            yield _taken(waiting)


def _taken(waiting: deque[Future[Whole]]) -> Done:
    files, overview, left_out = waiting.popleft().result()
    return iter(files), overview, left_out


def whole(job: Job, name: str) -> Whole:
    """A suite in a process of its own."""
    overview, left_out = Overview(), list[Problem]()
    return list(job.suite(name, overview, left_out)), overview, left_out
