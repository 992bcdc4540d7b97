"""A step in progress: scales, halves, and what is counted."""

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from bench.engine.gradients import TaskGradients
from bench.engine.world import World
from bench.training.script.parts import PartedModel
from bench.training.script.tally import Sequences
from bench.training.script.window import Window, alternating

ROWS = torch.tensor([[1.0, 2.0], [-1.0, 0.5], [3.0, -2.0], [0.3, 0.7]])
TASK, HALF = [0, 1, 0, 0], [0, 0, 1, 0]


def sequences(task: list[int], half: list[int], reward: float = 0.5) -> Sequences:
    ones = torch.ones(len(task), dtype=torch.float64)
    return Sequences(
        task=torch.tensor(task),
        half=torch.tensor(half),
        size=ones,
        loss=-ones,
        reward=reward * ones,
        advantage=ones,
        length=3 * ones,
        prompt_length=5 * ones,
        silent=0 * ones,
    )


class Line(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = Parameter(torch.zeros(2))

    def forward(self, rows: Tensor) -> dict[str, Tensor]:
        return {"score": rows @ self.weight}


def stepped(micros: int, weighs: bool = True, halves: bool = True, half: list[int] = HALF) -> Window:
    """A step whose loss is the mean score of its rows, in one micro-batch or two."""
    model = Line()
    window = Window(TaskGradients([model.weight], ["weight"], 2, World()), weighs, micros > 1, halves)
    window.start()
    for rows in torch.arange(len(ROWS)).chunk(micros):
        chosen = rows.tolist()
        parted = PartedModel(model)
        parted.parts = window.deal(sequences([TASK[row] for row in chosen], [half[row] for row in chosen]))
        (parted(rows=ROWS[rows])["score"].sum() / len(ROWS)).backward()
        window.add(parted)

    window.close()
    return window


@pytest.mark.parametrize("micros", [1, 2])
@pytest.mark.parametrize("halves", [True, False])
def test_equal_weights_make_the_trainers_own_step(micros: int, halves: bool) -> None:
    window = stepped(micros, halves=halves)
    assert torch.allclose(window.gradients.rows.mean(dim=0), ROWS.mean(dim=0))
    assert torch.allclose(window.gradients.rows[1], 2 * ROWS[1] / 4)


@pytest.mark.parametrize("micros", [1, 2])
def test_for_methods_that_choose_no_weights_a_row_is_the_tasks_mean_gradient(micros: int) -> None:
    window = stepped(micros, weighs=False)
    assert torch.allclose(window.gradients.rows[0], ROWS[[0, 2, 3]].mean(dim=0))
    assert torch.allclose(window.tally.shares.float() @ window.gradients.rows, ROWS.mean(dim=0))


@pytest.mark.parametrize("micros", [1, 2])
def test_halves_estimate_the_squared_norm(micros: int) -> None:
    """Rows 0 and 3 against row 2: the means of the two halves of task 0, at the scale of its row."""
    window = stepped(micros)
    first, second = ROWS[[0, 3]].mean(dim=0), ROWS[2]
    assert window.gradients.cross[0].item() == pytest.approx((first @ second).item() * (2 * 3 / 4) ** 2)
    assert window.gradients.cross[1].isnan(), "one row has no halves"


def test_without_the_rows_for_them_there_are_no_halves() -> None:
    window = stepped(2, halves=False)
    assert window.seconds is None
    assert window.gradients.cross.isnan().all()


@pytest.mark.parametrize("micros", [1, 2])
def test_a_task_that_is_all_in_the_second_half_is_whole(micros: int) -> None:
    window = stepped(micros, half=[1, 1, 1, 1])
    assert torch.allclose(window.gradients.rows.mean(dim=0), ROWS.mean(dim=0))
    assert window.gradients.cross.isnan().all()
    assert not window.gradients.combined.any()


def test_means_are_over_what_there_is() -> None:
    window = stepped(1)
    window.tally.add(sequences([1], [0], float("nan")))
    found = window.tally.measured(rewarded=True)
    assert found.rewards.tolist() == [0.5, 0.5], "a completion without a reward is left out"
    assert found.shares.tolist() == [0.6, 0.4]
    assert window.tally.losses.tolist() == [-1, -1]
    assert window.tally.measured(rewarded=False).mean_abs_advantage.isnan().all()

    window.tally.start()
    assert window.tally.measured(rewarded=True).rewards.isnan().all()


def test_rows_alternate_between_halves() -> None:
    seen = [0, 0]
    assert alternating([0, 0, 1, 0], seen) == [0, 1, 0, 0]
    assert alternating([0, 1], seen) == [1, 1]
