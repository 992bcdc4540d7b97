"""What a tuning leaves behind: the settings of one method for the tuned track of one suite, and every trial.

`<root>/<suite>/<method>.json`, canonical text, closed schema; the records of its trials lie in the store
`<root>/trials`. A tuned run names the file by its digest, so that neither can be changed alone.
"""

import json
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from bench.errors import UserError
from bench.records.fields import Digest, Finite, Frozen, MethodName, Name, Scalar, Status, Text, Value
from bench.records.store import digest_of, read_document
from bench.records.track import FIRST_SEED, RATE, TuningUse

FOLDER = "tuned"
"""The folder beside `results` in the checkout."""
TRIALS = "trials"
"""The folder below `FOLDER` that is the store of the trials' records."""
MOST_TRIALS = 256
MAX_BYTES = 256 * 1024


class Dimension(Frozen):
    """One dimension of the search space: a setting, an entry of a setting per task, or the learning rate."""

    name: Text
    """`recipe.learning_rate`, or the setting's name."""
    task: Name | None = None
    """Whose entry it is, for a setting per task."""
    kind: Literal["real", "whole", "choice"]
    low: Finite = 0.0
    """Inclusive, as `high`; both are 0 for a choice."""
    high: Finite = 0.0
    log: bool = False
    """Drawn uniformly on the logarithm."""
    choices: list[Scalar] = Field([], max_length=100)


class TrialRun(Frozen):
    """One run of a trial."""

    seed: int = Field(ge=FIRST_SEED)
    identity: Digest
    """Identity of the run's record."""
    outcome: Digest
    """The record's outcome digest."""
    status: Status
    gain: Finite = Field(ge=-1, le=1)
    """Mean gain over the tasks, on the tuning items; 0 for a run that is not done."""


class Trial(Frozen):
    """One point of the search space and what it brought."""

    settings: dict[str, Value]
    """All settings of the method, as a record has them."""
    learning_rate: Finite = Field(gt=0, le=1)
    runs: list[TrialRun] = Field(min_length=1, max_length=100)

    @property
    def gain(self) -> float:
        """The objective: mean gain over tasks, averaged over tuning seeds."""
        return round(sum(run.gain for run in self.runs) / len(self.runs), 12)  # equal outcomes are equal numbers

    @property
    def done(self) -> bool:
        """Whether every run reached the suite's last step."""
        return all(run.status == "done" for run in self.runs)


class Tuning(Frozen):
    """How a method was tuned on a suite. The first trial has the defaults."""

    schema_version: Literal[1] = 1
    protocol: int = Field(ge=0)
    suite: Name
    suite_digest: Digest
    """Digest of the suite as its file has it: a trial changes the learning rate and the held-out items alone."""
    method: MethodName
    version: int = Field(ge=1)
    source_digest: Digest
    wrapper: None = None
    seeds: list[int] = Field(min_length=1, max_length=100)
    """Tuning seeds; none is ever reported."""
    items: int = Field(ge=4)
    """Held-out items a task that trials are measured on."""
    skip: int = Field(ge=4)
    """Held-out items passed over before these: all that are reported."""
    space: list[Dimension] = Field(min_length=1, max_length=1000)
    trials: list[Trial] = Field(min_length=1, max_length=MOST_TRIALS)
    chosen: int = Field(ge=0)
    """Index of the trial whose settings the tuned track has."""

    @model_validator(mode="after")
    def _chosen_exists(self) -> Self:
        if self.chosen >= len(self.trials):
            raise ValueError(f"chosen is {self.chosen}, there are {len(self.trials)} trials")
        return self

    @property
    def best(self) -> Trial:
        """The chosen trial."""
        return self.trials[self.chosen]

    @property
    def digest(self) -> str:
        """SHA-256 of the file's contents, which tuned records name."""
        return digest_of(self.model_dump(mode="json"))

    @property
    def use(self) -> TuningUse:
        """What a tuned record says of it."""
        return TuningUse(
            digest=self.digest,
            suite=self.suite_digest,
            trials=len(self.trials),
            seeds=list(self.seeds),
            items=self.items,
        )

    @property
    def overrides(self) -> dict[str, Value]:
        """What a tuned record overrides: the learning rate, where it is not the suite's, which the first trial has."""
        rate = self.best.learning_rate
        return {} if rate == self.trials[0].learning_rate else {RATE: rate}


def choose(trials: list[Trial]) -> int:
    """Index of the largest gain among trials whose runs are all done, the first of equals; 0, the defaults, if none."""
    done = [index for index, trial in enumerate(trials) if trial.done]
    return max(done, key=lambda index: (trials[index].gain, -index), default=0)


def path_of(root: Path, suite: str, method: str) -> Path:
    """The place of the tuning of a method on a suite."""
    return root / suite / f"{method}.json"


def place_of(tuning: Tuning, trial: Trial, seed: int) -> Path:
    """The place of a trial's record, from the root of the trials' store; `bench.run.prepare` gives the same."""
    first = tuning.trials[0]
    overrides: dict[str, Value] = {"evaluation.skip": tuning.skip}
    if tuning.items != tuning.skip:  # as many as are reported, unless said otherwise
        overrides["evaluation.items"] = tuning.items
    if trial.learning_rate != first.learning_rate:
        overrides[RATE] = trial.learning_rate
    mark = "" if trial.settings == first.settings else f"+{digest_of(trial.settings)[:8]}"
    return Path(f"{tuning.suite}~{digest_of(overrides)[:8]}", f"{tuning.method}{mark}", f"{seed}.json")


def to_text(tuning: Tuning) -> str:
    """Canonical text: sorted keys, one line a key of the top level and a trial. UserError if it is too large."""
    data = tuning.model_dump(mode="json")
    trials = ",\n".join(f"  {_compact(trial)}" for trial in data.pop("trials"))
    lines = [f"{json.dumps(key)}: {_compact(value)}" for key, value in data.items()]
    text = "{\n" + ",\n".join(sorted([*lines, f'"trials": [\n{trials}\n]'])) + "\n}\n"
    if len(text.encode()) > MAX_BYTES:
        raise UserError(
            f"the tuning has {len(text.encode()):,} bytes, {MAX_BYTES:,} are allowed; ask for fewer trials."
        )
    return text


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read(path: Path) -> Tuning:
    """The tuning in a file. UserError names the file, the field and the reason if it is none."""
    return read_document(path, Tuning, "tuning", MAX_BYTES)
