"""Do the weights follow from the Gramian? Asked again of methods that look at nothing else and leave nothing to chance.

Only this harness's own methods are run, and only where a record's code is theirs. A recorded Gramian has four digits:
where rounding moves the answer, it may differ by as much. It is asked in a few windows of one step each.
"""

import ast
import importlib.util
import random
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.records.rules import Problem
from bench.records.rules.signals import readable, single_steps
from bench.records.schema import Record
from bench.validation.allowed import HERE
from bench.validation.subject import Rule, Subject
from methods import _registry as methods
from methods._digests import closure

if TYPE_CHECKING:
    from torch import Tensor

    from methods import Weighting

WINDOWS = 6
"""Windows of a record that are asked; the outcome digest draws them, so that nobody chooses them."""
WRONG = 2
"""Windows that must differ: in one, rounding may have moved a method across an edge."""
DIGITS = 5e-4
"""Relative error of a number of four digits."""
SLACK = 2e-3
"""Error that is always allowed, in parts of the largest weight."""
EDGES = 10.0
"""Times the largest change that rounding made in three trials."""


def weights(subject: Subject) -> Iterator[Problem]:
    """The realised weights are those that the method gives for the recorded Gramian."""
    if subject.settled or subject.record.method.wrapper is not None or not readable(subject.case):
        return
    method = _method(subject)
    if method is None:
        return

    draw = random.Random(subject.record.outcome_digest)  # noqa: S311 - not a secret
    windows = list(single_steps(subject.case))
    chosen = sorted(draw.sample(windows, min(WINDOWS, len(windows))))
    wrong = [point for point in chosen if _differs(method, subject.record, point)]
    if len(wrong) >= min(WRONG, len(chosen)) and wrong:
        said = f"points {', '.join(map(str, wrong))}: are not what {method.name} makes of the Gramian there"
        yield subject.problem("curves.weights", said)


ANSWERS: tuple[Rule, ...] = (weights,)


def _method(subject: Subject) -> "Weighting | None":
    """The record's method, started; None if its answer rests on more than a Gramian, or it is not ours to run."""
    use = subject.record.method
    card = subject.checkout.cards.get(use.name)
    if card is None or not rests_on_gramian(use.name):
        return None
    # The code that the record names is the checkout's, and the checkout's is ours: nobody else's is run.
    if use.source_digest not in subject.checkout.digests(card) or _our_digest(use.name) != subject.checkout.digest(
        card
    ):
        return None
    if importlib.util.find_spec("torch") is None:
        subject.checkout.skipped["weights: torch, which asks the methods again, is not installed"] += 1
        return None

    import torch

    from methods import RunInfo, Weighting

    kind = _our_class(use.name)
    if not issubclass(kind, Weighting) or kind.state:
        return None

    names = [task.name for task in subject.record.tasks]
    given = {key: value for key, value in use.settings.items() if value not in ([], None)}
    settings = methods.in_blind_order(methods.settings_of(kind, given, names), _order(subject.record))
    sizes = torch.full((len(names),), float(subject.suite.recipe.train_rows), dtype=torch.float64)
    method: Weighting = kind(settings, torch.Generator().manual_seed(0))
    return method.start(RunInfo(len(names), sizes, subject.suite.recipe.steps))


@cache
def _our_class(name: str) -> Any:
    """The class of a method of this harness."""
    return methods.load(name)


@cache
def _our_digest(name: str) -> str:
    """The digest of a method of this harness."""
    return methods.source_digest(methods.cards()[name].path)


@cache
def rests_on_gramian(name: str) -> bool:
    """Whether a method of this harness weights gradients, or losses, and names no generator: read from its file."""
    card = methods.cards().get(name)
    if card is None or card.variant or not {"GramianWeighting", "LossWeighting"} & set(card.acts_on):
        return False
    source = card.path.read_text("utf-8")
    texts = [source, *closure(source, lambda helper: (HERE / f"{helper}.py").read_text("utf-8")).values()]
    nodes = (node for text in texts for node in ast.walk(ast.parse(text)))
    return not any(isinstance(node, ast.Attribute) and node.attr == "generator" for node in nodes)


def _order(record: Record) -> Sequence[int]:
    """The suite's position of each blind task."""
    places = {task.position: index for index, task in enumerate(record.tasks)}
    return [places[position] for position in range(len(places))]


def _differs(method: "Weighting", record: Record, point: int) -> bool:
    """Whether the recorded weights of a window are beyond what rounding explains."""
    import torch

    order = _order(record)
    gramian = _gramian(record, point)[order][:, order]
    recorded = torch.tensor(record.curves.weights[point], dtype=torch.float64)[order]
    answer = _answer(method, gramian)
    if not answer.isfinite().all():  # the method looks at more than the Gramian
        return False
    apart = (answer - recorded).abs().max()
    allowed = SLACK * max(answer.abs().max(), recorded.abs().max())
    if apart <= allowed:
        return False

    noise = torch.Generator().manual_seed(point)
    moved = [(_answer(method, gramian * _rounding(len(order), noise)) - answer).abs().max() for _ in range(3)]
    return bool(apart > allowed + EDGES * max(moved))


def _rounding(tasks: int, noise: Any) -> "Tensor":
    """Symmetric factors, [K, K], as rounding to four digits may have changed the entries of a Gramian."""
    import torch

    upper = torch.empty(tasks, tasks, dtype=torch.float64).uniform_(-1, 1, generator=noise).triu()
    return 1 + DIGITS * (upper + upper.T - torch.diag(upper.diagonal()))


def _gramian(record: Record, point: int) -> "Tensor":
    """The Gramian of a window, [K, K], in the suite's order."""
    import torch

    tasks = len(record.tasks)
    gramian = torch.diag(torch.tensor(record.curves.naive_squared_norm[point], dtype=torch.float64))
    rows, columns = torch.triu_indices(tasks, tasks, offset=1)
    products = torch.tensor(record.curves.gramian[point], dtype=torch.float64)
    gramian[rows, columns] = gramian[columns, rows] = products
    return gramian


def _answer(method: "Weighting", gramian: "Tensor") -> "Tensor":
    """Weights, [K], for a step of which nothing but the Gramian is known."""
    import torch

    from methods import Gramian, Signals

    nothing = torch.full((len(gramian),), torch.nan, dtype=torch.float64)
    signals = Signals(
        step=1,
        losses=nothing,
        rewards=nothing,
        mean_abs_advantage=nothing,
        lengths=nothing,
        prompt_lengths=nothing,
        silent=nothing,
        shares=nothing,
        gramian=Gramian(gramian),
        cross_gramian=torch.full_like(gramian, torch.nan),
    )
    return method.combine_weights(signals)
