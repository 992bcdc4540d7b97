"""A plan that runs again answers from what was saved, and remembers what it did."""

import torch

from bench.training.checkpoint.keeper import Checkpoints
from bench.training.replay import Replay
from methods import RunPlan, Stages


class Plan(RunPlan):
    name, version, state = "plan_for_this_test", 1, ("count",)
    count = 0

    def execute(self, stages: Stages) -> torch.Tensor:
        raise AssertionError


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
