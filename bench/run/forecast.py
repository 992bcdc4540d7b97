"""What a run would do, spend and hold in memory, from its suite and the headers of its files; nothing heavy is loaded.

Counts that the recipe fixes are exact, the others are bounds. Memory is that of one device that trains: weights, task
gradients and Adam's moments are exact sums, activations and caches are rough (within a factor of two).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import UserError
from bench.evaluation.standard_tasks import check_names, check_ready
from bench.models.limits import check_cache, check_prompt
from bench.models.shapes import Shape, folder_of, shape_of
from bench.records.attempts import SAMPLES
from bench.records.schema import Budget
from bench.request.request import Request
from bench.request.suite import Suite
from methods._declared import needs_of
from methods._registry import MethodCard, find, outline
from tasks import Row, Task
from tasks._data import data_root
from tasks._registry import tasks_of

GIB, MIB = 2**30, 2**20
PROMPT_TOKENS = 256
"""Tokens that a prompt is taken to have where the tokenizer or the rows are missing."""
TEMPLATE_TOKENS = 32
"""Tokens that a chat template adds."""
LOOKED_AT = 64
"""Rows of each task whose prompts are measured."""
KEPT = 10
"""Vectors of the model's width that backward keeps of a token and layer: norms, residuals, attention."""
KEPT_INNER = 4
"""The same of the feed-forward network's width."""

Phase = Literal["always", "training", "sampling"]


@dataclass(frozen=True)
class Part:
    """A part of a device's memory, in bytes, and when it is held."""

    name: str
    size: float
    phase: Phase


@dataclass(frozen=True)
class Forecast:
    """What a run would do."""

    request: Request
    tasks: list[tuple[str, str]]
    """Each task, and what is known of its rows."""
    counters: list[tuple[str, int, str]]
    """Counters of the ledger: name, how many, and whether that is exact or a bound."""
    shape: Shape | None
    memory: list[Part]
    """What a device holds; empty if the model's files are missing."""
    standard: list[tuple[str, str]]
    """Each of lm-eval's own tasks that the suite names, and whether it can be scored."""
    prompt: int | None
    """Tokens of the longest prompt that was measured; None if none could be."""

    least: float | None = None
    """Bytes at once where the tasks' gradients leave the device; None if the method needs them there."""

    @property
    def peak(self) -> float:
        """Bytes held at once."""
        return peak_of(self.memory)


PHASES: tuple[Phase, ...] = ("always", "training", "sampling")


def peak_of(parts: Iterable[Part]) -> float:
    """Bytes held at once: always, and the larger of training and sampling."""
    sums = dict.fromkeys(PHASES, 0.0)
    for part in parts:
        sums[part.phase] += part.size
    return sums["always"] + max(sums["training"], sums["sampling"])


def forecast(request: Request) -> Forecast:
    """What `request` would do and cost. UserError if it names what is not there."""
    suite = request.suite
    check_names(suite.standard)
    cards = [find(spec) for spec in filter(None, (request.method, request.wrapper))]
    tasks = tasks_of(suite)
    rows = [(task.name, _rows(task, suite)) for task in tasks]
    shape = shape_of(suite)
    prompt = prompt_tokens(suite, tasks)
    check_limits(suite, tasks, prompt)
    memory = list(parts_of_memory(suite, shape, prompt or PROMPT_TOKENS)) if shape else []
    least = None
    if shape and all(can_leave(card) for card in cards) and not request.shard:
        least = peak_of(parts_of_memory(suite, shape, prompt or PROMPT_TOKENS, away=True))
    standard = [(name, _standing(suite, name)) for name in suite.standard]

    return Forecast(request, rows, list(counters_of(suite, cards)), shape, memory, standard, prompt, least)


def _rows(task: Task, suite: Suite) -> str:
    """What is known of a task's rows; what is missing, if they are."""
    wanted = suite.train_rows(task.name)
    items = suite.evaluation.items
    try:
        train, held = len(task.rows("train", wanted)), len(task.rows("heldout", items))
    except UserError as error:
        return f"missing: {error}"
    said = [f"{train:,} for training", f"{held:,} held out"]
    return ", ".join(
        f"{text}, all there are ({asked:,} asked for)" if found < asked else text
        for text, found, asked in zip(said, (train, held), (wanted, items), strict=True)
    )


def _standing(suite: Suite, name: str) -> str:
    """Whether a task of lm-eval's can be scored; why not, if it cannot."""
    try:
        check_ready(suite.model_copy(update={"standard": (name,)}))
    except UserError as error:
        return f"missing: {error}"
    return "from data_root" if data_root() else "from the hub"


def counters_of(suite: Suite, cards: list[MethodCard]) -> Iterator[tuple[str, int, str]]:
    """The ledger's counters at the end of a run that uses up its steps, within the suite's budget."""
    recipe = suite.recipe
    wants = frozenset[str]().union(*(needs_of(card.path) for card in cards))
    prompts = recipe.steps * len(suite.tasks) * recipe.prompts_per_task
    sequences = prompts if suite.regime == "sft" else prompts * recipe.rollouts_per_prompt
    fixed = "exact"
    most = "at most"
    if plan := any("RunPlan" in card.acts_on for card in cards):
        fixed = "at most: the plan divides it"
    passes = "at least: the method makes extra passes" if wants & {"extra_backward", "extra_forward"} else fixed
    again = len(wants & {"validation_loss", "second_forward"}) if suite.regime == "sft" else 0
    counts = {"steps": (recipe.steps, "the plan may make more, and smaller ones" if plan else "exact")}
    counts["prompts"] = (prompts, fixed)
    if suite.regime == "grpo":
        counts["rollouts"] = counts["reward_calls"] = (sequences, fixed)
        counts["sampled_tokens"] = (sequences * recipe.max_reply_tokens, most)
    checked = prompts * again  # as many demonstrations again, without the way back
    counts["trained_tokens"] = ((sequences + checked) * recipe.max_reply_tokens, most)
    counts["forward_passes"] = (sequences + checked, passes)
    counts["backward_passes"] = (sequences, passes)
    for name, (count, how) in counts.items():
        limit = getattr(suite.budget, name, None) if name in Budget.model_fields else None
        yield (name, int(limit), "the budget ends the run") if limit and limit < count else (name, count, how)


def can_leave(card: MethodCard) -> bool:
    """Whether a method, or a wrapper, can do without whole task gradients on the device: it acts on weights alone."""
    return not {"GradientCombination", "RunPlan"} & set(card.acts_on) and (
        "StepWrapper" not in card.acts_on or outline(card).needs_weights
    )


def parts_of_memory(suite: Suite, shape: Shape, prompt: int = PROMPT_TOKENS, away: bool = False) -> Iterator[Part]:
    """What one device holds, and for what. prompt: tokens of the longest prompt.

    away: the tasks' gradients are in the host's memory, and one at a time is on the device.
    """
    recipe = suite.recipe
    tasks = len(suite.tasks)
    adapters = suite.lora.r
    trained = adapters * shape.linear if adapters else shape.parameters
    half = suite.dtype == "bf16"
    number = 2 if half else 4
    yield Part(
        "weights", shape.parameters * (2 if half and adapters else 4) + (4 * trained if adapters else 0), "always"
    )
    held = 1 if away else tasks + 1
    yield Part(f"gradients of {tasks} tasks, and the update", held * 4 * trained, "always")
    yield Part("moments of AdamW", 2 * 4 * trained, "always")

    if half:
        yield Part("trained weights as bf16, for a pass", 2 * trained, "training")

    grpo = suite.regime == "grpo"
    length = prompt + recipe.max_reply_tokens
    group = -(-recipe.prompts_per_task // 2) * (recipe.rollouts_per_prompt if grpo else 1)
    at_once = min(recipe.micro_batch, group)
    layer = KEPT * shape.hidden + KEPT_INNER * shape.inner
    kept = shape.layers * shape.hidden + layer if suite.gradient_checkpointing else shape.layers * layer
    yield Part("activations of a micro-batch", at_once * length * number * kept, "training")
    scored = recipe.max_reply_tokens if grpo else length
    yield Part("logits of a micro-batch", at_once * scored * shape.vocabulary * (4 + number), "training")
    rollouts = tasks * recipe.prompts_per_task * recipe.rollouts_per_prompt if grpo else 0
    evaluation = suite.evaluation
    evaluated = min(evaluation.batch_size, evaluation.items * evaluation.samples)
    sampled = max(min(recipe.rollout_batch or rollouts, rollouts), evaluated, SAMPLES)
    cache = sampled * length * shape.layers * shape.keys * number
    yield Part("keys and values of replies", cache, "sampling")


def check_limits(suite: Suite, tasks: list[Task], prompt: int | None) -> None:
    """UserError where the run would refuse the model: for its cache, or for prompts longer than its positions.

    prompt: tokens of the longest one among those looked at. Nothing is said of a model whose files are not here.
    """
    folder = folder_of(suite)
    if folder is None or not (folder / "config.json").is_file():
        return

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    text = config.get("text_config", config)
    if suite.rollout == "transformers":
        check_cache(text, suite.model)

    if prompt is not None:
        names = ", ".join(task.name for task in tasks)
        check_prompt(prompt, names, suite.recipe.max_reply_tokens, text, suite.model)


def prompt_tokens(suite: Suite, tasks: list[Task]) -> int | None:
    """Tokens of the longest prompt among the first rows of each task; None without tokenizer.json or any row."""
    folder = folder_of(suite)
    if folder is None or not (folder / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    prompts = [row.prompt for task in tasks for row in _first(task)]
    longest = max((len(each.ids) for each in tokenizer.encode_batch(prompts)), default=None)
    return longest + (TEMPLATE_TOKENS if _chats(folder) else 0) if longest else None


def _first(task: Task) -> tuple[Row, ...]:
    try:
        return task.rows("train", LOOKED_AT)
    except UserError:
        return ()


def _chats(folder: Path) -> bool:
    config = folder / "tokenizer_config.json"
    return (folder / "chat_template.jinja").is_file() or (
        config.is_file() and '"chat_template"' in config.read_text(encoding="utf-8")
    )
