"""Merging of models with low-rank adapters: on the products B A, and back to factors of the same rank."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from bench.errors import UserError
from methods import Layout, RunInfo, RunPlan, Signals, _registry
from methods._adapters import Products
from methods._specialists import merged
from methods.sparse_training import SparseTraining

RANK = 2
LAYOUT = Layout(
    ("norm.weight", "q.lora_A.weight", "q.lora_B.weight", "head.weight"),
    (3, 8, 10, 6),
    ((3,), (RANK, 4), (5, RANK), (2, 3)),
)
WIDTH = sum(LAYOUT.sizes)


def random_models(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, WIDTH, dtype=torch.float64, generator=Generator().manual_seed(seed))


def product(model: Tensor) -> Tensor:
    """B A of a model, [5, 4]."""
    return model[11:21].view(5, RANK) @ model[3:11].view(RANK, 4)


class Trained:
    """`Stages` that hand out given models, one a stage, and cost nothing."""

    layout, left = LAYOUT, 6.0

    def __init__(self, start: Tensor, models: Tensor) -> None:
        self.now, self.models = start, list(models)

    def parameters(self) -> Tensor:
        return self.now.clone()

    def load(self, parameters: Tensor) -> None:
        self.now = parameters.clone()

    def train(self, *_: Any, **__: Any) -> list[Signals]:
        self.now = self.models.pop(0)
        return []

    def score(self, size: float) -> Tensor:
        raise AssertionError


def test_factors_become_their_product_and_other_tensors_stay() -> None:
    (model,) = random_models(1)
    products = Products(LAYOUT)
    assert products.layout.shapes == ((3,), (5, 4), (2, 3))
    (wide,) = products.expanded(model[None])
    torch.testing.assert_close(wide[3:23].view(5, 4), product(model))
    torch.testing.assert_close(torch.cat([wide[:3], wide[23:]]), torch.cat([model[:3], model[21:]]))


def test_folding_keeps_what_the_model_computes() -> None:
    """The factors may differ: only their product is in the model."""
    (model,) = random_models(1)
    products = Products(LAYOUT)
    folded = products.folded(products.expanded(model[None])[0])
    torch.testing.assert_close(product(folded), product(model))
    torch.testing.assert_close(folded[:3], model[:3])


def test_folding_is_the_nearest_product_of_the_rank() -> None:
    """Eckart and Young: what is lost is what the smaller singular values hold."""
    models = random_models(3)
    products = Products(LAYOUT)
    total = products.expanded(models).sum(dim=0)
    values = torch.linalg.svdvals(total[3:23].view(5, 4))
    lost = total[3:23].view(5, 4) - product(products.folded(total))
    torch.testing.assert_close(lost.norm(), values[RANK:].norm())


def test_one_task_alone_comes_back() -> None:
    """Merging a single specialist at scale 1 gives that specialist, whatever its adapter's start."""
    start, model = random_models(2)
    found = merged(Trained(start, model[None]), 1, 1.0, lambda vectors, _: vectors.sum(dim=0))
    torch.testing.assert_close(Products(LAYOUT).expanded(found[None]), Products(LAYOUT).expanded(model[None]))


@pytest.mark.parametrize("name", ["ties", "pcb_merging", "tsv_merge", "task_arithmetic"])
def test_other_factors_of_the_same_models_merge_to_the_same_model(name: str) -> None:
    """B R and R^-1 A are the same adapter; merged apart, as factors, they would give another model."""
    start, *models = random_models(3)
    turn = torch.tensor([[2.0, 1.0], [0.5, 1.5]], dtype=torch.float64)
    turned = []
    for model in models:
        other = model.clone()
        other[3:11] = (turn.inverse() @ model[3:11].view(RANK, 4)).flatten()
        other[11:21] = (model[11:21].view(5, RANK) @ turn).flatten()
        turned.append(other)

    found = [finished(name, start, torch.stack(specialists)) for specialists in (models, turned)]
    torch.testing.assert_close(product(found[0]), product(found[1]))
    torch.testing.assert_close(found[0][:3], found[1][:3])


def finished(name: str, start: Tensor, models: Tensor) -> Tensor:
    cls = _registry.load(name)
    method = cls(cls.Settings()).start(RunInfo(len(models), torch.full((len(models),), 100), 6))
    assert isinstance(method, RunPlan)
    return method.execute(Trained(start, models))


def test_sparse_training_refuses_adapters() -> None:
    with pytest.raises(UserError, match="adapters begin at random"):
        SparseTraining().prepare(random_models(1)[0], LAYOUT)
