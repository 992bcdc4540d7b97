"""Properties of conduct: state, chance, settings, and what a method leaves untouched."""

import math
import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bench.errors import UserError
from methods import _registry
from methods._base import acts_on, extra
from methods._battery.inputs import Case, case_of, random_rows, with_signals
from methods._battery.rules import EVERYWHERE, IN_A_STEP, Finding, rule
from methods._battery.subject import Answers, Subject, shown

CUT = 6
"""Steps before the state is saved."""


@rule(kinds=EVERYWHERE)
def card(subject: Subject) -> Iterator[Finding]:
    """The class is what the file's card says: name, version, and where it acts."""
    said, kind = subject.card, subject.kind
    pairs = {
        "name": (kind.name, said.name),
        "version": (kind.version, said.version),
        "class": (kind.__name__, said.class_name),
        "acts on": (tuple(acts_on(subject.make(4))), said.acts_on),
    }
    for what, (found, expected) in pairs.items():
        if found != expected:
            yield "the card", f"{what} {found!r}", repr(expected)


@rule(kinds=IN_A_STEP)
def continues(subject: Subject) -> Iterator[Finding]:
    """A saved state continues as if nothing had happened."""
    case = _run()
    method = subject.make(4)
    subject.drive(method, case, last=CUT)
    saved = method.state_dict()
    expected = subject.drive(method, case, first=CUT)

    resumed = subject.make(4, seed=99)
    resumed.load_state_dict(saved)
    yield from _differences(f"a copy of the state of step {CUT}", subject.drive(resumed, case, first=CUT), expected)

    method.load_state_dict(saved)
    yield from _differences(f"its own state of step {CUT}", subject.drive(method, case, first=CUT), expected)


@rule(kinds=EVERYWHERE)
def reset(subject: Subject) -> Iterator[Finding]:
    """After `reset` the same run gives the same answers."""
    case = _run()
    method = subject.make(4)
    first = subject.drive(method, case)
    method.reset()
    yield from _differences("a run after `reset`", subject.drive(subject.prepare(method, 6), case), first)


@rule(kinds=EVERYWHERE)
def declared_state(subject: Subject) -> Iterator[Finding]:
    """No attribute outside `state` changes in a run: it would be lost when the run continues."""
    method = subject.make(4)
    declared = {*method.state, "generator"}
    before = {key: exact(value) for key, value in vars(method).items() if key not in declared}
    subject.drive(method, _run())
    after = {key: exact(value) for key, value in vars(method).items() if key not in declared}
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    if changed:
        yield "a run of 4 tasks", f"{', '.join(changed)} changed", f"state = {tuple(changed)} declares them"


@rule(kinds=EVERYWHERE)
def chance(subject: Subject) -> Iterator[Finding]:
    """Chance comes from `self.generator` only: the same seed gives the same answers, and no other is drawn from."""
    case = _run()
    shared = torch.get_rng_state(), random.getstate()
    first = subject.run(case, seed=3)
    if not torch.equal(torch.get_rng_state(), shared[0]) or random.getstate() != shared[1]:
        yield "a run of 4 tasks", "the global generator moved", "draws from self.generator"
    yield from _differences("the same seed", subject.run(case, seed=3), first)


@rule(kinds=EVERYWHERE)
def inputs_stay(subject: Subject) -> Iterator[Finding]:
    """What a method is given stays as it was."""
    case = _run()
    if subject.peer:
        case = with_signals(case, [step.gradients.float() for step in case.steps], case.words)

    before = [exact(step) for step in case.steps]
    subject.run(case)

    for index, step in enumerate(case.steps):
        if exact(step) != before[index]:
            yield case.at(index), "gradients, signals or rollouts changed in place", "a copy of what it changes"
            return


@rule(kinds=EVERYWHERE)
def settings(subject: Subject) -> Iterator[Finding]:
    """Every setting has a description, and a default and a search range within its bounds."""
    made = subject.kind.Settings()
    for key, field in type(made).model_fields.items():
        low, high, search = (extra(field, bound) for bound in ("low", "high", "search"))
        own = getattr(made, key)
        values = [*(own if extra(field, "per_task") else [own]), *(search or [])]

        if not field.description:
            yield f"setting {key}", "no description", "a `doc`"
        if any((low is not None and value < low) or (high is not None and value > high) for value in values):
            yield f"setting {key}", f"default or search range {values}", f"within {low} and {high}"
        if extra(field, "log") and search is not None and search[0] <= 0:
            yield f"setting {key}", f"a logarithmic search from {search[0]}", "from above 0"


@rule(kinds=EVERYWHERE)
def bounds(subject: Subject) -> Iterator[Finding]:
    """Values at the bounds of a setting are taken; values beyond them, NaN and text are refused by its name."""
    for key, field in subject.kind.Settings.model_fields.items():
        limits = [(limit, step) for limit, step in ((extra(field, "low"), -1), (extra(field, "high"), 1))]
        known = [(limit, step) for limit, step in limits if limit is not None]

        for limit, _ in known:
            if said := _refusal(subject, key, limit):
                yield f"{key}={limit}", f"it was refused: {said}", "a value at a bound is legal"

        for value in [*(limit + step for limit, step in known), *(["many", math.nan, None] if known else [])]:
            said = _refusal(subject, key, value)
            if key not in said:
                yield f"{key}={value}", said or "it was taken", f"a refusal that names {key}"


@rule(kinds=EVERYWHERE)
def legal_settings(subject: Subject) -> Iterator[Finding]:
    """Every setting at its bounds and at the ends of its search range gives finite answers."""
    case = replace(_run(), steps=_run().steps[:4])
    for key, field in subject.kind.Settings.model_fields.items():
        ends = {extra(field, "low"), extra(field, "high"), *(extra(field, "search") or [])} - {None}

        for end in sorted(ends):
            value = type(field.default)(end) if isinstance(field.default, int) else end
            values = {key: [value, 1, 1, 1] if extra(field, "per_task") else value}
            named = Case(f"{case.words}, {key}={value}", case.steps)
            subject.run(named, **values)
    yield from ()


def exact(value: Any) -> str:
    """`repr` to the last digit of every tensor."""
    if isinstance(value, Tensor):
        return repr(value.tolist())
    if is_dataclass(value):
        return repr({field.name: exact(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, dict):
        return repr({key: exact(item) for key, item in value.items()})
    return repr([exact(item) for item in value]) if isinstance(value, list | tuple) else repr(value)


def _run() -> Case:
    return case_of("4 conflicting gradients", random_rows(4, 6))


def _differences(given: str, found: list[Answers], expected: list[Answers]) -> Iterator[Finding]:
    for step, (answer, other) in enumerate(zip(found, expected, strict=True)):
        for key in answer:
            if not torch.equal(answer[key], other[key]):
                yield f"{given}, step {step + 1}", f"{key} {shown(answer[key])}", shown(other[key])
                return


def _refusal(subject: Subject, key: str, value: Any) -> str:
    """Why the settings refuse a value; '' if they take it."""
    per_task = extra(subject.kind.Settings.model_fields[key], "per_task")
    try:
        _registry.settings_of(subject.kind, {key: [value, 1] if per_task else value}, ["a", "b"])
    except UserError as error:
        return str(error)
    return ""
