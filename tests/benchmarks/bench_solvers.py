"""How long methods that need inner products only take over them, beside TorchJD on the same Gramians.

Ours: `combine_weights`, in float64. TorchJD: its weighting of the same name, in float32 as it would see them. The two
alternate on fresh Gramians, so that both meet the same machine and neither a problem it has just solved. It is the
process's own time that counts: others on the machine change it little.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Generator, Tensor
from torchjd import aggregation

from methods import GramianWeighting, RunInfo
from methods._battery.inputs import signals_of
from methods._registry import cards, load
from methods.torchjd import ARGUMENTS, TorchJD

ROUNDS = 20
WARM_UP = 3
WIDTH = 64
"""Of the gradients behind the Gramians; conflicts are as in wider ones."""

Prepare = Callable[[Tensor], Callable[[], object]]
"""Gradients [K, WIDTH] to what is timed."""
PEERS = {variant.lower(): variant for variant in TorchJD.variants}
"""TorchJD's names as ours are without underscores."""


def gradients_of(tasks: int, seed: int) -> Tensor:
    """Conflicting gradients whose norms differ by up to a factor of ten, [K, WIDTH] float64."""
    rows = torch.randn(tasks, WIDTH, dtype=torch.float64, generator=Generator().manual_seed(seed))
    return (rows - 0.9 * rows.mean(dim=0)) * torch.logspace(-1, 0, tasks, dtype=torch.float64)[:, None]


def ours(name: str, tasks: int) -> Prepare:
    method = load(name)().start(RunInfo(tasks, torch.ones(tasks), ROUNDS))
    return lambda rows: partial(method.combine_weights, signals_of(rows))


def peer(name: str, tasks: int) -> Prepare | None:
    """TorchJD's weighting of that name; None if it has none, or its packages are missing."""
    variant = PEERS.get(name.replace("_", ""))
    if variant is None:
        return None
    try:
        aggregator = getattr(aggregation, variant)(**ARGUMENTS.get(variant, lambda tasks: {})(tasks))
    except ImportError:
        return None
    if hasattr(aggregator, "gramian_weighting"):
        return lambda rows: partial(aggregator.gramian_weighting, (rows @ rows.T).float())
    # NashMTL and ConFIG take gradients: here they are narrow.
    return lambda rows: partial(aggregator, rows.float())


def milliseconds(solve: Callable[[], object]) -> float:
    began = time.process_time()
    solve()
    return 1e3 * (time.process_time() - began)


@pytest.mark.filterwarnings("ignore:You are solving a parameterized problem:UserWarning")
@pytest.mark.parametrize("tasks", [3, 8, 16])
def test_solvers(tasks):
    torch.set_num_threads(1)
    names = [name for name in cards() if issubclass(load(name), GramianWeighting)]
    solvers = {(name, side.__name__): side(name, tasks) for name in names for side in (ours, peer)}
    solvers = {key: prepare for key, prepare in solvers.items() if prepare is not None}
    times: dict[tuple[str, str], list[float]] = {key: [] for key in solvers}
    for index in range(WARM_UP + ROUNDS):
        rows = gradients_of(tasks, index)
        for key, prepare in solvers.items():
            times[key].append(milliseconds(prepare(rows)))
    middle = {key: statistics.median(taken[WARM_UP:]) for key, taken in times.items()}
    worst = {key: max(taken[WARM_UP:]) for key, taken in times.items()}
    print(f"\nK={tasks}, ms (largest of {ROUNDS})     {'ours':>16} {'TorchJD':>18} {'ratio':>7}")
    for name in names:
        columns = [
            f"{middle[name, side]:9.2f} ({worst[name, side]:6.2f})" if (name, side) in middle else f"{'-':>18}"
            for side in ("ours", "peer")
        ]
        ratio = f"{middle[name, 'peer'] / middle[name, 'ours']:6.2f}x" if (name, "peer") in middle else f"{'-':>7}"
        print(f"{name:28} {columns[0]} {columns[1]} {ratio}")
