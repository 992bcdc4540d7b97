"""What a property is: one rule in one sentence, an input that tries it, and a violation that says all of it."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from methods import Method, RunPlan
from methods._base import HOOKS
from methods._battery.peers import EXEMPT
from methods._battery.subject import Fault, Subject
from methods._cards import MethodCard

Finding = tuple[str, str, str]
"""What was given, what came back, what is allowed."""
Check = Callable[[Subject], Iterator[Finding]]
EVERYWHERE: tuple[type[Method], ...] = HOOKS
IN_A_STEP: tuple[type[Method], ...] = tuple(hook for hook in HOOKS if hook is not RunPlan)
MOST = 3
"""Inputs that are listed of one property."""


@dataclass(frozen=True)
class Violation:
    """A rule that a method breaks, in words."""

    name: str
    rule: str
    given: str
    returned: str
    allowed: str

    @property
    def case(self) -> str:
        """The violation without the rule."""
        return f"Given {self.given}: {self.returned}. Allowed: {self.allowed}."

    def __str__(self) -> str:
        return f"{self.rule} {self.case}"


@dataclass(frozen=True)
class Property:
    """A rule of the contract. kinds: the hook classes it binds."""

    name: str
    rule: str
    kinds: tuple[type[Method], ...]
    check: Check

    def acts(self, card: MethodCard) -> bool:
        """Whether it is about methods that act where this one does."""
        return bool({kind.__name__ for kind in self.kinds} & set(card.acts_on))

    def binds(self, card: MethodCard) -> bool:
        """Whether the method must keep it."""
        return self.acts(card) and not (card.variant and self.name in EXEMPT)

    def violations(self, subject: Subject) -> list[Violation]:
        """How a method breaks it: the first step of the first few inputs. Warnings count as errors."""
        found: dict[str, Finding] = {}

        with warnings.catch_warnings():
            for category in (RuntimeWarning, UserWarning):
                warnings.simplefilter("error", category)
            try:
                for finding in self.check(subject):
                    found.setdefault(finding[0].partition(", step ")[0], finding)
                    if len(found) == MOST:
                        break
            except Fault as fault:
                found[fault.finding[0]] = fault.finding

        around = f"{subject.inside} inside, " if subject.inside else ""
        return [Violation(self.name, self.rule, f"{around}{given}", *rest) for given, *rest in found.values()]


def rule(kinds: tuple[type[Method], ...] = IN_A_STEP) -> Callable[[Check], Property]:
    """Make a property of a function: its name, and the first paragraph of its docstring as the rule."""

    def make(check: Check) -> Property:
        words = " ".join((check.__doc__ or "").partition("\n\n")[0].split())
        return Property(check.__name__.replace("_", " "), words, kinds, check)

    return make
