"""The words of `bench tune`, and the runs they ask for: every method the same number of trials, seeds and items."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from bench.errors import UserError, close_to
from bench.places import DEFAULT_SUITE
from bench.records.track import FIRST_SEED, RATE
from bench.records.tuning import MOST_TRIALS, TRIALS, path_of
from bench.request.request import TUNED, parse_request, surroundings
from bench.request.suite import Suite, load_suite
from bench.sweeps.words import Options, Wish, parse
from bench.tuning.space import Point, Space, space_of
from methods import _registry as methods
from methods._cards import MethodCard
from tasks import Task
from tasks._data import data_root
from tasks._registry import tasks_of

OWN = ("method", "suite", "trials", "seeds", "items", "tuned", "dry_run")
PASSED_ON = ("data_root", "unsafe_code", "shard")
"""Words of `bench run` that say where a run happens."""
EXECUTION = ("workers", "timeout", "retries", "backend", "ray.address", "ray.cpus", "ray.gpus")
WRAPPER = "StepWrapper"
LEAST_ITEMS = 4


@dataclass(frozen=True)
class Draft:
    """The tuning of one method that is asked for: its points, and of each the wishes, one a seed."""

    card: MethodCard
    space: Space
    points: Sequence[Point]
    wishes: Sequence[Sequence[Wish]]
    path: Path
    """Where the tuning will lie."""


@dataclass(frozen=True)
class Asked:
    """What the words ask for."""

    suite: Suite
    drafts: Sequence[Draft]
    options: Options
    seeds: Sequence[int]
    items: int
    dry_run: bool

    @property
    def skip(self) -> int:
        """Held-out items that are passed over: all that are reported."""
        return self.suite.evaluation.items


def asked(words: Iterable[str]) -> Asked:
    """What words like `method=pcgrad suite=nano-v2 trials=8` ask for. UserError says what is wrong with one."""
    given = _given(words)
    specs = _methods(given)
    suite = load_suite(given.get("suite", DEFAULT_SUITE))
    trials, count = (
        _whole(given, name, least, most, default)
        for name, least, most, default in (("trials", 1, MOST_TRIALS, None), ("seeds", 1, 100, 1))
    )
    seeds = [FIRST_SEED + index for index in range(count)]

    if reported := sorted({*seeds} & {*suite.seeds}):
        raise UserError(
            f"{suite.name} reports seed {reported[0]}, which is a tuning seed; a suite's are below {FIRST_SEED}."
        )

    dry_run = given.get("dry_run", "false")
    if dry_run not in ("true", "false"):
        raise UserError(f"dry_run={dry_run} is neither true nor false.")

    rest = [f"{key}={given[key]}" for key in (*PASSED_ON, *EXECUTION) if key in given]
    surroundings(parse_request(["method=any", *(word for word in rest if word.partition("=")[0] in PASSED_ON)]))
    items = _whole(given, "items", LEAST_ITEMS, 100_000, None) if "items" in given else most_items(suite)
    common = [*measured(suite, items), f"seed={','.join(map(str, seeds))}", *rest]
    root = Path(given.get("tuned", TUNED))
    drafts = [_draft(spec, suite, trials, common, root) for spec in specs]

    return Asked(suite, drafts, parse([f"method={drafts[0].card.name}", *common])[1], seeds, items, dry_run == "true")


def most_items(suite: Suite) -> int:
    """Items to tune on: as many as are reported, or as each task has left. UserError if a task has next to none."""
    reported = suite.evaluation.items
    left = {task.name: _count(task, 2 * reported, data_root()) for task in tasks_of(suite)}
    name = min(left, key=lambda name: left[name])
    if left[name] < reported + LEAST_ITEMS:
        raise UserError(
            f"task {name!r} has {left[name]} held-out rows, and {reported} are reported: too few are left to tune on. "
            "Tune on a suite that reports fewer."
        )
    return left[name] - reported


@cache
def _count(task: Task, most: int, root: Path | None) -> int:
    """Held-out rows of a task, up to so many; root: where its data is."""
    return sum(1 for _ in islice(task.stream("heldout"), most))


def measured(suite: Suite, items: int) -> list[str]:
    """Words for a trial's held-out items: those after all that are reported."""
    reported = suite.evaluation.items
    return [f"evaluation.skip={reported}", *([f"evaluation.items={items}"] if items != reported else [])]


def _draft(spec: str, suite: Suite, trials: int, common: Sequence[str], root: Path) -> Draft:
    card = methods.find(spec)
    if WRAPPER in card.acts_on:
        raise UserError(f"{card.name} is a wrapper; methods are tuned by themselves.")
    space = space_of(card, suite)
    points = space.points(trials)
    beginning = [f"method={spec}", f"suite={suite.name}", f"store={root / TRIALS}", *common]
    wishes = [parse([*beginning, *words_of(point, space.defaults)])[0] for point in points]
    return Draft(card, space, points, wishes, path_of(root, suite.name, card.name))


def words_of(point: Point, defaults: Point) -> list[str]:
    """Words of `bench run` for a point; what has its default is left out."""
    changed = {name: value for name, value in point.settings.items() if value != defaults.settings[name]}
    words = [f"method.{name}={_word(value)}" for name, value in changed.items()]
    return words + ([f"{RATE}={point.learning_rate!r}"] if point.learning_rate != defaults.learning_rate else [])


def _word(value: Any) -> str:
    return ",".join(map(_word, value)) if isinstance(value, list) else str(value)


def _methods(given: dict[str, str]) -> list[str]:
    if "method" not in given:
        raise UserError("which methods? Say method=pcgrad,uniform or method=all; `bench methods` lists all.")
    if given["method"] == "all":
        cards = methods.cards().values()
        return [card.name for card in cards if not card.variant and WRAPPER not in card.acts_on]

    named = given["method"].split(",")
    if not all(named):
        raise UserError(f"method={given['method']} has an empty entry; write method=a,b without spaces.")

    return list(dict.fromkeys(named))


def _given(words: Iterable[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    known = (*OWN, *PASSED_ON, *EXECUTION)
    for word in words:
        key, _, value = word.partition("=")
        if not value:
            raise UserError(f"{word!r} is not of the form key=value, as in method=pcgrad or trials=8.")
        if key not in known:
            said = f"{key} cannot be given: a tuning draws settings and learning rate, and keeps the rest of the suite."
            raise UserError(f"{said}{close_to(key, known)} Keys: {', '.join(known)}.")
        if key in given:
            raise UserError(f"{key} is given twice: {given[key]} and {value}. Give it once.")
        given[key] = value

    return given


def _whole(given: dict[str, str], name: str, least: int, most: int, default: int | None) -> int:
    text = given.get(name, "" if default is None else str(default))
    if not text:
        raise UserError(f"how many {name}? Say {name}=8; all methods of a table need the same number.")
    if not text.isdecimal() or not least <= int(text) <= most:
        raise UserError(f"{name}={text} must be a whole number from {least} to {most:,}.")
    return int(text)
