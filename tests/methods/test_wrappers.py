"""Wrappers that change what a method returns: its weights, or the part of its direction that is kept."""

import pytest
import torch
from torch import Generator, Tensor
from torchjd.aggregation import CRMOGMWeighting, MeanWeighting

from methods import Layout, RunInfo, StepWrapper
from methods._battery.inputs import signals_of
from methods._offsets import along, length
from methods.cr_mogm import CRMOGM, CRMOGMSettings
from methods.sparse_training import SparseTraining, SparseTrainingSettings

LAYOUT = Layout(("matrix", "vector"), (8, 4), ((2, 4), (4,)))


class NoPasses:
    """A wrapper that only masks makes no passes."""

    gradients = losses = None


def product(gradients: Tensor, twin: bool = False) -> Tensor:
    """Of the tasks' entries: the method inside."""
    assert not twin
    return gradients.prod(dim=0)


def started(wrapper: StepWrapper) -> StepWrapper:
    return wrapper.start(RunInfo(2, torch.ones(2), 10))


@pytest.mark.parametrize("size", [1e-30, 1e-25, 1e-9, 1e9, 1e25])
def test_lengths_survive_where_float32_squares_do_not(size: float) -> None:
    vector = torch.full((3 << 20,), size)
    vector[1] = -size
    assert length(vector) == pytest.approx(size * (3 << 20) ** 0.5, rel=1e-6)
    unit = along(vector, 1.0)
    assert unit.dtype == torch.float32
    torch.testing.assert_close(unit[:2], torch.tensor([1.0, -1.0]) / (3 << 20) ** 0.5)


KEPT = [
    # the two largest of four in every row, by size
    (0.5, [[4.0, -3.0, 2.0, 1.0], [0.1, 0.2, -0.3, 0.4]], [[1, 1, 0, 0], [0, 0, 1, 1]]),
    # at least one
    (0.0, [[1.0, -2.0], [0.0, 0.5]], [[0, 1], [0, 1]]),
    (1.0, [[1.0, 2.0], [3.0, 4.0]], [[1, 1], [1, 1]]),
    # a third of 5, rounded: 2
    (1 / 3, [[1.0, 2.0, 3.0, 4.0, 5.0]], [[0, 0, 0, 1, 1]]),
    # as large as the last one kept
    (0.5, [[3.0, -1.0, 1.0, 1.0]], [[1, 1, 1, 1]]),
    (0.25, [[0.0, 0.0, 0.0, 0.0]], [[1, 1, 1, 1]]),
    # one input weight a neuron
    (0.5, [0.0, 0.1, 100.0], [1, 1, 1]),
    # the inputs of a filter are all that is in it
    (0.5, [[[1.0, 4.0], [3.0, 2.0]]], [[[0, 1], [1, 0]]]),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("share", "weights", "expected"), KEPT)
def test_sparse_training_keeps_the_largest_weights_of_a_neuron(
    share: float, weights: list[float], expected: list[int], dtype: torch.dtype
) -> None:
    tensor, mask = torch.tensor(weights, dtype=dtype), torch.tensor(expected, dtype=dtype)
    wrapper = started(SparseTraining(SparseTrainingSettings(share=share)))
    layout = Layout(("only",), (tensor.numel(),), (tuple(tensor.shape),))
    wrapper.prepare(tensor.flatten(), layout)
    direction = torch.arange(1, tensor.numel() + 1, dtype=dtype)
    answer = wrapper.combine(direction[None], layout, product, NoPasses())
    assert answer.dtype == dtype
    assert torch.equal(answer, direction * mask.flatten())


def test_sparse_training_masks_what_the_method_inside_returns() -> None:
    """Every tensor by itself; the method sees whole gradients."""
    wrapper = started(SparseTraining(SparseTrainingSettings(share=0.25)))
    weights = torch.tensor([1.0, 0.0, 9.0, 0.0, 0.2, 0.1, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0])
    wrapper.prepare(weights, LAYOUT)  # rows (1, 0, 9, 0) and (.2, .1, 0, 0), then a vector
    rows = torch.arange(1.0, 25.0).view(2, 12)
    before = rows.clone()
    answer = wrapper.combine(rows, LAYOUT, product, NoPasses())
    learns = torch.tensor([0, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1])
    assert torch.equal(answer, rows[0] * rows[1] * learns)
    assert torch.equal(rows, before)


def test_sparse_training_leaves_masked_weights_where_they_are() -> None:
    """In steps of AdamW without weight decay: where gradients are zero from the start, so are its moments."""
    source = Generator().manual_seed(2)
    weights = torch.nn.Parameter(torch.randn(12, generator=source))
    before = weights.detach().clone()
    wrapper = started(SparseTraining(SparseTrainingSettings(share=0.5)))
    wrapper.prepare(before, LAYOUT)
    optimizer = torch.optim.AdamW([weights], lr=0.1, weight_decay=0.0)
    for _ in range(5):
        weights.grad = wrapper.combine(torch.randn(2, 12, generator=source), LAYOUT, product, NoPasses())
        optimizer.step()
    assert torch.equal(weights.detach() == before, wrapper.frozen)
    assert int(wrapper.frozen.sum()) == 4


HEARD = signals_of(torch.eye(2).double())
"""Signals of a step in which both tasks have a gradient."""
SMOOTHED = [
    # a half of the mean so far, a half of the new ones
    (0.5, [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.5, 0.5], [0.75, 0.25]]),
    (0.9, [[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.55, 0.45]]),
    (0.0, [[1.0, 0.0], [0.3, 0.9]], [[1.0, 0.0], [0.3, 0.9]]),
    (1.0, [[0.2, 0.4], [0.3, 0.9]], [[0.2, 0.4], [0.2, 0.4]]),
]


@pytest.mark.parametrize(("alpha", "given", "expected"), SMOOTHED)
def test_cr_mogm_averages_the_weights(alpha: float, given: list[list[float]], expected: list[list[float]]) -> None:
    """As TorchJD's, given the same weights."""
    wrapper = started(CRMOGM(CRMOGMSettings(alpha=alpha)))

    class Given(MeanWeighting):
        def forward(self, matrix: Tensor, /) -> Tensor:
            return matrix[0]

    peer = CRMOGMWeighting(Given(), alpha=alpha)
    for weights, smoothed in zip(given, expected, strict=True):
        answer = wrapper.smooth(torch.tensor(weights).double(), HEARD)
        torch.testing.assert_close(answer, torch.tensor(smoothed).double())
        torch.testing.assert_close(answer, peer(torch.tensor([weights]).double()))


def test_cr_mogm_leaves_a_silent_task_out_and_remembers_it() -> None:
    """Halves of (1/2, 1/2) and (1, 0); task 1 is silent in the second step, and back in the third with its mean."""
    wrapper = started(CRMOGM(CRMOGMSettings(alpha=0.5)))
    silent = signals_of(torch.tensor([[1.0, 0.0], [0.0, 0.0]]).double())
    given = [([0.5, 0.5], HEARD), ([1.0, 0.0], silent), ([0.0, 1.0], HEARD)]
    found = [wrapper.smooth(torch.tensor(weights).double(), signals).tolist() for weights, signals in given]
    assert found == [[0.5, 0.5], [0.75, 0.0], [0.375, 0.75]]


def test_cr_mogm_remembers_in_its_state() -> None:
    wrapper = started(CRMOGM())
    first, second = torch.tensor([0.25, 0.75]).double(), torch.tensor([0.6, 0.4]).double()
    wrapper.smooth(first, HEARD)
    saved = wrapper.state_dict()
    expected = wrapper.smooth(second, HEARD)
    resumed = started(CRMOGM())
    resumed.load_state_dict(saved)
    assert torch.equal(resumed.smooth(second, HEARD), expected)
    wrapper.reset()
    assert torch.equal(wrapper.smooth(second, HEARD), second)
    assert first.tolist() == [0.25, 0.75]
    assert wrapper.needs_weights
