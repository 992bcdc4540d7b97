"""What a run leaves behind: one self-contained JSON document, every field explained here.

Readers refuse what they do not know: an unknown field, a newer schema or a number that is not finite is an
error that names the field, never a guess. Lists over tasks follow `Record.tasks`; they are in the suite's
order, not in the blind order the method saw.
"""

import math
import operator
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from bench.records.attempts import Attempts
from bench.records.fields import Count, Digest, Finite, Frozen, MethodName, Name, Positive, Share, Status, Text, Value
from bench.records.standard import StandardScore
from bench.records.track import TuningUse

SCHEMA_VERSION: Final = 1
MAX_BYTES = 64 * 1024
"""Largest record that is accepted, in bytes of UTF-8 JSON."""
MAX_POINTS = 100
"""Most points a curve may have; longer runs are averaged over equal windows."""
MOST_NUMBERS = 4500
"""Most numbers of all curves together: with many tasks curves have fewer points, so that a record stays small."""

CURVE_GENERATIONS = (("intended_share", "gradient_cosine", "move_cosine"), ("plain_norm",))
"""Curves that came later, oldest first. A record has those of a generation together, and all of those before it."""
OPTIONAL_CURVES = tuple(name for generation in CURVE_GENERATIONS for name in generation)
"""Curves that a record may lack; they follow from others or are diagnostics, and are no part of the outcome."""

LATER: dict[str, dict[str, object]] = {
    "": {"packing": "", "standard": [], "signal_to_noise": []},
    "ledger": {"cpu_seconds": None, "computed_tokens": None, "rollout_tokens": None},
    "method": {"tuning": None},
    "model": {"prompt_date": None, "trained": None},
    "provenance": {"processes": 1, "evaluated": "", "isolation": ""},
}
"""Fields by part that a record does not write where they have their default, so that records keep their bytes."""


class Ledger(Frozen):
    """What the run consumed. Evaluation is not in it: it costs every method the same."""

    steps: Count = 0
    """Optimizer steps."""
    prompts: Count = 0
    """Prompts drawn, repeats counted."""
    rollouts: Count = 0
    """Completions sampled."""
    sampled_tokens: Count = 0
    """Tokens the model generated, end of text included, padding excluded."""
    trained_tokens: Count = 0
    """Completion tokens that entered a loss, padding excluded; a second pass counts again."""
    forward_passes: Count = 0
    """Sequences sent forward for a loss; a method that needs extra passes shows them here."""
    backward_passes: Count = 0
    """Sequences sent backward."""
    reward_calls: Count = 0
    """Calls to a verifier."""
    wall_seconds: Positive = 0.0
    """Seconds of training: rollouts, rewards, gradients and the method; without set-up and evaluation."""
    peak_memory_bytes: Count = 0
    """Largest resident set of the process, or largest allocation on the accelerator."""
    cpu_seconds: Positive | None = None
    """Processor time of training, over all threads of the process: it does not depend on what else a machine does.

    None in records that were made before it was counted, as are the next two.
    """
    computed_tokens: Count | None = None
    """Tokens that went through the model for a loss, prompts and padding included."""
    rollout_tokens: Count | None = None
    """Tokens that went through the model to sample completions, prompts and padding included."""


class Budget(Frozen):
    """The most a run may consume, by counter of the ledger; None is no limit of its own."""

    steps: int | None = Field(None, gt=0)
    prompts: int | None = Field(None, gt=0)
    rollouts: int | None = Field(None, gt=0)
    sampled_tokens: int | None = Field(None, gt=0)
    trained_tokens: int | None = Field(None, gt=0)
    forward_passes: int | None = Field(None, gt=0)
    backward_passes: int | None = Field(None, gt=0)
    reward_calls: int | None = Field(None, gt=0)
    wall_seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    peak_memory_bytes: int | None = Field(None, gt=0)


class Score(Frozen):
    """Held-out items of one task, sampled at the training temperature."""

    mean: Share
    """Mean reward over the items and their samples."""
    items: str = Field(pattern=r"^[0-9a-f]+$")
    """The rewards (0 or 1) as hexadecimal digits, zero-padded: item by item, each with its samples, from the highest
    bit on."""
    count: int = Field(gt=0)
    """Number of items."""
    samples: int = Field(1, gt=0, exclude_if=lambda samples: samples == 1)
    """Replies to each item. Written only where there are several."""

    @model_validator(mode="after")
    def _items_add_up(self) -> Self:
        total = self.count * self.samples
        if len(self.items) != -(-total // 4):
            raise ValueError(f"items has {len(self.items)} digits, {total} rewards need {-(-total // 4)}")
        if int(self.items, 16) & ((1 << -total % 4) - 1):
            raise ValueError(f"items has rewards beyond its {total}: the last digit's spare bits must be 0")
        if abs(int(self.items, 16).bit_count() / total - self.mean) > 1e-9:
            raise ValueError(f"items sum to {int(self.items, 16).bit_count()}, mean says {self.mean * total}")
        return self

    @property
    def right(self) -> list[int]:
        """How many of its samples are right, item by item."""
        bits = f"{int(self.items, 16):0{4 * len(self.items)}b}"
        return [bits[at : at + self.samples].count("1") for at in range(0, self.count * self.samples, self.samples)]

    @property
    def standard_error(self) -> float:
        """Standard error of the mean, from the spread of the items' own means: samples of one item are not independent.

        0 with one item.
        """
        if self.count == 1:
            return 0.0
        squares = sum((right / self.samples - self.mean) ** 2 for right in self.right)
        return math.sqrt(squares / (self.count - 1) / self.count)


class TaskResult(Frozen):
    """One task of the mixture: what it was, and what the model could do before and after."""

    name: Name
    domain: Literal["math", "code", "qa"]
    revision: int = Field(ge=1)
    data_hash: Digest
    """SHA-256 of the training and held-out rows that were used."""
    file: Digest | None = Field(None, exclude_if=lambda digest: digest is None)
    """SHA-256 of the task's file and its verifier's, where it is one of the user's own; not written for others."""
    position: int = Field(ge=0)
    """The index under which the method saw this task, drawn from the seed."""
    scored: bool = Field(True, exclude_if=bool)
    """Whether the task enters means; a diagnostic one does not. Written only where it does not."""
    before: Score
    after: Score | None
    """None if the run failed before it could be evaluated."""
    attempts: Attempts | None = Field(None, exclude_if=lambda attempts: attempts is None)
    """pass@k of the base model. None in records from before it was measured."""

    @property
    def gain(self) -> float:
        """Learning gain: held-out mean reward after minus before; 0 for a run that was not evaluated."""
        return self.after.mean - self.before.mean if self.after else 0.0


class Curves(Frozen):
    """Per-step signals, averaged over equal windows to at most 100 points. Inner lists are over tasks."""

    steps: list[int]
    """Last step of each window, counted from 1."""
    squared_norm: list[list[Finite | None]]
    """Unbiased estimate of the squared gradient norm (two halves by prompt group); may be negative.
    None where a task had fewer than two prompt groups in the whole window."""
    naive_squared_norm: list[list[Positive]]
    """Squared norm of the task's mean gradient: the biased one."""
    gramian: list[list[Finite]]
    """Inner products of the task gradients, the strict upper triangle row by row; unbiased as it is."""
    weights: list[list[Finite]]
    """Realised weight of each task gradient in the update, before clipping."""
    reward: list[list[Share | None]]
    """Mean training reward. This and the next four: None where a task had no prompt in the window."""
    mean_abs_advantage: list[list[Positive | None]]
    """Mean absolute advantage the loss was given."""
    prompt_length: list[list[Positive | None]]
    """Mean prompt tokens."""
    reply_length: list[list[Positive | None]]
    """Mean completion tokens."""
    silent: list[list[Share | None]]
    """Share of prompt groups whose advantages are all zero."""
    task_share: list[list[Share]]
    """Share of the step's prompts that each task got."""
    update_norm: list[Positive]
    """Norm of the combined gradient before clipping."""
    clipped: list[Share]
    """Share of steps in the window whose gradient was clipped."""
    intended_share: list[list[Share]] = Field([])
    """Optional, as the next two: the share of prompts that the method wanted for each task, before rounding."""
    gradient_cosine: list[Finite | None] = Field([])
    """Cosine of the update with the plain mean over prompts; None where one of them is zero."""
    move_cosine: list[Finite | None] = Field([])
    """The same of the moves that AdamW makes of the two, from one optimizer state."""
    plain_norm: list[Positive] = Field([], exclude_if=operator.not_)
    """Norm of the plain mean gradient, that is of the task gradients weighted by `task_share`: what `recipe.clip:
    relative` goes by. Not written where it is empty, so that records from before it keep their bytes."""

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        lengths = {name: len(getattr(self, name)) for name in type(self).model_fields}
        lengths = {name: count for name, count in lengths.items() if count or name not in OPTIONAL_CURVES}
        if len(set(lengths.values())) != 1 or lengths["steps"] > MAX_POINTS:
            raise ValueError(f"curves must have one common length of at most {MAX_POINTS}, got {lengths}")
        return self


class Card(Frozen):
    """What a method is, for a reader: the text at the top of its file."""

    title: Text
    summary: Text
    """What the method does, in one sentence."""
    source: Text
    """Paper, arXiv id, equation or algorithm."""
    differs: Text
    """How this implementation departs from the published one; 'nothing' is an answer."""
    costs: Text
    """What it costs beyond a plain step."""


class WrapperUse(Frozen):
    """The wrapper around a run's method, exactly: fields as in `MethodUse`."""

    name: Name
    version: int = Field(ge=1)
    settings: dict[Name, Value]
    source_digest: Digest
    card: Card


class MethodUse(Frozen):
    """The method of a run, exactly."""

    name: MethodName
    version: int = Field(ge=1)
    acts_on: list[Name]
    """Names of the method's hook classes: they say where in the step it acts."""
    settings: dict[Name, Value]
    """Every setting as resolved, defaults included; per-task settings in the suite's task order."""
    source_digest: Digest
    """SHA-256 of the syntax tree of its file, docstrings left out."""
    card: Card
    wrapper: WrapperUse | None = None
    """What acts around the method, if anything does."""
    tuning: TuningUse | None = None
    """How the settings and the learning rate were found, in the tuned track."""


class SuiteUse(Frozen):
    """The suite of a run."""

    name: Name
    digest: Digest
    """SHA-256 of the suite as resolved for this run."""
    overrides: dict[Name, Value]
    """What the command line changed; a run with overrides is exploratory and not ranked."""
    file: Digest | None = Field(None, exclude_if=lambda digest: digest is None)
    """SHA-256 of the suite's file, where it is one of the user's own: exploratory, too. Not written for others."""


class ModelUse(Frozen):
    """The base model of a run."""

    name: Text
    digest: Digest
    """SHA-256 over the model's files."""
    parameters: int = Field(gt=0)
    final_digest: Digest | None
    """SHA-256 over the trained parameters, for bitwise comparison; None for a failed run."""
    trained: int | None = Field(None, gt=0)
    """Parameters that were trained, where these are not all: adapters."""
    prompt_date: Text | None = None
    """The day that prompts name, ISO 8601, where the chat template prints one: the same in every run."""


Evaluated = Literal["", "forked", "in process"]
"""Which process scored the final model. Empty in records that were made before this was said.

forked: one that holds the model as it was loaded, was forked before a method was imported, and got the final
parameters; in process: the one that trained, which is where an accelerator, several threads or several processes are.
"""

Isolation = Literal["", "confined", "in process"]
"""Where the method's code ran; '' in records that do not say.

confined: in a process that the kernel let reach nothing but its answers; in process: in the one that trained, where it
needs gradients or parameters, has a wrapper, or the machine offers no such process.
"""


class Provenance(Frozen):
    """The code, the packages and the machine of a run, and its times."""

    harness_version: Text
    commit: Text
    """Git commit of the harness; 'unknown' outside a checkout."""
    dirty: bool
    """Whether tracked files differed from that commit."""
    python: Text
    packages: dict[Name, Text]
    """Versions of the packages that can change a number."""
    platform: Text
    hardware: Text
    """Processor or accelerator model, as the system names it."""
    threads: int = Field(ge=1)
    """CPU threads torch was allowed, in each process."""
    processes: int = Field(1, ge=1)
    """Processes that trained together, one a device."""
    evaluated: Evaluated = ""
    isolation: Isolation = ""
    started: Text
    """UTC, ISO 8601."""
    finished: Text
    total_seconds: Positive
    """Wall time of the whole run, set-up and evaluation included."""


class Record(Frozen):
    """One run."""

    schema_version: Literal[1] = SCHEMA_VERSION
    protocol: Count
    """Version of the harness's own numerics; records of different protocols are not compared."""
    identity: Digest
    """Hash of everything that can change the outcome; `bench.records.store.identity_of` gives it."""
    suite: SuiteUse
    seed: int = Field(ge=0)
    method: MethodUse
    model: ModelUse
    status: Status
    """done: reached the suite's last step. over_budget: a counter of the budget ended it. failed: it raised."""
    reason: Text
    """Why the run is not done; empty if it is."""
    tasks: list[TaskResult] = Field(min_length=1)
    ledger: Ledger
    budget: Budget
    normaliser: Text
    """How the loss sums over tokens and completions: every gradient norm here depends on it."""
    curves: Curves
    provenance: Provenance
    packing: Text = ""
    """How the step computed its losses: `auto`, `shared` or `padded`, and why if that is not what was asked for."""
    standard: list[StandardScore] = Field([], max_length=32)
    """lm-eval's own tasks, where the suite names any."""
    signal_to_noise: list[Finite | None] = Field([])
    """By task, over the run: the squared norm of the expected gradient over the variance of a step's estimate of it.

    S / (N - S), S the sum of the unbiased squared norms and N that of the naive ones, over the steps in which the task
    had two halves of prompt groups. At 1, a step's gradient is as much noise as signal; twice the prompts give twice
    the ratio. Negative where noise made S so: then the signal is not resolved. None without such a step, or where the
    variance is not positive. Computed before rounding, from what each step has anyway; no part of the outcome.
    """
    outcome_digest: Digest
    """SHA-256 of everything two runs of one identity must share bit for bit."""

    @field_validator("tasks")
    @classmethod
    def _some_task_counts(cls, tasks: list[TaskResult]) -> list[TaskResult]:
        if not any(task.scored for task in tasks):
            raise ValueError("at least one task must be scored")
        return tasks

    @property
    def mean_gain(self) -> float:
        """Mean learning gain over the scored tasks; a run that is not done counts as no gain."""
        gains = [task.gain for task in self.tasks if task.scored]
        return sum(gains) / len(gains) if self.status == "done" else 0.0
