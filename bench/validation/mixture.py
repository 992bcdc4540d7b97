"""Is it the suite's run? Digest, model, tasks, data, blind order, items and budget, each recomputed."""

import random
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256

from bench.protocol import PROTOCOL
from bench.records import attempts as again
from bench.records.rules import Problem
from bench.records.schema import Budget, TaskResult
from bench.records.track import base_suite
from bench.request.pinned import pinned_digest
from bench.request.suite import PINNED
from bench.validation.subject import Rule, Subject

STATE_WORDS = 624
"""Words of a Mersenne Twister."""


def protocol(subject: Subject) -> Iterator[Problem]:
    """The harness's own numerics are today's; a settled record may be of earlier ones."""
    found = subject.record.protocol
    if found > PROTOCOL or (found < PROTOCOL and not subject.settled):
        yield subject.problem("protocol", f"is {found}, this harness has {PROTOCOL}")


def suite_digest(subject: Subject) -> Iterator[Problem]:
    """The suite file, with the record's overrides, has the digest that the record names."""
    suite = subject.suite
    use = subject.record.suite
    if suite.digest != use.digest:
        said = f"is {use.digest[:12]}, suites/{base_suite(suite.name)}.yaml gives {suite.digest[:12]}"
        yield subject.problem("suite.digest", said, "Restore the suite, and run on it; a changed suite is a new file.")
    if suite.name != use.name:
        yield subject.problem("suite.name", f"is {use.name!r}, its overrides give {suite.name!r}")


def model(subject: Subject) -> Iterator[Problem]:
    """The suite's model, by the digest of its files where these are at hand."""
    use = subject.record.model
    suite = subject.suite
    if use.name != suite.model:
        yield subject.problem("model.name", f"is {use.name!r}, the suite has {suite.model!r}")
    elif suite.model not in PINNED:
        subject.checkout.skipped[f"digest of model {suite.model}: compared with other records only"] += 1
    elif use.digest != pinned_digest(suite.model):
        said = f"is {use.digest[:12]}, assets/{suite.model} gives {pinned_digest(suite.model)[:12]}"
        yield subject.problem("model.digest", said)

    if (use.trained is None) != (suite.lora.r == 0) or (use.trained or 0) > use.parameters:
        yield subject.problem("model.trained", f"is {use.trained} of {use.parameters:,} with lora.r={suite.lora.r}")
    if (use.final_digest is None) != (subject.record.status == "failed"):
        yield subject.problem("model.final_digest", f"is {use.final_digest} with status {subject.record.status}")


def tasks(subject: Subject) -> Iterator[Problem]:
    """The suite's tasks in its order, at the revision that the code has."""
    results = subject.record.tasks
    suite = subject.suite
    known = subject.checkout.tasks
    names = [task.name for task in results]
    if names != list(suite.tasks):
        yield subject.problem("tasks", f"are {', '.join(names)}; the suite has {', '.join(suite.tasks)}")
        return

    for task in results:
        if task.name not in known:
            yield subject.problem("tasks.name", f"this harness has no task {task.name!r}", "Update the harness.")
            continue
        if task.scored != (task.name in suite.scored_tasks):
            yield subject.problem("tasks.scored", f"of {task.name} is {task.scored}, the suite says otherwise")
        revision = known[task.name].revision
        domain = known[task.name].domain
        if task.domain != domain:
            yield subject.problem("tasks.domain", f"{task.name} is of {domain}, not of {task.domain}")
        if task.revision > revision or (task.revision < revision and not subject.settled):
            yield subject.problem("tasks.revision", f"{task.name} is at {revision}, the record has {task.revision}")
        elif task.revision == revision:
            yield from _data(subject, task)


def _data(subject: Subject, task: TaskResult) -> Iterator[Problem]:
    """The rows have the hash that they have here."""
    suite = subject.suite
    expected = subject.checkout.data_hash(
        task.name, suite.train_rows(task.name), suite.evaluation.items, suite.evaluation.skip
    )
    if expected not in (None, task.data_hash):
        said = f"{task.name} has rows of hash {expected[:12] if expected else ''}, the record has {task.data_hash[:12]}"
        yield subject.problem("tasks.data_hash", said)


def positions(subject: Subject) -> Iterator[Problem]:
    """The blind order is the one that the seed draws."""
    order = blind_order(subject.suite.tasks, subject.record.seed)
    found = [task.position for task in subject.record.tasks]
    expected = [order.index(task) for task in range(len(order))]
    if found != expected and len(found) == len(expected):
        yield subject.problem("tasks.position", f"are {found}, seed {subject.record.seed} draws {expected}")


def items(subject: Subject) -> Iterator[Problem]:
    """Every score is over as many items, and as many samples of each, as the suite evaluates."""
    wanted = subject.suite.evaluation
    for task in subject.record.tasks:
        for name, score in (("before", task.before), ("after", task.after)):
            if score is not None and score.count != wanted.items:
                yield subject.problem(f"tasks.{name}", f"{task.name} has {score.count} items, the suite {wanted.items}")
            elif score is not None and score.samples != wanted.samples:
                said = f"{task.name} has {score.samples} samples of each item, the suite {wanted.samples}"
                yield subject.problem(f"tasks.{name}", said)


def attempts(subject: Subject) -> Iterator[Problem]:
    """The base model tried as many items, as often, as the harness asks it to."""
    wanted = min(again.ITEMS, subject.suite.evaluation.items), again.SAMPLES
    for task in subject.record.tasks:
        found = task.attempts
        if found and (found.items, found.samples) != wanted:
            said = f"{task.name} has {found.samples} replies to {found.items} items, not {wanted[1]} to {wanted[0]}"
            yield subject.problem("tasks.attempts", said)


def evaluated(subject: Subject) -> Iterator[Problem]:
    """A run is evaluated after training unless it failed."""
    failed = subject.record.status == "failed"
    for task in subject.record.tasks:
        if (task.after is None) != failed:
            has = "no score" if task.after is None else "a score"
            yield subject.problem("tasks.after", f"{task.name} has {has} with status {subject.record.status}")


def budget(subject: Subject) -> Iterator[Problem]:
    """The budget is the suite's."""
    for name in Budget.model_fields:
        found = getattr(subject.record.budget, name)
        wanted = getattr(subject.suite.budget, name)
        if found != wanted:
            yield subject.problem(f"budget.{name}", f"is {found}, the suite has {wanted}")


def standard(subject: Subject) -> Iterator[Problem]:
    """Only lm-eval's own tasks that the suite names are reported beside it."""
    names = [score.task for score in subject.record.standard]
    strange = [name for name in names if name not in subject.suite.standard or names.count(name) > 1]
    if strange:
        yield subject.problem("standard", f"{', '.join(sorted(set(strange)))}: not what the suite names, each once")


MIXTURE: tuple[Rule, ...] = (
    protocol,
    suite_digest,
    model,
    tasks,
    positions,
    items,
    attempts,
    evaluated,
    budget,
    standard,
)


def blind_order(names: Sequence[str], seed: int) -> list[int]:
    """`bench.engine.sampling.blind_order`, without torch: a Mersenne Twister and a Fisher-Yates shuffle."""
    return _drawn(tuple(names), seed).copy()


@cache
def _drawn(names: tuple[str, ...], seed: int) -> list[int]:
    text = "/".join(map(str, (seed, "order", *sorted(names))))
    draw = _twister(int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1)
    order = list(range(len(names)))
    for place in range(len(order) - 1):
        other = place + draw.getrandbits(32) % (len(order) - place)
        order[place], order[other] = order[other], order[place]
    return order


def _twister(seed: int) -> random.Random:
    """The generator that torch has on the processor after `manual_seed(seed)`."""
    state = [seed & 0xFFFFFFFF]
    for word in range(1, STATE_WORDS):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + word) & 0xFFFFFFFF)
    generator = random.Random()  # noqa: S311 - not a secret
    generator.setstate((3, (*state, STATE_WORDS), None))
    return generator
