"""What a confined process adds to a step: wall milliseconds of a method's answers there and in this process, in turns.

Beside a step of a nano run, which takes more than a second.
"""

from statistics import median
from time import perf_counter

import pytest

from methods import Method
from methods._battery.inputs import Step
from methods._registry import cards
from tests.bench.training.confined.test_equal import CASE, answers, pair

TIMES = 40


@pytest.mark.parametrize("name", ["uniform", "norm_equalised", "sec", "token_mean", "nash_mtl"])
def test_confined(name: str) -> None:
    apart, here = pair(cards()[name])
    both = [(milliseconds(apart, step), milliseconds(here, step)) for step in CASE.steps * (TIMES // len(CASE.steps))]
    there, inside = (median(column) for column in zip(*both, strict=True))
    print(f"\n{name}: confined {there:.2f} ms a step, in process {inside:.2f} ms")


def milliseconds(method: Method, step: Step) -> float:
    began = perf_counter()
    answers(method, step)
    return 1000 * (perf_counter() - began)
