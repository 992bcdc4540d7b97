"""Task gradients to update: Gramian, weights and weighted sum, beside TorchJD's aggregators on the same gradients.

The floor is the time to read the gradients twice, which no method that needs their inner products can do without. All
take turns, in one thread, so that all meet the same machine; medians of the process's own time are printed.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import Parameter
from torchjd import aggregation

from bench.engine.gradients import TaskGradients
from methods import Gramian, RunInfo
from methods._battery.inputs import signals_of
from methods._registry import cards, load
from methods.torchjd import ARGUMENTS

ROUNDS = 7
PAIRS = {
    "upgrad": "UPGrad",
    "dualproj": "DualProj",
    "mgda": "MGDA",
    "pcgrad": "PCGrad",
    "gradvac": "GradVac",
    "cagrad": "CAGrad",
    "nash_mtl": "NashMTL",
    "fairgrad": "FairGrad",
    "imtl_g": "IMTLG",
    "aligned_mtl": "AlignedMTL",
    "config": "ConFIG",
}
Stage = Callable[[], object]


def gradients_of(tasks: int, width: int) -> TaskGradients:
    gradients = TaskGradients([Parameter(torch.zeros(width))], ["all"], tasks)
    gradients.buffer.normal_(generator=Generator().manual_seed(0))
    return gradients


def ours(gradients: TaskGradients, name: str) -> list[Stage]:
    """Three stages: Gramian, weights, weighted sum."""
    tasks = gradients.tasks
    method = load(name)().start(RunInfo(tasks, torch.ones(tasks), ROUNDS))
    signals = signals_of(torch.eye(tasks))
    seen: dict[str, Tensor] = {}

    def measure() -> None:
        seen["gramian"] = gradients.gramian()

    def solve() -> None:
        seen["weights"] = method.combine_weights(replace(signals, gramian=Gramian(seen["gramian"])))

    return [measure, solve, lambda: gradients.combine(seen["weights"])]


def peer(gradients: TaskGradients, variant: str) -> list[Stage]:
    """One stage, or none if its packages are missing."""
    try:
        arguments = ARGUMENTS.get(variant, lambda tasks: {})(gradients.tasks)
        aggregator = getattr(aggregation, variant)(**arguments)
    except ImportError:
        return []
    return [lambda: aggregator(gradients.rows)]


def milliseconds(stage: Stage) -> float:
    began = time.process_time()
    stage()
    return 1e3 * (time.process_time() - began)


@pytest.mark.filterwarnings("ignore:You are solving a parameterized problem:UserWarning")
@pytest.mark.parametrize(("tasks", "width"), [(3, 10**6), (8, 10**6), (8, 5 * 10**6)])
def test_gramian_and_combination(tasks, width):
    torch.set_num_threads(1)
    gradients = gradients_of(tasks, width)
    rows = gradients.rows
    known = cards()
    contenders = {"floor": [lambda: (rows.sum(), rows.sum())]}
    contenders |= {name: ours(gradients, name) for name in PAIRS if name in known}
    contenders |= {variant: peer(gradients, variant) for variant in PAIRS.values()}
    times: dict[str, list[list[float]]] = {name: [] for name, stages in contenders.items() if stages}
    for _ in range(1 + ROUNDS):
        for name in times:
            times[name].append([milliseconds(stage) for stage in contenders[name]])
    middle = {name: list(map(statistics.median, zip(*taken[1:], strict=True))) for name, taken in times.items()}
    floor = middle["floor"][0]
    print(f"\nK={tasks}, P={width:.0e}: reading twice takes {floor:.1f} ms")
    print(f"{'ms':12} {'Gramian':>8} {'weights':>8} {'sum':>8} {'all':>8} {'x floor':>8} {'TorchJD':>9} {'x floor':>8}")
    for name, variant in PAIRS.items():
        total = sum(middle[name]) if name in middle else None
        own = [*middle[name], total, total / floor] if total is not None else [None] * 5
        other = [middle[variant][0], middle[variant][0] / floor] if variant in middle else [None] * 2
        cells = [f"{cell:8.1f}" if cell is not None else f"{'-':>8}" for cell in [*own, *other]]
        print(f"{name:12} {' '.join(cells[:5])}  {' '.join(cells[5:])}")
