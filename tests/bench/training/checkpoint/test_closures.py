"""Outer variables of functions: plain values and tensors are read and put back, all else is passed over."""

import torch

from bench.training.checkpoint.closures import put_back, variables


def test_what_a_function_remembers_is_read_and_put_back():
    before, seen, other = torch.ones(3), [1, 2], object()

    def after(step: int) -> None:
        nonlocal before
        assert other
        before = before + step
        seen.append(step)

    assert sorted(variables(after)) == ["before", "seen"]
    after(4)
    assert torch.equal(variables(after)["before"], torch.full((3,), 5.0))

    put_back(after, {"before": torch.zeros(3), "unknown": 1})
    assert torch.equal(before, torch.zeros(3))
    assert seen == [1, 2, 4]


def test_what_is_no_function_remembers_nothing():
    assert variables(None) == variables(abs) == variables([].append) == {}
    put_back(None, {"before": 1})
