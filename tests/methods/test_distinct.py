"""Two rows of a table are two methods: no two give one trajectory at their defaults, where tasks differ in size."""

from itertools import combinations

import torch
from torch import Generator, Tensor

from methods import Method, RunInfo, StepWrapper, Weighting, _registry
from methods._battery import Subject, trajectories
from methods._battery.inputs import Case
from methods._cards import MethodCard

TOLERANCE = 1e-6
BUDGET = 24


def started(card: MethodCard, tasks: int) -> Method:
    """The method at its defaults; task k has 100 (k + 1) rows."""
    kind = _registry.class_of(card)
    sizes = torch.tensor([100 * (task + 1) for task in range(tasks)])
    steps = BUDGET if "RunPlan" in card.acts_on else 8
    info = RunInfo(tasks, sizes, steps, prompts=2 * tasks, reply_tokens=30, rollouts=2)
    return kind(kind.Settings(), Generator().manual_seed(0)).start(info)


def trajectory(card: MethodCard, case: Case) -> dict[str, Tensor]:
    """Answers by kind, of all steps of a run; weights as the direction that they give."""
    kind = _registry.class_of(card)
    subject = Subject(card, kind, "pcgrad" if issubclass(kind, StepWrapper) else "")
    method = subject.prepare(started(card, case.tasks), case.steps[0].gradients.shape[1])
    found: dict[str, list[Tensor]] = {}
    for step, answers in zip(case.steps, subject.drive(method, case), strict=False):
        for key, answer in answers.items():
            weighs = key == "weights" and isinstance(method, Weighting)
            direction = answer @ step.gradients if weighs else answer.double()
            found.setdefault("direction" if weighs else key, []).append(direction.flatten())
    return {key: torch.cat(values) for key, values in found.items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether all answers agree, to rounding."""
    return one.keys() == other.keys() and all(
        len(one[key]) == len(other[key])
        and bool((one[key] - other[key]).abs().max() <= TOLERANCE * one[key].abs().max())
        for key in one
    )


def test_no_two_methods_are_one() -> None:
    cards = [card for card in _registry.cards().values() if not card.variant]
    cases = trajectories.golden_cases()
    found = {card.name: [trajectory(card, case) for case in cases] for card in cards}
    twins = [
        f"{one} and {other}"
        for one, other in combinations(found, 2)
        if all(same(*pair) for pair in zip(found[one], found[other], strict=True))
    ]
    assert not twins, f"the same method under two names: {', '.join(twins)}"
