"""How often an update opposes a task: what a card claims, and what is measured."""

from collections.abc import Iterable, Iterator

import torch
from torch import Generator, Tensor

from methods import GradientCombination, GramianWeighting, Method
from methods._battery.inputs import Case, Step, case_of, equal_cosines, one_against_all, rows_of, signals_of
from methods._battery.rules import Finding, rule
from methods._battery.subject import Answers, Subject
from methods._cards import CLAIM, INDEPENDENT, NEVER, RATE

TOLERANCE = 1e-9
"""How far rounding may move a cosine."""
POINTS = 3.0
"""Percentage points between a claim and a measurement."""
MATRICES = 200
SET = "strongly conflicting gradients"
PATIENCE = 8
"""Steps without an update before a method counts as never opposing."""
KINDS: tuple[type[Method], ...] = (GramianWeighting, GradientCombination)


@rule(kinds=KINDS)
def conflicts(subject: Subject) -> Iterator[Finding]:
    """The card says how often the update opposes a task, and that is so."""
    claim = subject.card.conflicts
    if claim in (NEVER, INDEPENDENT):
        yield from opposed(subject, strong_conflicts())
        among_dependent = list(opposed(subject, dependent()))
        if claim == NEVER:
            yield from among_dependent
        elif not among_dependent:
            yield "dependent gradients", "no update opposes a task", f"a line `{CLAIM}  {NEVER}`"
        return

    rate = measured_rate(subject)
    said = RATE.fullmatch(claim)
    given = f"{MATRICES} matrices of {SET}"
    found = f"the update opposes a task in {rate:.1f} %"

    if said is None:
        yield given, f"no claim; {found}", f"a line `{CLAIM}  {fitting_claim(subject, rate)}` after Costs"
    elif abs(float(said[1]) - rate) > POINTS:
        yield given, found, f"{said[1]} %, as the card says, within {POINTS:g}"


def fitting_claim(subject: Subject, rate: float) -> str:
    """What a card can say of a method of that rate."""
    if rate or any(opposed(subject, strong_conflicts())):
        return f"in {rate:.0f} % of {SET}"
    return INDEPENDENT if any(opposed(subject, dependent())) else NEVER


def opposed(subject: Subject, cases: Iterable[Case]) -> Iterator[Finding]:
    """Updates that oppose a task."""
    for case in cases:
        for index, found in enumerate(subject.run(case)):
            worst = lowest_cosine(found, case.steps[index])
            if worst < -TOLERANCE:
                yield case.at(index), f"an update at cosine {worst:.3g} to a task", f"`{CLAIM}  {NEVER}`: 0 or more"


def measured_rate(subject: Subject) -> float:
    """Percentage of the fixed matrices where the first update of a fresh method that is not zero opposes a task."""
    cases = random_conflicts()
    count = 0
    for seed, case in enumerate(cases):
        method = subject.make(case.tasks, seed)
        cosines = (lowest_cosine(subject.drive(method, case)[0], case.steps[0]) for _ in range(PATIENCE))
        count += next((cosine for cosine in cosines if cosine), 0.0) < -TOLERANCE
    return 100 * count / len(cases)


def lowest_cosine(found: Answers, step: Step) -> float:
    """Least cosine of a task gradient to the update; 0 for an update of zero."""
    direction = found["direction"].double() if "direction" in found else found["weights"] @ step.gradients
    length = direction.norm()
    if length == 0:
        return 0.0
    return float((step.gradients @ direction / (step.gradients.norm(dim=1) * length)).min())


def random_conflicts() -> tuple[Case, ...]:
    """Three to five gradients that partly cancel, of norms exp(1.5 N(0, 1)); the same always."""
    source = Generator().manual_seed(2024)
    cases = []
    for index in range(MATRICES):
        rows = torch.randn(3 + index % 3, 8, dtype=torch.float64, generator=source)
        rows = rows - 0.7 * rows.mean(dim=0)

        norms = (1.5 * torch.randn(len(rows), dtype=torch.float64, generator=source)).exp()
        rows = rows / rows.norm(dim=1, keepdim=True) * norms[:, None]
        cases.append(case_of(f"conflicting gradients, matrix {index + 1}", rows, vary=False, steps=1))
    return tuple(cases)


def strong_conflicts() -> tuple[Case, ...]:
    """Two to eight independent gradients, pairwise cosines down to -0.99, norm ratios of 1 to 1e4.

    The same with small perturbations in later steps, and runs where every step has others.
    """
    cases = []
    for tasks in range(2, 9):
        shapes = {
            "of which one opposes all others": one_against_all(tasks),
            "that nearly cancel": equal_cosines(tasks, -0.99 / (tasks - 1)),
        }

        for words, cosines in shapes.items():
            for ratio in (0, 2, 4):
                norms = torch.logspace(0, -ratio, tasks, dtype=torch.float64).roll(tasks // 2)
                rows = rows_of(cosines, norms)
                name = f"{tasks} gradients {words}, norm ratio {10**ratio:g}"
                cases.append(Case(name, tuple(_perturbed(rows, index) for index in range(3))))

        # The last six cases are of these tasks: a method with a memory must hold when they take turns.
        rows_of_steps = [cases[-1 - at % 6].steps[0].gradients.roll(at, dims=0) for at in range(2 * tasks)]
        steps = (Step(rows, signals_of(rows, at), None) for at, rows in enumerate(rows_of_steps))
        cases.append(Case(f"{tasks} gradients that change with every step", tuple(steps)))
    return tuple(cases)


def dependent() -> tuple[Case, ...]:
    """Gradients of fewer dimensions than tasks, which is what adapters of low rank and many tasks come to."""
    source = Generator().manual_seed(44)
    cases = []
    for tasks, rank in ((3, 2), (5, 3), (8, 4)):
        factors = torch.randn(tasks, rank, dtype=torch.float64, generator=source)
        rows = factors @ torch.randn(rank, 10, dtype=torch.float64, generator=source)
        cases.append(case_of(f"{tasks} gradients of rank {rank}", rows, vary=False, steps=2))
    return tuple(cases)


def _perturbed(rows: Tensor, index: int) -> Step:
    """The gradients; then with relative noise of 1e-8 and of 1e-3."""
    source = Generator().manual_seed(index)
    noise = torch.randn(rows.shape, dtype=torch.float64, generator=source) * rows.norm(dim=1, keepdim=True)
    moved = rows + (0.0, 1e-8, 1e-3)[index] * noise
    return Step(moved, signals_of(moved, index), None)
