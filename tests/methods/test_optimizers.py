"""Wrappers that stand between a method and AdamW: golden values, and what AdamW makes of their answers."""

import pytest
import torch
from torch import Generator, Tensor

from methods import Layout, RunInfo, StepWrapper
from methods.apt import APT, APTSettings
from methods.muon import Muon, MuonSettings, orthogonal

MATRIX = Layout(("layer.weight",), (4,), ((2, 2),))


class NoPasses:
    """These wrappers make no passes."""

    gradients = losses = None


def mean(gradients: Tensor, twin: bool = False) -> Tensor:
    """The method inside."""
    return gradients.mean(dim=0)


def started(wrapper: StepWrapper) -> StepWrapper:
    return wrapper.start(RunInfo(2, torch.ones(2), 10))


def answer(wrapper: StepWrapper, direction: Tensor, layout: Layout) -> Tensor:
    return wrapper.combine(direction.expand(2, -1), layout, mean, NoPasses())


def stable_rank(matrix: Tensor) -> float:
    """How many singular values are like the largest: the sum of their squares by its square."""
    values = torch.linalg.svdvals(matrix)
    return float(values.square().sum() / values[0].square())


def test_muon_evens_out_singular_values() -> None:
    """Of diag(3, 1), by the polynomial on 3 and 1 over sqrt(10); the answer is as long as what was given."""
    values = [3 / 10**0.5, 1 / 10**0.5]
    for _ in range(5):
        values = [3.4445 * value - 4.7750 * value**3 + 2.0315 * value**5 for value in values]
    expected = torch.diag(torch.tensor(values).double())
    found = answer(started(Muon()), torch.tensor([3.0, 0.0, 0.0, 1.0]).double(), MATRIX).view(2, 2)
    torch.testing.assert_close(found, expected * 10**0.5 / expected.norm())
    assert found[0, 0] / found[1, 1] < 1.2 < 3


def test_muon_looks_ahead_along_its_momentum() -> None:
    """A row is its own orthogonal matrix. m = (.0475, .05), ahead (.045125, .0975), |m| / .0975 = .707338."""
    wrapper = started(Muon(MuonSettings(momentum=0.95)))
    row = Layout(("layer.weight",), (2,), ((1, 2),))
    first = answer(wrapper, torch.tensor([1.0, 0.0]).double(), row)
    second = answer(wrapper, torch.tensor([0.0, 1.0]).double(), row)
    torch.testing.assert_close(first, torch.tensor([1.0, 0.0]).double())
    expected = torch.tensor([0.045125, 0.0975]).double()
    size = (0.0475**2 + 0.05**2) ** 0.5 / 0.0975
    torch.testing.assert_close(second, expected / expected.norm() * size)


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (7, 7)])
def test_muon_keeps_singular_vectors(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, dtype=torch.float64, generator=Generator().manual_seed(1))
    found = orthogonal(matrix)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.65
    assert values.max() < 1.25
    symmetric = matrix.T @ found
    torch.testing.assert_close(symmetric, symmetric.T)


@pytest.mark.parametrize(
    ("name", "shape"), [("layer.bias", (4,)), ("model.embed_tokens.weight", (2, 2)), ("experts", (1, 2, 2))]
)
def test_muon_passes_on_what_is_no_hidden_matrix(name: str, shape: tuple[int, ...]) -> None:
    given = torch.tensor([3.0, 0.5, -1.0, 2.0])
    assert torch.equal(answer(started(Muon()), given, Layout((name,), (4,), (shape,))), given)


def test_adamw_leaves_most_of_what_muon_does() -> None:
    """Where one direction outweighs all others tenfold, AdamW alone moves along few, and behind Muon along many."""

    def moved(wrapped: bool) -> float:
        source = Generator().manual_seed(3)
        strong = torch.outer(torch.randn(8, generator=source), torch.randn(8, generator=source))
        weight = torch.nn.Parameter(torch.zeros(8, 8))
        steady = torch.randn(8, 8, generator=source)
        wrapper, layout = started(Muon()), Layout(("layer.weight",), (64,), ((8, 8),))
        optimizer = torch.optim.AdamW([weight], lr=1.0, weight_decay=0.0, betas=(0.9, 0.999))
        for _ in range(30):
            given = (10 * strong + steady + 0.1 * torch.randn(8, 8, generator=source)).flatten()
            weight.grad = (answer(wrapper, given, layout) if wrapped else given).view(8, 8)
            optimizer.step()
        return stable_rank(weight.detach())

    assert moved(False) < 2 < 4 < moved(True)


def test_apt_golden_values() -> None:
    """Orthogonal directions halfway between .5 and .9: W = .3, .51; a = (.21, .3) / .51; c = .1, .19."""
    wrapper = started(APT())
    first = answer(wrapper, torch.tensor([1.0, 0.0]).double(), Layout(("bias",), (2,), ((2,),)))
    second = answer(wrapper, torch.tensor([0.0, 1.0]).double(), Layout(("bias",), (2,), ((2,),)))
    torch.testing.assert_close(first, torch.tensor([1.0, 0.0]).double())
    expected = [(0.19 * 0.21 / 0.51 - 0.09) / 0.1, 0.19 * 0.3 / 0.51 / 0.1]
    torch.testing.assert_close(second, torch.tensor(expected).double())


def test_apt_with_one_memory_changes_nothing() -> None:
    wrapper = started(APT(APTSettings(least=0.9, most=0.9)))
    source = Generator().manual_seed(4)
    for _ in range(6):
        given = torch.randn(4, dtype=torch.float64, generator=source)
        torch.testing.assert_close(answer(wrapper, given, MATRIX), given)


def test_the_first_moment_of_adamw_is_the_adaptive_one() -> None:
    """And follows a reversed direction at once, where its own would still point back."""
    wrapper = started(APT(APTSettings(least=0.0)))
    weight = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
    optimizer = torch.optim.AdamW([weight], lr=0.1)
    given = torch.tensor([1.0, 2.0, -1.0, 0.5]).double()
    for step in range(1, 6):
        weight.grad = answer(wrapper, given if step < 5 else -given, MATRIX)
        optimizer.step()
        moment = optimizer.state[weight]["exp_avg"] / (1 - 0.9**step)
        torch.testing.assert_close(moment, wrapper.average)
    torch.testing.assert_close(wrapper.average, -given)


@pytest.mark.parametrize("wrapper", [Muon(), APT()])
def test_they_go_on_where_they_were(wrapper: StepWrapper) -> None:
    given = torch.tensor([1.0, 2.0, -1.0, 0.5])
    started(wrapper)
    answer(wrapper, given, MATRIX)
    saved = wrapper.state_dict()
    expected = answer(wrapper, given.flip(0), MATRIX)
    resumed = started(type(wrapper)())
    resumed.load_state_dict(saved)
    assert torch.equal(answer(resumed, given.flip(0), MATRIX), expected)
