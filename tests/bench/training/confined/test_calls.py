"""Plans and wrappers in confined processes call the run while they answer, and the run asks back."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from bench.errors import RunFailed, UserError
from bench.training.confined.proxy import Host
from bench.training.confined.source import source_of
from methods import Layout, Settings, Signals
from methods._battery.inputs import signals_of
from methods._cards import read_cards
from tests.bench.training.confined.conftest import RUN

FILE = '''"""Made up: it does what a test wants.

Source     a test
Differs    nothing
Costs      nothing
"""

import torch
from bench.errors import UserError
from methods import {base}


class MadeUp({base}):
    name = "made_up"
    version = 1

    def {hook}:
{body}
'''
LAYOUT = Layout(("w",), (4,), ((4,),))
SIGNALS = signals_of(torch.eye(3, dtype=torch.float64))
ALONE = "shares = torch.eye(3, dtype=torch.float64)"


def confined(folder: Path, base: str, hook: str, body: str) -> Any:
    path = folder / "made_up.py"
    lines = "\n".join(f"        {line}" for line in body.strip("\n").splitlines())
    path.write_text(FILE.format(base=base, hook=hook, body=lines))
    (card,) = read_cards(path)
    source = source_of(card)
    assert source is not None
    return Host(card, source, 60.0, shared=4096).start(Settings(), Generator().manual_seed(0), RUN)


def plan(folder: Path, body: str) -> Any:
    return confined(folder, "RunPlan", "execute(self, stages)", body)


class Trained:
    """Stages that add to the parameters what the shares say, and keep what they were asked."""

    layout = LAYOUT

    def __init__(self, between: Callable[[int], None] = lambda step: None) -> None:
        self.left = 8.0
        self.now = torch.zeros(4)
        self.asked = list[Any]()
        self.between = between

    def parameters(self) -> Tensor:
        return self.now.clone()

    def load(self, parameters: Tensor) -> None:
        self.now = parameters

    def score(self, size: float) -> Tensor:
        self.asked.append(size)
        return torch.arange(3.0)

    def train(
        self, steps: int, shares: Any, size: float = 1.0, after: Any = None, observe: Any = None
    ) -> list[Signals]:
        self.left -= steps * size
        self.asked.append((steps, size, after is not None, observe is not None))
        for step in range(steps):
            self.between(step)
            self.now = self.now + shares(step)[0]
            for each, given in ((observe, SIGNALS), (after, step)):
                if each is not None:
                    each(given)
        return [SIGNALS] * steps

    def distil(self, steps: int, teachers: Tensor, shares: Any, size: float = 1.0, own: bool = True) -> list[Signals]:
        self.asked.append((teachers.shape, own))
        return self.train(steps, shares, size)


def test_a_plan_trains_and_is_asked_back_in_the_middle_of_a_stage(tmp_path: Path) -> None:
    """It reads and loads parameters in a callback, sees signals and the budget, and gets what the stage returns."""
    stages = Trained()
    body = f"""
{ALONE}
seen = []
def halve(step):
    stages.load(stages.parameters() / 2)
found = stages.train(3, lambda step: shares[step], 0.5, halve, lambda signals: seen.append(signals.step))
assert len(found) == len(seen) == 3 and stages.left == 6.5
return torch.stack([stages.parameters() + stages.score(0.25).sum(), torch.arange(4.0) + len(stages.layout.names)])
"""
    answer = plan(tmp_path, body).execute(stages)
    assert answer.tolist() == [[3.125] * 4, [1, 2, 3, 4]]
    assert stages.asked == [(3, 0.5, True, True), 0.25]


def test_teachers_reach_the_run_and_distillation_has_its_shares(tmp_path: Path) -> None:
    stages = Trained()
    body = f"{ALONE}\nstages.distil(2, torch.ones(3, 4), lambda step: shares[0], own=False)\nreturn stages.parameters()"
    assert plan(tmp_path, body).execute(stages).tolist() == [2.0] * 4
    assert stages.asked == [((3, 4), False), (2, 1.0, False, False)]


def test_what_a_plan_remembers_in_a_stage_is_saved_and_put_back(tmp_path: Path) -> None:
    """The second process begins the stage with what the first had counted when it was saved."""
    body = f"""
{ALONE}
total = torch.zeros(4)
def add(step):
    nonlocal total
    total = total + 10 ** step
stages.train(2, lambda step: shares[0], after=add)
return total
"""
    saved: dict[str, Any] = {}
    first = plan(tmp_path, body)
    assert first.execute(Trained(lambda step: saved.update(first.state_dict()))).tolist() == [11.0] * 4

    second = plan(tmp_path, body)
    resumed = Trained(lambda step: second.load_state_dict(saved) if step == 0 else None)
    assert second.execute(resumed).tolist() == [12.0] * 4  # 1 of the first process, then 1 + 10 again


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("stages.train('many', None)", "raised an error: line 18, TypeError"),
        ("stages.score(float('nan'))", "sent what is no answer"),
        ("stages.train(2**40, None)", "sent what is no answer (no whole number)"),
        ("raise UserError('not today')", "raised an error: line 18, UserError: not today"),
        ("1 / 0", "raised an error: line 18, ZeroDivisionError: division by zero"),
        ("stages.train(1, lambda step: step / 0)", "raised an error: line 18, ZeroDivisionError"),
        ("stages._calls('rob')", "sent what is no answer"),
        ("stages._calls('train', {'steps': True, 'size': 1})", "sent what is no answer (no whole number)"),
        ("import os\nos._exit(0)", "ended the process that it runs in"),
    ],
)
def test_a_plan_that_errs_fails_its_run(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(RunFailed, match=re.escape(said)):
        plan(tmp_path, body).execute(Trained())


def test_what_is_no_tensor_is_known_by_its_type(tmp_path: Path) -> None:
    """So that the run refuses it in the words that it has for methods of its own process."""
    stages = Trained()
    answer = plan(tmp_path, "stages.load('weights')\nreturn 3").execute(stages)
    assert (type(stages.now).__name__, type(answer).__name__) == ("str", "int")
    assert not isinstance(answer, int)


def test_what_fails_in_the_run_fails_as_it_does_there(tmp_path: Path) -> None:
    class Spent(Exception):
        pass

    def spend(step: int) -> None:
        raise Spent

    with pytest.raises(Spent):
        plan(tmp_path, f"{ALONE}\nstages.train(1, lambda step: shares[0])").execute(Trained(spend))


def test_a_wrapper_that_cannot_wrap_a_model_refuses_it_as_the_user_error_that_it_is(tmp_path: Path) -> None:
    wrapper = confined(tmp_path, "StepWrapper", "prepare(self, parameters, layout)", "raise UserError('not this one')")
    with pytest.raises(UserError, match="not this one"):
        wrapper.prepare(torch.zeros(4), LAYOUT)


def test_a_wrapper_asks_the_method_inside_and_its_twin(tmp_path: Path) -> None:
    body = "return inner(gradients) + inner(gradients * 2, twin=True) + passes.losses(lambda task: gradients[task])[0]"
    wrapper = confined(tmp_path, "StepWrapper", "combine(self, gradients, layout, inner, passes)", body)
    rows = torch.ones(3, 4)
    asked = list[tuple[bool, bool]]()

    class Passes:
        def losses(self, offset: Callable[[int], Tensor]) -> Tensor:
            return torch.stack([offset(task).sum() for task in range(3)]).double()

    def inner(gradients: Tensor, twin: bool = False) -> Tensor:
        asked.append((gradients is rows, twin))
        return gradients.mean(dim=0)

    assert wrapper.combine(rows, LAYOUT, inner, Passes()).tolist() == [1 + 2 + 4] * 4
    assert asked == [(True, False), (False, True)]
