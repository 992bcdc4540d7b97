"""A plan that runs again answers from what was saved, and remembers what it did."""

import torch

from bench.training.checkpoint.keeper import Checkpoints
from bench.training.replay import Replay, cells, variables
from methods import RunPlan, Stages


class Plan(RunPlan):
    name, version, state = "plan_for_this_test", 1, ("count",)
    count = 0

    def execute(self, stages: Stages) -> torch.Tensor:
        raise AssertionError


def test_the_variables_of_a_callback_are_read_and_set():
    before, seen, other = torch.ones(3), [1, 2], object()

    def after(step: int) -> None:
        nonlocal before
        assert other
        before = before + step
        seen.append(step)

    assert sorted(name for name, _ in cells(after)) == ["before", "other", "seen"]
    assert sorted(name for name, _ in variables(after)) == ["before", "seen"]
    after(4)
    assert torch.equal(dict(variables(after))["before"], torch.full((3,), 5.0))
    dict(cells(after))["before"].cell_contents = torch.zeros(3)
    assert torch.equal(before, torch.zeros(3))
    assert variables(None) == variables(Plan().execute) == variables(abs) == []


def test_finished_calls_are_answered_and_the_rest_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("BALANCEBENCH_CHECKPOINT_SECONDS", "0")

    def attempt(calls: int) -> tuple[list[int], list[int], Plan, list[str]]:
        """Ask for so many calls: answers, what was asked live, the plan, and what happened when it had caught up."""
        checkpoints = Checkpoints(tmp_path / "0.safetensors")
        checkpoints.find()
        plan, live, caught_up = Plan(), list[int](), list[str]()
        replay = Replay(plan, checkpoints, lambda: caught_up.append(f"after {plan.count}"))
        total = 0

        def shares(step: int) -> int:
            return total + step

        def work() -> int:
            nonlocal total
            plan.count += 1
            total += 10
            live.append(plan.count)
            torch.randint(9, (), generator=plan.generator)
            return plan.count * 100

        answers = [replay.answer("train", work, [shares]) + shares(0) for _ in range(calls)]
        return answers, live, plan, caught_up

    first, live, plan, caught_up = attempt(2)
    assert (first, live, caught_up) == ([110, 220], [1, 2], [])
    again, live, other, caught_up = attempt(3)
    assert (again, live, caught_up) == ([110, 220, 330], [3], ["after 2"])
    assert not torch.equal(plan.generator.get_state(), other.generator.get_state())
