"""A batch taken apart: the parts' gradients are the batch's, whatever the loss makes of the rows."""

from typing import Any

import torch
from torch import Tensor
from transformers.utils import ModelOutput

from bench.training.script.parts import Part, PartedModel

ROWS = torch.tensor([[1.0, 2.0], [-1.0, 0.5], [3.0, -2.0], [0.3, 0.7], [2.0, 2.0]])
PARTS = [Part(0, 0, torch.tensor([3, 0])), Part(0, 1, torch.tensor([4])), Part(1, 0, torch.tensor([1, 2]))]


class Toy(torch.nn.Module):
    """A score and its square of every row, a number of the whole batch, and how many rows it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([0.4, -0.2]))
        self.seen: list[int] = []

    def forward(self, rows: Tensor, scale: Tensor, flag: bool) -> ModelOutput:
        assert flag
        self.seen.append(len(rows))
        score = (rows * scale) @ self.weight
        return ModelOutput(score=score, square=score**2, batch=score.mean(), counted=score > 0)


def loss_of(output: Any) -> Tensor:
    """A loss that no sum over rows is: it divides by what all rows say, and clips at their median."""
    kept = output["score"] * (output["score"] >= output["score"].detach().median())
    return (kept.sum() + 0.1 * output["square"].sum()) / output["square"].detach().sum()


def gradient_of(model: Toy) -> Tensor:
    assert model.weight.grad is not None
    found = model.weight.grad.clone()
    model.weight.grad = None
    return found


def test_gradients_of_the_parts_add_up_to_that_of_the_batch() -> None:
    model = Toy()
    inputs = {"rows": ROWS, "scale": torch.tensor(1.5), "flag": True}
    loss_of(model(**inputs)).backward()
    whole = gradient_of(model)

    parted = PartedModel(model, PARTS)
    loss_of(parted(**inputs)).backward()
    assert model.weight.grad is None, "the loss's own pass ends before the parameters"
    parts = []
    for number in range(len(PARTS)):
        parted.backward(number)
        parts.append(gradient_of(model))

    assert torch.allclose(torch.stack(parts).sum(dim=0), whole, rtol=1e-6)
    assert model.seen == [5, 2, 1, 2]


def test_a_part_is_what_its_own_rows_add() -> None:
    model = Toy()
    parted = PartedModel(model, PARTS)
    parted(rows=ROWS, scale=torch.tensor(1.5), flag=True)["score"].sum().backward()
    parted.backward(2)
    assert torch.allclose(gradient_of(model), 1.5 * ROWS[[1, 2]].sum(dim=0))


def test_rows_come_back_in_their_order_and_what_is_of_no_row_is_left_out() -> None:
    model = Toy()
    inputs = {"rows": ROWS, "scale": torch.tensor(1.0), "flag": True}
    with torch.no_grad():
        whole, parted = model(**inputs), PartedModel(model, PARTS)(**inputs)
    assert torch.equal(parted["score"], whole["score"])
    assert torch.equal(parted["counted"], whole["counted"])
    assert set(parted) == {"score", "square", "counted"}


def test_without_gradients_nothing_is_kept() -> None:
    parted = PartedModel(Toy(), PARTS)
    with torch.no_grad():
        parted(rows=ROWS, scale=torch.tensor(1.0), flag=True)
    assert not parted.said
    parted.backward(0)


def test_all_else_is_asked_of_the_model() -> None:
    model = Toy()
    assert PartedModel(model).train(False) is model
    assert not model.training
