"""The runs behind a suite's gate: `uniform` over learning rates, points of static weights, a panel of methods.

All run on tuning seeds and on held-out items that are never reported. Every run is an ordinary exploratory one in a
store of its own, carried out by the scheduler of sweeps, so the same words go on after any crash.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.records.schema import Record
from bench.records.track import FIRST_SEED, RATE
from bench.request.suite import Suite, load_suite
from bench.sweeps.estimates import Estimates
from bench.sweeps.plan import Entry, Plan
from bench.sweeps.process import BENCH_RUN
from bench.sweeps.runs import Run, recorded, resolve, status_of
from bench.sweeps.scheduler import Reporter
from bench.sweeps.sweep import Summary, carry_out
from bench.sweeps.words import Options, parse
from bench.tuning.statics import Weights, written
from bench.tuning.words import EXECUTION, PASSED_ON, measured, most_items

FACTORS = (0.25, 0.5, 1.0, 2.0)
"""Learning rates that are tried, as multiples of the suite's."""
REFERENCE = "uniform"
PANEL = {
    "grpo": ("uniform", "norm_equalised", "pcgrad", "mgda", "famo", "sec", "mt_grpo", "gradient_proportional"),
    "sft": ("uniform", "norm_equalised", "pcgrad", "mgda", "famo", "dwa", "imtl_g", "gradient_proportional"),
}
"""Eight methods that work in different ways: by scale, conflict, common descent, loss, sampling, reward."""
OWN = ("seeds", "scan_seeds", "store", "factors")
STORE = Path("runs/gate")

Labelled = Mapping[str, Sequence[str]]
"""Words of `bench run` by the label under which a table shows the runs."""


@dataclass(frozen=True)
class Asked:
    """What the words ask for."""

    suite: Suite
    seeds: Sequence[int]
    """Seeds of the panel."""
    scan_seeds: Sequence[int]
    """Seeds of the scans over learning rates and static weights."""
    factors: Sequence[float]
    words: Sequence[str]
    """What all runs share: suite, store, held-out items, where they run."""
    options: Options

    @property
    def panel(self) -> Sequence[str]:
        """Names of the methods."""
        return PANEL[self.suite.regime]


@dataclass(frozen=True)
class Stage:
    """What became of some labelled runs: their records by label, and how the scheduler fared."""

    records: Mapping[str, Sequence[Record]]
    summary: Summary


def asked(suite_name: str, words: Iterable[str]) -> Asked:
    """What words like `seeds=3 workers=2` ask for. UserError says what is wrong with one."""
    given: dict[str, str] = {}
    for word in words:
        key, _, value = word.partition("=")
        known = (*OWN, *PASSED_ON, *EXECUTION)
        if not value or key not in known or key in given:
            raise UserError(f"{word!r}: say each of these at most once, as key=value: {', '.join(known)}.")
        given[key] = value

    suite = load_suite(suite_name)
    shared = [f"suite={suite.name}", f"store={given.get('store', STORE)}", *measured(suite, most_items(suite))]
    rest = [f"{key}={given[key]}" for key in (*PASSED_ON, *EXECUTION) if key in given]
    panel = _seeds(given.get("seeds", "3"), "seeds")
    return Asked(
        suite=suite,
        seeds=panel,
        scan_seeds=_seeds(given.get("scan_seeds", str(min(2, len(panel)))), "scan_seeds"),
        factors=_factors(given.get("factors")),
        words=[*shared, *rest],
        options=parse([f"method={REFERENCE}", *shared, *rest])[1],
    )


def _seeds(text: str, key: str) -> list[int]:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise UserError(f"{key}={text} must be a whole number from 1 to 100.")
    return [FIRST_SEED + index for index in range(int(text))]


def _factors(text: str | None) -> Sequence[float]:
    """Multiples of the suite's learning rate, ascending; 1 is among them."""
    if text is None:
        return FACTORS
    try:
        found = {1.0, *map(float, text.split(","))}
    except ValueError:
        raise UserError(f"factors={text} is not a list of numbers, as in factors=0.25,0.5,2.") from None
    if min(found) <= 0:
        raise UserError(f"factors={text}: a factor of the learning rate is above 0.")
    return sorted(found)


def rates(asked: Asked) -> dict[float, str]:
    """The learning rates to try, with their labels."""
    own = asked.suite.recipe.learning_rate
    return {rate: f"{rate:.3g}" for rate in (float(f"{own * factor:.3g}") for factor in asked.factors)}


def rate_words(asked: Asked) -> Labelled:
    """`uniform` at every learning rate."""
    own = asked.suite.recipe.learning_rate
    return {
        label: [f"method={REFERENCE}", *([f"{RATE}={rate!r}"] if rate != own else [])]
        for rate, label in rates(asked).items()
    }


def static_words(points: Mapping[str, Weights]) -> Labelled:
    """Points of static weights, as `bench.tuning.statics` has them."""
    return {label: ["method=static", f"method.weights={written(weights)}"] for label, weights in points.items()}


def panel_words(asked: Asked) -> Labelled:
    """Every method of the panel with its defaults."""
    return {name: [f"method={name}"] for name in asked.panel}


def planned(asked: Asked, labelled: Labelled, seeds: Sequence[int]) -> Plan:
    """The runs of a stage with their state and cost. UserError as `prepare` gives it."""
    runs = {run.path: run for several in _runs(asked, labelled, seeds).values() for run in several}
    estimates = Estimates([run.store for run in runs.values()])
    return Plan([Entry(run, status_of(run), estimates.of(run)) for run in runs.values()], [], asked.options)


def settled(
    asked: Asked,
    labelled: Labelled,
    seeds: Sequence[int],
    plan: Plan,
    reporter: Reporter,
    command: Sequence[str] = BENCH_RUN,
) -> Stage:
    """Run what has no record, and read all records that there are then."""
    summary = carry_out(plan, reporter, command)
    runs = _runs(asked, labelled, seeds)
    found = {label: [recorded(run).record for run in several] for label, several in runs.items()}
    return Stage({label: [record for record in several if record] for label, several in found.items()}, summary)


def _runs(asked: Asked, labelled: Labelled, seeds: Sequence[int]) -> dict[str, list[Run]]:
    """The runs of every label, one a seed."""
    seed = f"seed={','.join(map(str, seeds))}"
    wishes = {label: parse([*words, *asked.words, seed])[0] for label, words in labelled.items()}
    runs = {run.words: run for run in resolve([wish for several in wishes.values() for wish in several])[0]}
    return {label: [runs[wish.words] for wish in several] for label, several in wishes.items()}
