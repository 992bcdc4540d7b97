"""Is it the method's run? Name, version, source, settings, folder and normaliser, by the method's file."""

from collections.abc import Iterator, Mapping

from bench.records.fields import Value
from bench.records.rules import Problem
from bench.records.rules.facts import OWN_NORMALISER
from bench.records.rules.record import VARIANT
from bench.records.schema import Card, MethodUse, WrapperUse
from bench.records.store import digest_of
from bench.records.track import is_tuned
from bench.validation.checkout import Checkout
from bench.validation.subject import Rule, Subject
from methods._cards import MethodCard
from methods._declared import Declared, defaults, source_of

WRAPPER = "StepWrapper"
SHOWN = 5
"""Refusals of one file that are named; the first ones tell enough."""
WITHIN = "A method computes with what it is given; docs/validation.md says what it may name."


def parts(subject: Subject) -> list[tuple[str, MethodUse | WrapperUse]]:
    """The method, and the wrapper if there is one, with the field that each has."""
    use = subject.record.method
    return [("method", use), *([("method.wrapper", use.wrapper)] if use.wrapper else [])]


def source(subject: Subject) -> Iterator[Problem]:
    """Method and version are known, and the code is what that version is."""
    for field, use in parts(subject):
        card = subject.checkout.cards.get(use.name)

        if card is None:
            said = f"there is no method {use.name!r} in methods/"
            yield subject.problem(f"{field}.name", said, "Add its file; the code of a published run is public.")
        elif use.version == card.version:
            yield from _present(subject, field, use, card)
        elif not subject.checkout.had(card, use.version, use.source_digest):
            said = f"is {use.version}, methods/{card.path.name} is at {card.version}, and history has no such version"
            yield subject.problem(f"{field}.version", said)


def _present(subject: Subject, field: str, use: MethodUse | WrapperUse, card: MethodCard) -> Iterator[Problem]:
    """The present version: the record's code is the file's, and the file's is what was frozen."""
    digest = subject.checkout.digest(card)
    frozen = subject.checkout.frozen(card)
    raise_it = f"Raise `version` in methods/{card.path.name}, freeze it, and run again."
    if use.source_digest not in subject.checkout.digests(card):
        said = f"is {use.source_digest[:12]}, methods/{card.path.name} gives {digest[:12]} under version {card.version}"
        yield subject.problem(f"{field}.source_digest", said, raise_it)
    elif frozen is not None and frozen != digest and not subject.checkout.rewritten(card):
        said = f"methods/{card.path.name} changed under version {card.version}"
        yield subject.problem(f"{field}.source_digest", said, raise_it)
    elif frozen is None:
        said = f"version {card.version} of {use.name} is not in tests/golden"
        remedy = f"`bench freeze {use.name}`."
        yield subject.problem(f"{field}.version", said, remedy, "warning")

    if use.card != Card(**{name: getattr(card, name) for name in Card.model_fields}) and not subject.settled:
        said = f"is not what methods/{card.path.name} says now"
        yield subject.problem(f"{field}.card", said, "Look whether the text still fits.", "warning")


def hooks(subject: Subject) -> Iterator[Problem]:
    """The file says where the method acts: that decides which rules bind it."""
    for field, use in parts(subject):
        card = subject.checkout.cards.get(use.name)
        if card is None or use.version != card.version:
            continue
        if isinstance(use, MethodUse) and tuple(use.acts_on) != card.acts_on:
            yield subject.problem(f"{field}.acts_on", f"is {use.acts_on}, its file says {list(card.acts_on)}")
        if (WRAPPER in card.acts_on) != isinstance(use, WrapperUse):
            yield subject.problem(
                f"{field}.name", f"{use.name} is {'' if WRAPPER in card.acts_on else 'not '}a wrapper"
            )


def settings(subject: Subject) -> Iterator[Problem]:
    """Every setting that the file declares, within its bounds, and no other."""
    for field, use in parts(subject):
        card = subject.checkout.cards.get(use.name)
        if card is not None and use.version == card.version:
            for name, said in settings_faults(subject.checkout, card, use.settings, len(subject.record.tasks)):
                yield subject.problem(f"{field}.settings.{name}", said)


def settings_faults(
    checkout: Checkout, card: MethodCard, values: Mapping[str, Value], tasks: int
) -> Iterator[tuple[str, str]]:
    """Settings that a method of that card cannot have on so many tasks, and why."""
    declared = declared_by(checkout, card)
    if declared is None:
        return
    for name in sorted({*declared, *values}):
        if name not in values or name not in declared:
            yield name, "is missing" if name in declared else "is no setting of the method"
        elif said := declared[name].fault(values[name], tasks):
            yield name, said


def folder(subject: Subject) -> Iterator[Problem]:
    """Settings that are not the defaults give the folder `+` and 8 hex digits of their digest; tuned ones give none."""
    uses = [use for _, use in parts(subject)]
    cards = [subject.checkout.cards.get(use.name) for use in uses]
    present = [card for card, use in zip(cards, uses, strict=True) if card and card.version == use.version]
    declared = [declared_by(subject.checkout, card) for card in present]
    known = [one for one in declared if one is not None]
    if len(known) < len(uses):
        return

    # In the tuned track a method has one choice of settings, and its folder needs no mark.
    values = [use.settings for use in uses]
    plain = all(value == defaults(one) for value, one in zip(values, known, strict=True))
    plain |= is_tuned(subject.record.suite.name)
    mark = "" if plain else f"+{digest_of(values if len(values) > 1 else values[0])[:8]}"
    found = VARIANT.search(subject.case.path.parent.name)
    if mark != (found[0] if found else ""):
        said = f"the folder ends in {found[0] if found else 'no mark'!r}, these settings give {mark or 'no mark'!r}"
        yield subject.problem("method.settings", said, "Move the file back to where the harness wrote it.")


def normaliser(subject: Subject) -> Iterator[Problem]:
    """A method with token weights of its own has its own normaliser, and no other has."""
    use = subject.record.method
    card = subject.checkout.cards.get(use.name)
    if card is None or use.version != card.version:
        return
    text = subject.record.normaliser
    own = source_of(card.path, card.class_name).weighs_tokens
    if own != text.startswith(OWN_NORMALISER) or (own and text != f"{OWN_NORMALISER}{use.name}"):
        yield subject.problem("normaliser", f"is {text!r}, which {use.name} does not have")


def allowed(subject: Subject) -> Iterator[Problem]:
    """The code names what a method needs, and nothing that leads around the harness; what is settled was judged."""
    for field, use in parts(subject) if not subject.settled else ():
        card = subject.checkout.cards.get(use.name)
        for refusal in subject.checkout.refusals(card)[:SHOWN] if card else ():
            yield subject.problem(f"{field}.source_digest", f"methods/{refusal}", WITHIN)


def committed(subject: Subject) -> Iterator[Problem]:
    """The commit that a new record names holds the code that it names."""
    commit = subject.record.provenance.commit
    if subject.settled or not subject.case.official or subject.checkout.commit_date(commit) is None:
        return

    for field, use in parts(subject):
        card = subject.checkout.cards.get(use.name)
        # A digest by an earlier rule says nothing of the same code by today's.
        if card is None or (use.source_digest != subject.checkout.digest(card) and use.version == card.version):
            continue
        if (use.version, use.source_digest) not in subject.checkout.made_of(card, commit):
            said = f"is not that of methods/{card.path.name} in commit {commit[:12]}, which the run names"
            yield subject.problem(f"{field}.source_digest", said, "Commit the method, and run again.")


CODE: tuple[Rule, ...] = (source, committed, allowed, hooks, settings, folder, normaliser)


def declared_by(checkout: Checkout, card: MethodCard) -> Mapping[str, Declared] | None:
    """The settings that a method's file declares; None, and noted, where these are more than literals."""
    found = source_of(card.path, card.class_name).settings
    if found is None:
        checkout.skipped[f"settings of {card.name}: its file declares them by more than literals"] += 1
    return found
