"""Where the method's code ran, and where the final model was scored: what a record may say, and what is weak."""

from collections.abc import Iterator

from bench.records.rules import Problem
from bench.validation.subject import Rule, Subject

NUMBERS = frozenset({"TaskSampling", "SampleWeighting", "LossWeighting", "GramianWeighting"})
"""Hook classes whose methods are always confined where anything can be; what the others read may be too large to share.
`bench.training.confined.source` has the same; this room does not import training, and a test holds them equal."""
SAYS = 2
"""The first protocol whose records say it."""
AGAIN = "Run it again on Linux with seccomp, on a processor, or have it reproduced there."


def isolation(subject: Subject) -> Iterator[Problem]:
    """A method is confined only where that can be, and a new record of one that is not is worth a look.

    Another library's cannot be, and none in a run of several threads or processes.
    """
    said = subject.record.provenance.isolation
    foreign = "it is a variant of another library's" if "/" in subject.record.method.name else ""
    cannot = _shared(subject) or foreign
    if said == "confined" and cannot:
        yield subject.problem("provenance.isolation", f"is 'confined', which cannot be: {cannot}")
    elif subject.settled or subject.record.protocol < SAYS:
        return

    elif not said:
        yield subject.problem("provenance.isolation", "does not say where the method ran", level="warning")
    elif said == "in process":
        numbers = set(subject.record.method.acts_on) <= NUMBERS and subject.record.method.wrapper is None
        yield _in_process(subject, cannot or ("" if numbers else "what it reads may be too large to share"))


def _in_process(subject: Subject, why: str) -> Problem:
    """A notice with the reason, a warning where there is none."""
    known = "the method ran in the process that trained"
    if why:
        return subject.problem("provenance.isolation", f"{known}: {why}", "Its file is worth reading.", "notice")
    return subject.problem("provenance.isolation", f"{known}, and its kind can be confined", AGAIN, "warning")


def evaluated(subject: Subject) -> Iterator[Problem]:
    """The final model is scored in a forked process only by a run that is one process of one thread."""
    said = subject.record.provenance.evaluated
    why = _shared(subject)
    if said == "forked" and why:
        yield subject.problem("provenance.evaluated", f"is 'forked', which cannot be: {why}")
    elif not said and not subject.settled and subject.record.protocol >= SAYS:
        yield subject.problem("provenance.evaluated", "does not say where the model was scored", level="warning")


def _shared(subject: Subject) -> str:
    """Why nothing can be forked from such a run, '' if it can."""
    origin = subject.record.provenance
    if origin.processes > 1 or origin.threads > 1:
        return f"the run had {origin.processes} processes of {origin.threads} threads"
    return "its replies are sampled by vllm" if subject.suite.rollout == "vllm" else ""


ISOLATION: tuple[Rule, ...] = (isolation, evaluated)
