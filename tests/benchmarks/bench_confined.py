"""What a confined process adds to a step: wall milliseconds of a method's answers there and in this process, in turns.

Beside a step of a nano run, which takes more than a second. Methods that read task gradients read five of a million.
"""

from statistics import median
from time import perf_counter
from typing import Any

import pytest
import torch
from torch import Generator

from bench.training.confined.proxy import Host
from bench.training.confined.source import source_of
from methods import Layout, Method, RunInfo, StepWrapper
from methods._battery.inputs import Step, signals_of
from methods._registry import cards, load
from tests.bench.training.confined.test_equal import CASE, Slopes, answers, pair

TIMES = 40
TASKS, SIZE = 5, 1_070_000


@pytest.mark.parametrize("name", ["uniform", "norm_equalised", "sec", "token_mean", "nash_mtl"])
def test_confined(name: str) -> None:
    apart, here = pair(cards()[name])
    both = [(milliseconds(apart, step), milliseconds(here, step)) for step in CASE.steps * (TIMES // len(CASE.steps))]
    there, inside = (median(column) for column in zip(*both, strict=True))
    print(f"\n{name}: confined {there:.2f} ms a step, in process {inside:.2f} ms")


@pytest.mark.parametrize("name", ["graddrop", "mgs", "db_mtl", "moco", "apt", "sparse_training", "f_mtl", "samo"])
def test_shared(name: str) -> None:
    """Methods that read task gradients, and wrappers, two of which make extra passes that cost nothing here."""
    rows = torch.randn(TASKS, SIZE, generator=torch.Generator().manual_seed(0))
    layout = Layout(("all",), (SIZE,), ((SIZE,),))
    signals = signals_of(rows)
    kind, run = load(name), RunInfo(TASKS, torch.ones(TASKS).double(), 100, 8, 30, 4)
    host = Host(cards()[name], source_of(cards()[name]), shared=rows.nbytes)
    methods = [start(kind.Settings(), Generator().manual_seed(0), run) for start in (host.start, begin(kind))]
    slopes = Slopes(rows)

    spent = [[], []]
    for method in methods:
        if isinstance(method, StepWrapper):
            method.prepare(rows[0], layout)
    for _ in range(10):
        for method, times in zip(methods, spent, strict=True):
            began = perf_counter()
            if isinstance(method, StepWrapper):
                method.combine(rows, layout, slopes.inner, slopes)
            else:
                method.combine(rows, layout, signals)
            times.append(1000 * (perf_counter() - began))
    there, inside = map(median, spent)
    print(f"\n{name}: confined {there:.0f} ms a step, in process {inside:.0f} ms")


def begin(kind: type[Method]) -> Any:
    return lambda settings, generator, run: kind(settings, generator).start(run)


def milliseconds(method: Method, step: Step) -> float:
    began = perf_counter()
    answers(method, step)
    return 1000 * (perf_counter() - began)
