"""A change of any parameter shows, whoever makes it and however small it is; what the harness does itself is sealed."""

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from bench.engine.gradients import TaskGradients
from bench.engine.seal import COLUMNS, Seal
from bench.errors import RunFailed

SIZES = [(3,), (5, 4), (1,), (COLUMNS["cpu"] * 2 + 7,), (2 * COLUMNS["cpu"] * 2 + 2,)]
"""Odd and even sizes, below and above what has factors of its own."""


def same(tensor: Tensor) -> Tensor:
    return tensor


def parameters(dtype: torch.dtype = torch.float32) -> list[Parameter]:
    torch.manual_seed(0)
    return [Parameter(torch.randn(size).to(dtype)) for size in SIZES]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_last_bit_of_any_parameter_shows(dtype: torch.dtype) -> None:
    made = parameters(dtype)
    seal = Seal(made, same)
    before = seal.fingerprint()
    assert seal.fingerprint() == before
    for parameter in made:
        for place in (0, parameter.numel() - 1):
            flat = parameter.data.view(-1)
            kept = flat[place].clone()
            flat[place] = torch.nextafter(kept.float(), torch.tensor(9.0)).to(dtype) if dtype != torch.bfloat16 else 2.0
            assert seal.fingerprint() != before
            flat[place] = kept
    assert seal.fingerprint() == before


def test_numbers_that_change_places_show_and_so_does_a_changed_sign_of_zero() -> None:
    made = [Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0])), Parameter(torch.zeros(2))]
    seal = Seal(made, same)
    before = seal.fingerprint()
    made[0].data.copy_(torch.tensor([3.0, 4.0, 1.0, 2.0]))
    assert seal.fingerprint() != before
    made[0].data.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert seal.fingerprint() == before
    made[1].data.neg_()
    assert seal.fingerprint() != before


def test_a_tensor_put_in_place_of_another_shows() -> None:
    made = parameters()
    seal = Seal(made, same)
    seal.renew(begin=True)
    made[1].data = made[1].data.clone()
    seal.check()
    made[1].data = made[1].data + 1
    with pytest.raises(RunFailed, match=r"something other than the harness changed the model's parameters\."):
        seal.check()


def test_two_processes_have_other_factors() -> None:
    """Else a change could be prepared that no fingerprint shows."""
    made = parameters()
    assert Seal(made, same).fingerprint() != Seal(made, same).fingerprint()


def test_nothing_is_compared_before_it_begins() -> None:
    made = parameters()
    seal = Seal(made, same)
    seal.renew()
    made[0].data += 1
    seal.check()


def test_what_the_harness_sets_is_sealed_and_what_it_reads_is_checked() -> None:
    made = parameters()
    engine = TaskGradients(made, [str(number) for number in range(len(made))], tasks=2)
    engine.seal.renew(begin=True)
    engine.set_parameters(engine.parameters_now() + 1)
    engine.parameters_now()
    made[2].data += 1
    with pytest.raises(RunFailed):
        engine.parameters_now()
