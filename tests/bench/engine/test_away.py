"""Task gradients that are away: the numbers of those that stay, from one row on the device."""

import pytest
import torch
from torch.nn import Parameter

from bench.engine import away
from bench.engine.away import AwayGradients
from bench.engine.gradients import TaskGradients
from bench.engine.world import World
from bench.errors import RunFailed

TASKS, SIZES = 4, ((40, 50), (77,))
NAMES = ["a", "b"]


def parameters(device: str = "cpu") -> list[Parameter]:
    return [Parameter(torch.zeros(size, device=device)) for size in SIZES]


def filled(kind: type[TaskGradients], absent: int | None = None, device: str = "cpu") -> TaskGradients:
    """A step's gradients, drawn; task 2 has one half. absent: a task without prompts."""
    engine = kind(parameters(device), NAMES, TASKS, World())
    for step in range(2):  # what the first leaves must not show in the second
        generator = torch.Generator().manual_seed(step)
        engine.start()
        for task in range(TASKS):
            halves = [torch.randn(len(SIZES), 2000, generator=generator) for _ in range(1 if task == 2 else 2)]
            if step == 1 and task == absent:
                continue
            for row, half in zip((task, TASKS), halves, strict=False):
                engine.point(row)
                for parameter, values in zip(engine.parameters, half, strict=True):
                    (parameter.flatten() @ values[: parameter.numel()].to(device)).backward()
            engine.join(task, 0.4 if len(halves) == 2 else None)
    return engine


@pytest.mark.parametrize("columns", [1 << 30, 512])
@pytest.mark.parametrize("absent", [None, 1])
def test_everything_is_as_of_rows_that_stay(columns: int, absent: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away, "COLUMNS", columns)
    stayed, gone = filled(TaskGradients, absent), filled(AwayGradients, absent)
    gramian = stayed.gramian()
    tight = {"rtol": 0.0, "atol": 1e-6 * gramian.diagonal().max().item()}
    torch.testing.assert_close(gone.gramian(), gramian, **tight)
    torch.testing.assert_close(gone.cross, stayed.cross, equal_nan=True, **tight)
    torch.testing.assert_close(gone.cross_gramian(gramian), stayed.cross_gramian(gramian), equal_nan=True, **tight)
    torch.testing.assert_close(gone.columns(slice(100, 300)), stayed.columns(slice(100, 300)), rtol=0, atol=0)

    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    for engine in (stayed, gone):
        engine.combine(weights)
        assert engine.clip(2.0, 1.0)
    torch.testing.assert_close(gone.combined, stayed.combined, rtol=1e-6, atol=1e-6)
    assert gone.parameters[0].grad is not None
    assert torch.equal(gone.parameters[0].grad.flatten(), gone.combined[:2000])


def test_one_row_is_on_the_device() -> None:
    assert AwayGradients(parameters(), NAMES, TASKS, World()).buffer.shape == (1, 2077)
    assert TaskGradients(parameters(), NAMES, TASKS, World()).buffer.shape == (TASKS + 1, 2077)


def test_whole_rows_are_not_to_be_had() -> None:
    with pytest.raises(RunFailed, match="a few columns at a time"):
        _ = AwayGradients(parameters(), NAMES, TASKS, World()).rows


def test_tasks_come_one_after_the_other() -> None:
    engine = AwayGradients(parameters(), NAMES, TASKS, World())
    engine.start()
    engine.point(0)
    with pytest.raises(AssertionError, match="task 0 is not joined"):
        engine.point(1)
    with pytest.raises(AssertionError, match="task 1 is not in the hand"):
        engine.join(1, None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
def test_on_an_accelerator_the_bits_are_the_same_and_the_rows_are_elsewhere() -> None:
    stayed, gone = (filled(kind, None, "cuda") for kind in (TaskGradients, AwayGradients))
    assert torch.equal(gone.gramian(), stayed.gramian())
    assert isinstance(gone, AwayGradients)
    assert gone.away.is_pinned()
    assert gone.combined.is_cuda
