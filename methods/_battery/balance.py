"""Properties of answers: what an update must be, whatever the method, for gradients of every kind."""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from methods import GradientCombination, Gramian, GramianWeighting, LossWeighting, RunPlan, StepWrapper
from methods._battery.inputs import (
    ABSENT,
    STEPS,
    Case,
    Step,
    alike,
    case_of,
    equal_cosines,
    one_against_all,
    permuted,
    random_rows,
    rows_of,
    with_signals,
    without_prompts,
    without_rewards,
)
from methods._battery.rules import EVERYWHERE, Finding, rule
from methods._battery.subject import Subject, shown

BY_TASK = ("proportions", "weights")
"""Answers with one entry a task; the others have one a completion or a parameter."""
TIGHT = 1e-9
DRAWS = 100
ERRORS = 5
"""Standard errors between two means of equal distributions."""
SCALES = (1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9)
LARGE = 10_500_000
"""Above 2^23, where float32 no longer counts the entries one by one."""


@rule(kinds=EVERYWHERE)
def answers(subject: Subject) -> Iterator[Finding]:
    """Answers are finite tensors of the right shape and type, not negative where they are shares, and detached."""
    for tasks in (4, 5):
        subject.run(case_of(f"{tasks} conflicting gradients", random_rows(tasks, 6)))
    yield from ()


@rule(kinds=(LossWeighting, GramianWeighting, GradientCombination, StepWrapper))
def identical_tasks(subject: Subject) -> Iterator[Finding]:
    """K identical gradients give that gradient; a wrapper may leave coordinates out."""
    for tasks in (1, 2, 3, 5):
        rows = torch.tensor([[3e-6, -4e-6, 1e-6, 2e-6, -2e-6, 5e-6]]).double().repeat(tasks, 1)
        case = case_of(f"{tasks} identical gradients of norm {rows[0].norm():.2g}", rows, vary=False)
        case = replace(case, steps=tuple(alike(step) for step in case.steps))

        for index, found in enumerate(subject.run(case)):
            if "weights" in found and abs(found["weights"].sum().item() - 1) > TIGHT:
                yield case.at(index), f"weights of sum {found['weights'].sum().item():.12g}", "their sum is 1"

            if "direction" in found:
                kept = rows[0] * (found["direction"] != 0) if issubclass(subject.kind, StepWrapper) else rows[0]
                if far(found["direction"], kept, TIGHT) or not kept.any():
                    yield case.at(index), f"direction {shown(found['direction'])}", f"the gradient, {shown(rows[0])}"


@rule(kinds=EVERYWHERE)
def permutation(subject: Subject) -> Iterator[Finding]:
    """Permuting the tasks permutes the answer; if it draws, in the mean over draws. Plans that draw are exempt."""
    order = [1, 0] if subject.inside == "pcgrad" else [2, 0, 1]  # PCGrad of two tasks leaves nothing to chance
    case = case_of(f"{len(order)} conflicting gradients in the order {order}", random_rows(len(order), 6))

    draws = 1
    if draws_in(subject, case):
        draws = 0 if issubclass(subject.kind, RunPlan) or subject.inside == "pcgrad" else DRAWS
        case = replace(case, steps=case.steps[:4]) if subject.inside else case

    moved_case = replace(case, steps=tuple(permuted(step, order) for step in case.steps))
    plain = [subject.run(case, seed=seed) for seed in range(draws)]
    moved = [subject.run(moved_case, seed=1000 + seed, order=order) for seed in range(draws)]

    for at in range(len(plain[0]) if draws else 0):
        for key in plain[0][at]:
            left, right = (torch.stack([run[at][key] for run in runs]).double() for runs in (plain, moved))
            left = left[:, order] if key in BY_TASK or (key == "parameters" and left.ndim == 3) else left

            spread = torch.hypot(left.std(dim=0), right.std(dim=0)) if draws > 1 else torch.zeros(1).double()
            gap = (left.mean(dim=0) - right.mean(dim=0)).abs()
            if (gap > TIGHT + ERRORS * spread / math.sqrt(draws)).any():
                of = f" in the mean of {draws} draws" if draws > 1 else ""
                off = f"{key} {shown(right.mean(dim=0))}{of}, off by {gap.max():.2g}"
                yield case.at(at), off, f"{shown(left.mean(dim=0))}, to {TIGHT:g}"


@rule()
def scale(subject: Subject) -> Iterator[Finding]:
    """Scaling all gradients scales the update, and leaves weights and proportions as they are."""
    case = case_of("4 conflicting gradients", random_rows(4, 6))
    expected = subject.run(case)

    for factor in SCALES:
        scaled = with_signals(case, [factor * step.gradients for step in case.steps], f"{case.words} times {factor:g}")
        for index, (found, plain) in enumerate(zip(subject.run(scaled), expected, strict=True)):
            for key, answer in found.items():
                unscaled = answer / factor if key == "direction" else answer
                if far(unscaled, plain[key], TIGHT):
                    yield scaled.at(index), f"{key} {shown(answer)}", f"{shown(plain[key])}, scaled if a direction"
                    return


@rule()
def one_task(subject: Subject) -> Iterator[Finding]:
    """A single task is left alone: its weight and its share are 1."""
    case = case_of("1 gradient", random_rows(1, 4))
    for index, found in enumerate(subject.run(case)):
        for key in set(BY_TASK) & set(found):
            if abs(found[key].item() - 1) > TIGHT:
                yield case.at(index), f"{key} {shown(found[key])}", "1"


@rule(kinds=EVERYWHERE)
def awkward_gradients(subject: Subject) -> Iterator[Finding]:
    """Duplicates, opposites, more tasks than dimensions, rank one and tiny tasks get finite answers."""
    opposites = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]).double()
    rising = torch.logspace(-4, 0, 4, dtype=torch.float64)[:, None]
    for words, rows in {
        "4 gradients, three of them equal": random_rows(2, 6)[[0, 1, 0, 0]],
        "6 gradients in 2 dimensions": random_rows(6, 2),
        "gradients of rank one": random_rows(1, 3).T @ random_rows(1, 5),
        "opposite gradients": opposites,
        "gradients of norms from 1e-4 to 1": rising * random_rows(4, 8),
    }.items():
        for vary in (False, True):
            subject.run(case_of(words, rows, vary))
    yield from ()


@rule()
def wide_gradients(subject: Subject) -> Iterator[Finding]:
    """Norm ratios of 1e4 and cosines of -0.99, different in every step, get finite answers."""
    for tasks in (2, 5, 8):
        cosines = [one_against_all(tasks), equal_cosines(tasks, -0.99 / max(tasks - 1, 1)), torch.eye(tasks).double()]
        norms = torch.logspace(0, -4, tasks, dtype=torch.float64)
        rows = [rows_of(cosines[at % 3], norms.roll(at)) for at in range(STEPS)]
        case = case_of("", rows[0], vary=False)
        subject.run(with_signals(case, rows, f"{tasks} gradients of norms from 1e-4 to 1 that oppose each other"))
    yield from ()


@rule()
def rounding(subject: Subject) -> Iterator[Finding]:
    """A Gramian of rank one that is indefinite by the rounding of float32 sums gets finite answers."""
    case = case_of("4 gradients of rank one", random_rows(1, 4).T @ random_rows(1, 5), vary=False)
    steps = []
    for step in case.steps:
        noise = 1e-7 * torch.sin(torch.arange(16, dtype=torch.float64) + step.signals.step).reshape(4, 4)
        gramian = Gramian(step.signals.gramian.matrix * (1 + noise + noise.T))
        steps.append(replace(step, signals=replace(step.signals, gramian=gramian)))
    subject.run(Case(f"{case.words} and a Gramian rounded to 1e-7", tuple(steps)))
    yield from ()


@rule()
def silent_tasks(subject: Subject) -> Iterator[Finding]:
    """A task whose gradient is zero gets weight 0, and the others do not."""
    rows = random_rows(4, 6)
    rows[[0, 2]] = 0
    case = case_of("4 gradients, the first and third zero", rows)
    case = replace(case, steps=tuple(_hushed(step) for step in case.steps))

    for index, found in enumerate(subject.run(case)):
        weights = found.get("weights")
        if weights is not None and (weights[[0, 2]].any() or not weights[[1, 3]].any()):
            yield case.at(index), f"weights {shown(weights)}", "0 for the first and third, and not for all"

        advantages = found.get("advantages")
        rollouts = case.steps[index].rollouts
        if advantages is not None and rollouts is not None and advantages[rollouts.task % 2 == 0].any():
            yield case.at(index), f"advantages {shown(advantages)}", "0 where a task has none"


@rule(kinds=EVERYWHERE)
def all_tasks_silent(subject: Subject) -> Iterator[Finding]:
    """If all gradients are zero, so is the update."""
    case = case_of("4 zero gradients", torch.zeros(4, 6).double())
    for index, found in enumerate(subject.run(case)):
        for key in {"weights", "direction"} & set(found):
            if found[key].any():
                yield case.at(index), f"{key} {shown(found[key])}", "zeros"


@rule()
def absent_tasks(subject: Subject) -> Iterator[Finding]:
    """A task without prompts in a step has NaN in its signals and weight 0, and its return is no trouble."""
    plain = case_of("", random_rows(3, 6))
    steps = (without_prompts(step, gone) for step, gone in zip(plain.steps, ABSENT, strict=True))
    case = Case(f"3 tasks, without prompts in turn {ABSENT}", tuple(steps))
    for index, found in enumerate(subject.run(case)):
        if "weights" in found and found["weights"][list(ABSENT[index])].any():
            yield case.at(index), f"weights {shown(found['weights'])}", "0 for a task without prompts"


@rule()
def supervised(subject: Subject) -> Iterator[Finding]:
    """Training without rewards, which has losses only, gets finite answers."""
    case = case_of("", random_rows(3, 6))
    subject.run(Case("3 tasks without rewards", tuple(without_rewards(step) for step in case.steps)))
    yield from ()


@rule()
def precision(subject: Subject) -> Iterator[Finding]:
    """Gradients of float32 and bfloat16 are answered, with a direction of the same type."""
    for dtype in (torch.float32, torch.bfloat16):
        case = case_of("", random_rows(4, 6))
        rows = [step.gradients.to(dtype) for step in case.steps]
        subject.run(with_signals(case, rows, f"4 gradients of {dtype}"))
    yield from ()


@rule(kinds=(RunPlan,))
def budget(subject: Subject) -> Iterator[Finding]:
    """A plan spends no more than it has, be that much or little."""
    for tasks, steps in ((1, 8), (2, 61), (3, 7), (5, 24)):
        case = case_of(f"{tasks} tasks and a budget of {steps} steps", random_rows(tasks, 6))
        subject.run(case, steps=steps)
    yield from ()


@rule(kinds=(GradientCombination,))
def many_parameters(subject: Subject) -> Iterator[Finding]:
    """Ten million parameters give the answer of sixteen, stretched: no tolerance grows with P.

    A method that draws gives another answer, but not zero.
    """
    few = case_of("2 gradients of 16 float32 parameters", random_rows(2, 16).float().double(), vary=False, steps=1)
    (step,) = few.steps

    times = LARGE // 16
    wide = step.gradients.float().repeat_interleave(times, dim=1)
    gramian = Gramian(times * step.signals.gramian.matrix)
    signals = replace(step.signals, gramian=gramian, cross_gramian=times * step.signals.cross_gramian)
    many = Case(f"2 gradients of {wide.shape[1]:,} float32 parameters", (Step(wide, signals, None),))

    expected, blocks = (subject.run(case)[0]["direction"].reshape(16, -1) for case in (few, many))
    nearest = torch.stack([blocks.amin(dim=1), blocks.amax(dim=1)])
    wrong = not blocks.any() if draws_in(subject, few) else far(nearest, expected.T, 1e-4)
    if wrong:
        yield many.words, f"a direction whose sixteenths begin with {shown(blocks[:, 0])}", shown(expected)


def far(answer: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Whether an answer differs by more than a part of its largest entry."""
    return bool(((answer.double() - expected.double()).abs() > tolerance * expected.double().abs().max()).any())


def draws_in(subject: Subject, case: Case) -> bool:
    """Whether the method uses its generator in that run."""
    method = subject.make(case.tasks, width=case.steps[0].gradients.shape[1])
    before = method.generator.get_state()
    subject.drive(method, case)
    return not torch.equal(method.generator.get_state(), before)


def _hushed(step: Step) -> Step:
    """The step where every second task's completions have no advantage."""
    assert step.rollouts is not None
    advantages = step.rollouts.advantages.masked_fill(step.rollouts.task % 2 == 0, 0)
    return replace(step, rollouts=replace(step.rollouts, advantages=advantages))
