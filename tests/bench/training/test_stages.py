"""Plans of runs in the harness: stages, their budget, and what becomes of the final parameters."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bench.errors import RunFailed
from bench.request.request import parse_request
from bench.run.prepare import prepare
from bench.run.session import Session
from bench.training.stages import carry_out
from bench.training.training import Training
from methods import RunInfo, RunPlan, Stages

WORDS = ("method=uniform", "suite=smoke-v1", "recipe.steps=2", "recipe.prompts_per_task=2", "evaluation.items=8")
Execute = Callable[[Stages], Tensor]


class Plan(RunPlan):
    """Does what it is told."""

    name, version = "plan_for_this_test", 1

    def __init__(self, execute: Execute) -> None:
        super().__init__()
        self._execute = execute

    def execute(self, stages: Stages) -> Tensor:
        return self._execute(stages)


class Nobody:
    """A watcher that looks away."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


@pytest.fixture
def training(tmp_path) -> Callable[..., Training]:
    def make(*words: str) -> Training:
        torch.set_num_threads(1)
        request = parse_request([*WORDS, f"store={tmp_path}", *words])
        return Session(prepare(request), Nobody()).training

    return make


def run(execute: Execute, training: Training) -> tuple[list[Tensor], str]:
    return carry_out(Plan(execute).start(RunInfo(3, torch.ones(3), 2)), training)


def only(task: int) -> Callable[[int], Tensor]:
    return lambda step: torch.eye(3, dtype=torch.float64)[task]


def equal(step: int) -> Tensor:
    return torch.full((3,), 1 / 3, dtype=torch.float64)


def test_specialists_at_the_budget_of_one_run(training):
    """Three tasks, two steps of a third each, from the same start: the prompts of two full steps."""

    def execute(stages: Stages) -> Tensor:
        start, found = stages.parameters(), []
        for task in range(3):
            stages.load(start)
            signals = stages.train(2, only(task), size=1 / 3)
            assert [each.shares.tolist() for each in signals] == [only(task)(0).tolist()] * 2
            found.append(stages.parameters())
        assert stages.left == pytest.approx(0, abs=1e-9)
        return torch.stack(found)

    trained = training()
    final, reason = run(execute, trained)
    assert (len(final), reason) == (3, "")
    assert not torch.equal(final[0], final[1])
    assert (trained.ledger.steps, trained.ledger.prompts, trained.ledger.rollouts) == (6, 12, 12 * 4)
    curves = trained.probe.curves([0, 1, 2])
    assert [share.index(1.0) for share in curves.task_share] == [0, 0, 1, 1, 2, 2]


def test_stages_go_on_through_the_prompts_and_have_noise_of_their_own(training):
    """No stage sees the prompts of another, and two stages alike in all else do not sample the same replies."""
    trained, seen = training(), []

    def execute(stages: Stages) -> Tensor:
        start = stages.parameters()
        for _ in range(2):
            stages.load(start)
            seen.append(stages.train(1, equal)[0].rewards.tolist())
        return stages.parameters()

    run(execute, trained)
    assert seen[0] != seen[1]


def test_what_happens_after_a_step_may_move_the_model(training):
    trained, steps = training(), []

    def execute(stages: Stages) -> Tensor:
        start = stages.parameters()

        def back(step: int) -> None:
            steps.append(step)
            stages.load(start)

        stages.train(2, equal, after=back)
        assert torch.equal(stages.parameters(), start)
        return stages.parameters()

    assert run(execute, trained)[1] == ""
    assert steps == [0, 1]


@pytest.mark.parametrize(("own", "forward"), [(True, 3), (False, 1)])
def test_distilling_trains_the_student_and_is_paid_for(training, own, forward):
    """On its own completions, two more forward passes each; the loss of every teacher is heard."""
    trained = training()

    def execute(stages: Stages) -> Tensor:
        start = stages.parameters()
        noise = torch.randn(3, len(start), generator=torch.Generator().manual_seed(0))
        seen = stages.distil(2, start + 0.02 * noise, equal, own=own)
        assert stages.left == 0
        assert not torch.equal(stages.parameters(), start)
        if own:
            assert all((signals.mean_abs_advantage > 0).all() for signals in seen)
        return stages.parameters()

    assert run(execute, trained)[1] == ""
    spent = trained.ledger
    assert (spent.steps, spent.prompts, spent.rollouts, spent.backward_passes) == (2, 12, 48, 48)
    assert spent.forward_passes == forward * 48


def test_scoring_samples_fresh_prompts_and_is_paid_for(training):
    trained = training()

    def execute(stages: Stages) -> Tensor:
        found = stages.score(1.0)
        assert found.shape == (3,)
        assert ((found >= 0) & (found <= 1)).all()
        assert stages.left == 1
        return stages.parameters()

    run(execute, trained)
    spent = trained.ledger
    assert (spent.steps, spent.prompts, spent.reward_calls, spent.backward_passes) == (0, 6, 24, 0)


@pytest.mark.parametrize(
    ("execute", "said"),
    [
        (lambda stages: stages.train(3, equal), "asked for 3 full steps, 2 are left"),
        (lambda stages: stages.train(1, equal, size=1.5), "a size is in"),
        (lambda stages: stages.train(0, equal), "asked for 0 steps"),
        (lambda stages: stages.train(1, lambda step: torch.tensor([2.0, -1.0, 0.0])), "proportions with 1 below 0"),
        (lambda stages: stages.distil(1, torch.ones(3, 2), equal), r"teachers of shape \[3, 2\]"),
        (lambda stages: stages.load(torch.ones(3)), r"parameters of shape \[3\]"),
        (lambda stages: stages.parameters()[:5], r"parameters of shape \[5\]"),
        (lambda stages: stages.parameters() * float("nan"), "not finite"),
    ],
)
def test_a_plan_that_asks_for_what_it_may_not_have_fails_the_run(training, execute, said):
    with pytest.raises(RunFailed, match=rf"plan_for_this_test.*{said}"):
        run(execute, training())


def test_a_budget_ends_a_plan_in_the_middle(training):
    def execute(stages: Stages) -> Tensor:
        stages.train(1, equal)
        raise AssertionError("the plan went on")

    final, reason = run(execute, training("budget.rollouts=24"))
    assert reason.startswith("budget.rollouts=24 was reached")
    assert len(final) == 1
