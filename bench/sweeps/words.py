"""The words of `bench plan` and `bench sweep`: those of `bench run`, with lists, and how the runs are executed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

from bench.errors import UserError, close_to
from bench.places import DEFAULT_SUITE
from bench.records.tuning import path_of
from bench.request.request import TUNED, Request, parse_request
from bench.request.suite import Suite, load_suite
from methods import _registry as methods

LISTS = ("method", "suite", "seed", "wrapper")
MOST_RUNS = 10_000
NO_WRAPPER = "none"
FRONTIER = "frontier"
"""As a method: every point of static weights that the suite names, one run each."""
STATIC = "static"


@dataclass(frozen=True)
class Options:
    """How runs are executed."""

    workers: int | None = None
    """Runs at once, 1 to 4096; None: the backend's own choice."""
    timeout: float | None = None
    """Seconds a run may take; None: as long as it wants."""
    retries: int | None = None
    """How often a run that died, or ran out of time, is started again; None: the backend's own choice."""
    backend: Literal["local", "ray"] = "local"
    ray_address: str | None = None
    """Address of a Ray cluster; None: the one that RAY_ADDRESS names, else one of this machine."""
    ray_cpus: float = 1.0
    """CPUs a run needs on Ray."""
    ray_gpus: float = 0.0
    """GPUs a run needs on Ray."""
    slurm: dict[str, str] = field(default_factory=dict)
    """Options of `sbatch`, without their dashes."""


@dataclass(frozen=True)
class Wish:
    """One run that is asked for: its request, and the words of `bench run` for it."""

    request: Request
    words: tuple[str, ...]
    optional: bool
    """Named by `all`: it is left out where method and wrapper do not go together."""


def parse(words: Iterable[str]) -> tuple[list[Wish], Options]:
    """The runs that the words ask for, as a cross product in the order of the words, and how to execute them."""
    given, rest = _sorted_out(words)
    options = _options({key: given.pop(key) for key in list(given) if key not in LISTS})
    if "method" not in given:
        raise UserError("which methods? Say method=pcgrad,mgda or method=all; `bench methods` lists all.")
    return list(_wishes(given, rest)), options


def _sorted_out(words: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """What plan and sweep read themselves, by key, and the words that go to `bench run` as they are."""
    given: dict[str, str] = {}
    rest = []
    for word in words:
        key, _, value = word.partition("=")
        if key == "save_model":
            raise UserError("save_model keeps the model of one run, and these may be many: say it with `bench run`.")
        if not value or (key not in (*LISTS, *_READERS) and not key.startswith(("ray.", "slurm."))):
            rest.append(word)
            continue
        if key in given:
            raise UserError(f"{key} is given twice: {given[key]} and {value}. Give it once, with commas between.")
        given[key] = value

    return given, rest


def _wishes(given: dict[str, str], rest: Sequence[str]) -> Iterator[Wish]:
    everything = [card for card in methods.cards().values() if not card.variant]
    names = [card.name for card in everything if "StepWrapper" not in card.acts_on]
    around = [card.name for card in everything if "StepWrapper" in card.acts_on]
    wrappers = _listed("wrapper", given.get("wrapper", NO_WRAPPER), around)
    chosen = _listed("method", given["method"], names)
    optional = "all" in (given["method"], given.get("wrapper"))
    named = next((f"wrapper={wrapper}" for wrapper in wrappers if wrapper != NO_WRAPPER), None)
    suites = _listed("suite", given.get("suite", DEFAULT_SUITE))

    for suite in suites:
        if given["method"] == "all":
            chosen = list(_tuned(names, suite, rest))
        points = [point for method in chosen for point in _points(method, suite, rest)]
        bases = dict[tuple[str, ...], Request]()
        for method, own in points:
            words = [f"method={method}", f"suite={suite}", *([named] if named else []), *own]
            key = _shared(method, own)
            bases[key] = bases[key] if key in bases else parse_request(words)

        seeds = seeds_of(given.get("seed", "0"), next(iter(bases.values())).suite)
        if (count := len(points) * len(wrappers) * len(suites) * len(seeds)) > MOST_RUNS:
            raise UserError(f"these are about {count:,} runs; a plan has at most {MOST_RUNS:,}. Split it.")
        for (method, own), wrapper, seed in product(points, wrappers, seeds):
            yield Wish(*_one(bases[_shared(method, own)], own, suite, method, wrapper, seed), optional)


def _shared(method: str, own: Sequence[str]) -> tuple[str, ...]:
    """What two runs must share for their requests to differ in method, wrapper and seed alone.

    In the tuned track a method has its own settings and learning rate.
    """
    return (method if "track=tuned" in own else "", *own)


def _points(method: str, suite: str, rest: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    """The methods that a name stands for, each with the words of its runs. UserError for a suite without points."""
    if method != FRONTIER:
        return [(method, rest)]
    if not (sweep := load_suite(suite).sweep):
        raise UserError(
            f"suites/{suite}.yaml names no static points under sweep. `bench calibrate {suite} --points` finds some "
            "and writes them there."
        )
    return [(STATIC, [*rest, f"method.weights={weights}"]) for weights in sweep]


def _one(
    base: Request, rest: Sequence[str], suite: str, method: str, wrapper: str, seed: int
) -> tuple[Request, tuple[str, ...]]:
    """One run's request and words; settings of a wrapper are dropped where there is none."""
    words = [f"method={method}", f"suite={suite}", f"seed={seed}"]
    if wrapper == NO_WRAPPER:
        changes = {"method": method, "seed": seed, "wrapper": None, "wrapper_settings": {}}
        rest = [word for word in rest if not word.startswith("wrapper.")]
    else:
        changes = {"method": method, "seed": seed, "wrapper": wrapper}
        words.append(f"wrapper={wrapper}")
    return base.model_copy(update=changes), (*words, *rest)


def _tuned(names: Sequence[str], suite: str, rest: Sequence[str]) -> Sequence[str]:
    """The methods that `all` stands for: in the tuned track, those that are tuned on the suite."""
    if "track=tuned" not in rest:
        return names
    folders = [Path(word.removeprefix("tuned=")) for word in rest if word.startswith("tuned=")]
    found = [name for name in names if path_of([TUNED, *folders][-1], suite, name).is_file()]
    if not found:
        raise UserError(f"no method is tuned on {suite}. Say `bench tune method=uniform suite={suite} trials=N` first.")
    return found


def _listed(key: str, text: str, everything: Sequence[str] = ()) -> list[str]:
    """The entries of a comma list, each once; `all`: everything."""
    if text == "all" and everything:
        return list(everything)
    entries = text.split(",")
    if not all(entries):
        raise UserError(f"{key}={text} has an empty entry; write {key}=a,b without spaces.")
    return list(dict.fromkeys(entries))


def seeds_of(text: str, suite: Suite) -> list[int]:
    """Seeds in the order given, each once: `0,2`, `0..4` with both ends, or `all` that the suite prescribes."""
    if text == "all":
        return list(suite.seeds)

    found: list[int] = []
    for part in _listed("seed", text):
        first, dots, last = part.partition("..")
        last = last if dots else first
        if not (first.isdecimal() and last.isdecimal()) or int(last) < int(first):
            raise UserError(f"seed={text}: {part!r} is no seed. Say seed=3, seed=0,2, seed=0..4 or seed=all.")
        if int(last) - int(first) >= MOST_RUNS:
            raise UserError(f"seed={text} are more than {MOST_RUNS:,} runs, the most of one plan. Split it.")
        found += range(int(first), int(last) + 1)

    return list(dict.fromkeys(found))


def _options(given: dict[str, str]) -> Options:
    slurm = {key.removeprefix("slurm."): given.pop(key) for key in list(given) if key.startswith("slurm.")}
    for key in given:
        if key not in _READERS:
            raise UserError(f"no key {key!r}.{close_to(key, _READERS)} Keys beside a run's: {', '.join(_READERS)}.")
    if given.get("backend") != "ray" and (ray := [key for key in given if key.startswith("ray.")]):
        raise UserError(f"{ray[0]}={given[ray[0]]} is for a Ray cluster; say backend=ray.")
    values = {key.replace(".", "_"): _READERS[key](key, text) for key, text in given.items()}
    return Options(**values, slurm=slurm)  # type: ignore[arg-type]


def _number(kind: type[int] | type[float], least: float, most: float) -> Callable[[str, str], float]:
    def read(key: str, text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(-1)
        if not least <= value <= most:
            what = "a whole number" if kind is int else "a number"
            raise UserError(f"{key}={text} must be {what} from {least:g} to {most:g}.")
        return value

    return read


def _backend(key: str, text: str) -> str:
    if text not in ("local", "ray"):
        raise UserError(f"{key}={text}: backends are local, which is worker processes, and ray.")
    return text


_READERS: dict[str, Callable[[str, str], object]] = {
    "workers": _number(int, 1, 4096),
    "timeout": _number(float, 0.001, 1e9),
    "retries": _number(int, 0, 100),
    "backend": _backend,
    "ray.address": lambda _, text: text,
    "ray.cpus": _number(float, 0, 4096),
    "ray.gpus": _number(float, 0, 4096),
}
"""Keys that `bench run` does not have, and what reads their values."""
