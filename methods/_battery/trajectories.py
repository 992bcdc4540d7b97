"""Golden trajectories: the answers of every method on three fixed runs, which change with its version only.

Numbers come from sines, not from a generator, so that they are the same with every version of torch.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from methods import Rollouts, Weighting
from methods._battery.inputs import STEPS, Case, Step, signals_of, without_prompts
from methods._battery.rules import EVERYWHERE, Finding, rule
from methods._battery.subject import Subject, subjects_of
from methods._cards import MethodCard

Trajectory = dict[str, dict[str, list[list[float]]]]
"""By run and kind of answer: numbers of each step."""
POOR = "five of rank two"
DIGITS = 10
"""Significant digits that are kept."""
TOLERANCE = 1e-8
"""Allowed difference, as a part of an answer's largest number; libraries of linear algebra differ by rounding."""
LEAST = 1e-4
"""Where all numbers of an answer are smaller, they are compared as if this were the largest: zero is rounding then."""


@rule(kinds=EVERYWHERE)
def trajectory(subject: Subject) -> Iterator[Finding]:
    """Under one version the answers on the golden trajectories stay as they are frozen."""
    from methods import _registry

    frozen = _registry.entries(_registry.GOLDEN / _registry.TRAJECTORIES).get(subject.card.name)
    if frozen is None or frozen["version"] != subject.card.version:
        return
    if different := difference(frozen["answers"], recorded(subject.card)):
        remedy = f"the behaviour changed under version {subject.card.version}: raise it, or mend the method"
        yield "the golden trajectories", different, remedy


def recorded(card: MethodCard) -> Trajectory:
    """A method's answers at its defaults, with rising per-task settings, to ten digits. Fault if it has none."""
    found: Trajectory = {}
    for subject in subjects_of(card):
        for case in golden_cases():
            name = f"{case.words}, {subject.inside} inside" if subject.inside else case.words
            found[name] = _answers(subject, case)
    return found


def difference(old: Trajectory, new: Trajectory) -> str:
    """The first answer that is not the same, in words; '' if there is none."""
    if old.keys() != new.keys():
        return f"the runs {', '.join(old.keys() ^ new.keys())}"

    for run in old:
        if old[run].keys() != new[run].keys():
            return f"the kinds of answers {', '.join(old[run].keys() ^ new[run].keys())}"

        for kind in old[run]:
            for step, (before, after) in enumerate(zip(old[run][kind], new[run][kind], strict=True)):
                scale = max(LEAST, *map(abs, before))
                pairs = list(zip(before, after, strict=False))
                moved = [pair for pair in pairs if abs(pair[0] - pair[1]) > TOLERANCE * scale]
                if len(before) != len(after) or moved:
                    what = f"{moved[0][0]:.10g} is now {moved[0][1]:.10g}" if moved else "the number of entries"
                    return f"{kind} of step {step + 1}, {run}: {what}"
    return ""


def golden_cases() -> list[Case]:
    """Three tasks of like size; four that conflict, norms 1000 to 1; five of rank two, one silent, one absent."""
    like = [_opposed(3, 0.7, at) for at in range(STEPS)]
    unlike = [_opposed(4, 0.95, at) * torch.tensor([[1.0], [0.1], [1e-3], [1e-2]]).double() for at in range(STEPS)]
    poor = [_waves(5, 2, at) @ _waves(2, 6, at + 9) for at in range(STEPS)]
    for rows in poor[2:]:
        rows[1] = 0
    cases = [_case("three of a size", like), _case("four in conflict", unlike), _case(POOR, poor)]
    steps = [without_prompts(step, [3] if at in (1, 4) else []) for at, step in enumerate(cases[2].steps)]
    return [cases[0], cases[1], replace(cases[2], steps=tuple(steps))]


def _answers(subject: Subject, case: Case) -> dict[str, list[list[float]]]:
    kept: dict[str, list[list[float]]] = {}
    for step, found in zip(case.steps, subject.run(case), strict=False):
        if issubclass(subject.kind, Weighting) and case.words == POOR:  # weights of dependent gradients are not unique
            found = {**found, "direction": found["weights"] @ step.gradients}
            del found["weights"]
        for kind, answer in found.items():
            kept.setdefault(kind, []).append([float(f"{value:.{DIGITS}g}") for value in answer.flatten().tolist()])
    return kept


def _case(words: str, rows: list[Tensor]) -> Case:
    steps = (Step(each, signals_of(each, at), _rollouts(len(each), at)) for at, each in enumerate(rows))
    return Case(words, tuple(steps))


def _rollouts(tasks: int, step: int) -> Rollouts:
    """Two groups of two completions a task."""
    rewards = (_waves(2 * tasks, 2, step + 20) > 0).double()
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    advantages = centred / (centred.square().mean(dim=1, keepdim=True).sqrt() + 1e-4)
    group = torch.arange(2 * tasks).repeat_interleave(2)
    lengths = (15 + 14 * _waves(4 * tasks, 1, step + 30).flatten()).long()
    return Rollouts(group // 2, group, rewards.flatten(), advantages.flatten(), lengths, 2 * lengths)


def _opposed(tasks: int, part: float, step: int) -> Tensor:
    """Gradients less a part of their mean."""
    rows = _waves(tasks, 6, step + 40)
    return rows - part * rows.mean(dim=0)


def _waves(rows: int, columns: int, phase: int) -> Tensor:
    places = torch.arange(rows * columns, dtype=torch.float64).reshape(rows, columns)
    return torch.sin(1 + 0.7 * phase + 2.4 * places + 0.1 * places.square())
