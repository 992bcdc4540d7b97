"""Is it the recipe's run? What the ledger must count, and where the curves' windows must end.

A plan of runs (`RunPlan`) chooses the sizes of its steps, and a wrapper makes passes of its own; there, equalities
become bounds.
"""

from collections.abc import Iterator

from bench.records.rules import Problem
from bench.records.rules.signals import ROUNDING, readable, single_steps
from bench.records.schema import CURVE_GENERATIONS
from bench.records.windows import generations, numbers_a_step, window_ends
from bench.validation.subject import Rule, Subject
from methods._declared import needs_of

LATEST = len(CURVE_GENERATIONS)


def steps(subject: Subject) -> Iterator[Problem]:
    """Steps and prompts are what the recipe asks for, or where the budget ended them."""
    record = subject.record
    recipe = subject.suite.recipe
    plan = subject.case.plan
    ledger = record.ledger
    full = len(subject.suite.tasks) * recipe.prompts_per_task
    if plan:
        if ledger.prompts > recipe.steps * full or ledger.steps > ledger.prompts:
            said = f"{ledger.prompts:,} prompts in {ledger.steps:,} steps; the plan has {recipe.steps * full:,} prompts"
            yield subject.problem("ledger.prompts", said)
        return

    if ledger.steps > recipe.steps or (record.status == "done" and ledger.steps != recipe.steps):
        yield subject.problem("ledger.steps", f"is {ledger.steps} with status {record.status}, not {recipe.steps}")

    # A run that failed in a step has drawn that step's prompts already.
    begun = {ledger.steps * full, (ledger.steps + (record.status == "failed")) * full}
    if ledger.prompts not in begun:
        yield subject.problem("ledger.prompts", f"is {ledger.prompts:,}; {ledger.steps} steps have {full} each")


def rollouts(subject: Subject) -> Iterator[Problem]:
    """Every prompt has its rollouts, every rollout its reward; SFT has neither."""
    ledger = subject.record.ledger
    recipe = subject.suite.recipe
    failed = subject.record.status == "failed"
    each = recipe.rollouts_per_prompt if subject.suite.regime == "grpo" else 0

    # A run that failed may have stopped between a prompt and its last rollout.
    if ledger.rollouts != ledger.prompts * each and not (failed and ledger.rollouts < ledger.prompts * each):
        yield subject.problem("ledger.rollouts", f"is {ledger.rollouts:,}; {ledger.prompts:,} prompts have {each} each")
    if ledger.reward_calls != ledger.rollouts and not failed:
        yield subject.problem("ledger.reward_calls", f"is {ledger.reward_calls:,} for {ledger.rollouts:,} rollouts")
    if ledger.sampled_tokens > ledger.rollouts * recipe.max_reply_tokens:
        said = f"is {ledger.sampled_tokens:,}; {ledger.rollouts:,} replies have at most {recipe.max_reply_tokens} each"
        yield subject.problem("ledger.sampled_tokens", said)


def _asks_teachers(subject: Subject) -> bool:
    """Whether the method's file says that it makes forward passes beside those of training."""
    card = subject.checkout.cards.get(subject.record.method.name)
    return card is not None and "extra_forward" in needs_of(card.path)


def passes(subject: Subject) -> Iterator[Problem]:
    """Every sequence is trained on once; a wrapper's further passes are counted, a plan's scores are no training."""
    record = subject.record
    if record.status == "failed":
        return

    ledger = record.ledger
    grpo = subject.suite.regime == "grpo"
    sequences, tokens = (ledger.rollouts, ledger.sampled_tokens) if grpo else (ledger.prompts, None)
    more = record.method.wrapper is not None
    fewer = subject.case.plan

    # SFT has no rollouts, so that nothing in a record says how many tokens its answers have.
    for name, expected in (("backward_passes", sequences), ("trained_tokens", tokens)):
        found = getattr(ledger, name)
        if expected is None or found == expected or (found > expected and more) or (0 < found < expected and fewer):
            continue
        yield subject.problem(f"ledger.{name}", f"is {found:,}, the recipe gives {expected:,}")

    if ledger.forward_passes < ledger.backward_passes:
        yield subject.problem("ledger.forward_passes", f"is {ledger.forward_passes:,}, less than backward passes")
    elif (
        grpo
        and not more
        and not _asks_teachers(subject)
        and ledger.forward_passes > ledger.backward_passes + ledger.rollouts
    ):
        yield subject.problem("ledger.forward_passes", f"is {ledger.forward_passes:,} for {ledger.rollouts:,} rollouts")


def means(subject: Subject) -> Iterator[Problem]:
    """A run takes time and memory: at least its weights, two bytes each, and a microsecond a sequence."""
    ledger = subject.record.ledger
    parameters = subject.record.model.parameters
    if ledger.peak_memory_bytes < 2 * parameters:
        said = f"is {ledger.peak_memory_bytes:,}, less than {parameters:,} weights"
        yield subject.problem("ledger.peak_memory_bytes", said)
    if ledger.wall_seconds <= 1e-6 * ledger.backward_passes and ledger.steps:
        yield subject.problem(
            "ledger.wall_seconds", f"is {ledger.wall_seconds:g} for {ledger.backward_passes:,} passes"
        )


def windows(subject: Subject) -> Iterator[Problem]:
    """The curves' windows end where the probe puts them for so many steps and tasks."""
    found = subject.record.curves.steps
    count = subject.record.ledger.steps
    tasks = len(subject.record.tasks)
    kept = generations(subject.record.curves)
    allowed = [window_ends(count, numbers_a_step(tasks, some)) for some in ([kept] if kept else range(LATEST, -1, -1))]
    if found not in allowed:
        said = f"{len(found)} windows; {count} steps of {tasks} tasks have {len(allowed[0])}, of equal length"
        yield subject.problem("curves.steps", said)


def clipping(subject: Subject) -> Iterator[Problem]:
    """A step is clipped if and only if what the recipe clips by, update or plain mean, is longer than it allows."""
    curves = subject.record.curves
    recipe = subject.suite.recipe
    most = recipe.max_gradient_norm
    if most is None:
        if any(curves.clipped):
            yield subject.problem("curves.clipped", "a recipe without clipping clipped")
        return

    norms = curves.plain_norm if recipe.clip == "relative" else curves.update_norm
    if curves.steps and not norms:
        yield subject.problem(
            "curves.plain_norm", "is missing; a recipe that clips relative to the plain mean needs it"
        )
        return

    for point in single_steps(subject.case) if readable(subject.case) else ():
        norm = norms[point]
        clipped = curves.clipped[point]
        if clipped not in (0, 1) or (abs(norm - most) > ROUNDING * most and (norm > most) != bool(clipped)):
            said = f"point {point}: is {clipped:g} with norm {norm:g}, allowed {most:g} ({recipe.clip})"
            yield subject.problem("curves.clipped", said)
            return


def lengths(subject: Subject) -> Iterator[Problem]:
    """No reply is longer than the recipe allows."""
    most = subject.suite.recipe.max_reply_tokens
    if any(
        value is not None and value > most * (1 + ROUNDING)
        for point in subject.record.curves.reply_length
        for value in point
    ):
        yield subject.problem("curves.reply_length", f"exceeds the {most} tokens of a reply")


RECIPE: tuple[Rule, ...] = (steps, rollouts, passes, means, windows, clipping, lengths)
