"""Loss weights from levels of the losses (LBTW, LDC-MTL, GO4Align): golden values worked out by hand."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import Gramian, LossWeighting, RunInfo, Signals, _registry
from methods.go4align import grouped

NAN = math.nan


def vector(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def step(*gaps: float) -> Signals:
    """A step with these gaps, as losses where there are no rewards: they can be larger than 1."""
    none = torch.full((len(gaps),), NAN, dtype=torch.float64)
    gramian = torch.eye(len(gaps), dtype=torch.float64)
    return Signals(0, vector(*gaps), none, none, none, none, none, none, Gramian(gramian), gramian)


def weights(name: str, steps: Sequence[Sequence[float]], **values: Any) -> Tensor:
    """The weights of the last step, for the paper's rule on the loss of each step itself."""
    cls = _registry.load(name)
    tasks = len(steps[0])
    method = cls(cls.Settings(**{"decay": 0.0, **values})).start(RunInfo(tasks, torch.full((tasks,), 100), 10))
    assert isinstance(method, LossWeighting)
    for gaps in steps:
        found = method.weights(step(*gaps))
        method.observe(step(*gaps))
    return found


ROOT = 0.5**0.5
UP, DOWN = math.exp(0.025), math.exp(-0.025)
"""Adam's first step moves a logit by the rate, whatever the gradient's size."""
STEPS = [(4.0, 1.0, 2.0), (2.0, 1.0, 0.5)]
"""A half, all and a quarter are left."""
GOLDEN = [
    # roots of a half, one and a quarter
    ("lbtw", {}, STEPS, (ROOT / (ROOT + 1.5), 1 / (ROOT + 1.5), 0.5 / (ROOT + 1.5))),
    # at alpha 1, what is left itself
    ("lbtw", {"alpha": 1.0}, STEPS, (2 / 7, 4 / 7, 1 / 7)),
    # nothing counts
    ("lbtw", {"alpha": 0.0}, STEPS, (1 / 3, 1 / 3, 1 / 3)),
    # before the early level is known
    ("lbtw", {}, STEPS[:1], (1 / 3, 1 / 3, 1 / 3)),
    # a solved task weighs nothing
    ("lbtw", {}, [(1, 1), (0, 1)], (0, 1)),
    # the middle loss has one above and one below it; slopes 1, 1.1 and .9 over the levels 4, 1 and 2
    ("ldc_mtl", {}, STEPS, (0.25 / 1.8, 1.1 / 1.8, 0.45 / 1.8)),
    # without a penalty: 1 / level
    ("ldc_mtl", {"penalty": 0.0}, STEPS, (1 / 7, 4 / 7, 2 / 7)),
    # the warm-up
    ("ldc_mtl", {}, STEPS[:1], (1 / 3, 1 / 3, 1 / 3)),
    # derivatives by w of 1.1 and .45: the first logit falls and the second rises; then slopes 1.1 and .9 once more
    (
        "ldc_mtl",
        {},
        [(1, 1), (1, 0.5), (1, 0.5)],
        (1.1 * DOWN / (1.1 * DOWN + 0.9 * UP), 0.9 * UP / (1.1 * DOWN + 0.9 * UP)),
    ),
    # gamma is 7/6 over the losses, .583, 1.167 and 2.333; the first two form a group of mean .875
    ("go4align", {"beta": 0.0}, [(2, 1, 0.5)], (3 / 14, 3 / 14, 4 / 7)),
    # groups of one: 1 / loss
    ("go4align", {"beta": 0.0, "groups": 3}, [(2, 1, 0.5)], (1 / 7, 2 / 7, 4 / 7)),
    # one group
    ("go4align", {"groups": 1}, [(2, 1, 0.5)], (1 / 3, 1 / 3, 1 / 3)),
    # Q of two steps is e^(-2 ln 2) against 1; the last losses are equal
    ("go4align", {"beta": math.log(2)}, [(3, 1), (1, 1)], (1 / 5, 4 / 5)),
    # a task without prompts keeps its mean, and a step without a loss does not move its Q
    ("go4align", {"beta": 0.0}, [(2, 1), (NAN, 1)], (1 / 3, 2 / 3)),
]


@pytest.mark.parametrize(("name", "values", "steps", "expected"), GOLDEN)
def test_golden_values(
    name: str, values: dict[str, Any], steps: list[Sequence[float]], expected: Sequence[float]
) -> None:
    torch.testing.assert_close(weights(name, steps, **values), vector(*expected), rtol=0, atol=1e-9)


def test_ldc_mtl_weighs_by_the_gradient_of_its_problem() -> None:
    """The penalised problem of the paper, with all pairs for neighbours, differentiated by the losses."""
    first, now = vector(4.0, 1.0, 2.0, 3.0), vector(2.0, 0.9, 0.5, 3.1).requires_grad_()
    parts = now / first / 4
    pairs = sum((parts[i] - parts[j]).abs() for i in range(4) for j in range(i))
    (parts.sum() + 0.3 / 3 * pairs).backward()
    assert now.grad is not None
    found = weights("ldc_mtl", [first.tolist(), now.tolist()], penalty=0.3)
    torch.testing.assert_close(found, now.grad / now.grad.sum())


@pytest.mark.parametrize("groups", [1, 2, 3, 5])
def test_groups_are_the_best_that_there_are(groups: int) -> None:
    """Against every assignment of five values to so many groups."""
    values = torch.randn(5, dtype=torch.float64, generator=Generator().manual_seed(groups))
    found = (values - grouped(values, groups)).square().sum()
    for code in range(groups**5):
        labels = torch.tensor([code // groups**place % groups for place in range(5)])
        means = torch.stack([values[labels == label].mean() for label in labels])
        assert found <= (values - means).square().sum() + 1e-12


def test_groups_keep_the_order() -> None:
    values = vector(3.0, 1.0, 2.9, 1.1)
    torch.testing.assert_close(grouped(values, 2), vector(2.95, 1.05, 2.95, 1.05))
    ranked = grouped(values, 3)[values.argsort()].tolist()
    assert all(low <= high for low, high in pairwise(ranked))
