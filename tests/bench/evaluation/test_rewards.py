"""Evaluation: exact, repeatable, silent, and without traces. On a tiny random model, whose replies are noise.

A random model never answers right, so most tests judge a reply by a checksum instead of the verifier:
then every item's outcome depends on every character of its reply.
"""

import importlib.util
import json
import logging
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from lm_eval import evaluator
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from bench.errors import UserError
from bench.evaluation.cache import base_scores
from bench.evaluation.rewards import evaluate, score
from bench.models.sampler import Sampled, Sampler
from bench.records.schema import Score
from bench.request.suite import load_suite
from tasks import Row, Task
from tasks._registry import get_task

ROOT = Path(__file__).parents[3]
TASKS = [get_task("arithmetic"), get_task("lookup")]
NANO = [get_task(name) for name in load_suite("nano-v1").tasks]
"""Tasks whose rows are drawn, in the alphabet of the tokenizer."""


@dataclass(frozen=True)
class Settings:
    items: int = 30
    temperature: float = 1.0
    max_reply_tokens: int = 6
    batch_size: int = 16
    seed: int = 3
    skip: int = 0
    samples: int = 1


GREEDY = Settings(temperature=1e-5)
"""So cold that sampling is greedy decoding."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny operations: several threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def make_nano() -> ModuleType:
    """assets/make_nano.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("make_nano", ROOT / "assets" / "make_nano.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tokenizer(make_nano: ModuleType) -> PreTrainedTokenizerFast:
    return make_nano.make_tokenizer([row.prompt + row.answer for task in TASKS for row in task.rows("train", 300)])


@pytest.fixture
def model(make_nano: ModuleType, tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        model = make_nano.make_model(tokenizer)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)  # replies that depend on the prompt: at its usual scale all are alike
    return model


@pytest.fixture
def checksum(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Row, str]]]:
    """Tasks judge a reply by its checksum; gives the (row, reply) pairs they saw."""
    seen: list[tuple[Row, str]] = []

    def verify(_self: Task, reply: str, row: Row) -> float:
        seen.append((row, reply))
        return float(zlib.crc32(f"{row.index} {reply}".encode()) % 2)

    for task in TASKS:
        monkeypatch.setattr(type(task), "verify", verify)
    return seen


def bits(one: Score) -> list[int]:
    text = bin(int("1" + one.items, 16))[3:]
    return [int(bit) for bit in text[: one.count * one.samples]]


# What is measured


@pytest.mark.parametrize("task", NANO, ids=str)
def test_it_equals_plain_greedy_decoding(task: Task, model: Any, tokenizer: Any) -> None:
    """Token for token our own loop, one prompt at a time: no padding, no cache, no batch."""
    settings = replace(GREEDY, items=12)
    rows = task.rows("heldout", settings.items)
    answers = {row.prompt: _greedy(model, tokenizer, row.prompt, settings.max_reply_tokens) for row in rows}
    seen: dict[str, str] = {}
    original = type(task).verify

    def verify(self: Task, reply: str, row: Row) -> float:
        seen[row.prompt] = reply
        return original(self, reply, row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(task), "verify", verify)
        measured = evaluate(model, tokenizer, [task], settings)
    assert seen == answers
    assert measured == {task.name: score([task.verify(answers[row.prompt], row) for row in rows])}


def _greedy(model: Any, tokenizer: Any, prompt: str, limit: int) -> str:
    ids = tokenizer.encode(prompt)
    start = len(ids)
    with torch.no_grad():
        while len(ids) < start + limit and ids[-1] != tokenizer.eos_token_id:
            ids.append(int(model.eval()(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return str(tokenizer.decode(ids[start:], skip_special_tokens=True))


def test_it_equals_lm_eval_with_its_own_model_class(model: Any, tokenizer: Any, checksum: Any) -> None:
    """The descriptions mean to stock lm-eval what they mean here."""
    loaded = TaskManager(include_defaults=False, metadata={"items": GREEDY.items}).load(
        [str(task.harness_yaml) for task in TASKS]
    )
    for task in loaded["tasks"].values():
        task.set_config("generation_kwargs", {"do_sample": False, "max_gen_toks": 6, "temperature": 0.0}, True)
        task.config.generation_kwargs.pop("top_k")
    stock = evaluator.evaluate(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=7), loaded)
    ours = evaluate(model, tokenizer, TASKS, GREEDY)
    for name, one in ours.items():
        assert stock["results"][name]["reward,none"] == one.mean
        assert [int(sample["reward"]) for sample in stock["samples"][name]] == bits(one)


def test_right_answers_are_counted(model: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that recites the answers scores 1 on every task, through the real verifiers."""
    tasks, settings = NANO, Settings(items=9, max_reply_tokens=40)
    answers = {row.prompt: row.answer for task in tasks for row in task.rows("heldout", settings.items)}

    def recite(_: Sampler, prompts: Any, draws: Any) -> Sampled:
        return Sampled([tokenizer.encode(answers[tokenizer.decode(prompt)]) for prompt in prompts], 0)

    monkeypatch.setattr(Sampler, "sample", recite)
    measured = evaluate(model, tokenizer, tasks, settings)
    assert measured == {task.name: Score(mean=1.0, items="ff8", count=9) for task in tasks}


def test_prompts_reach_the_model_token_for_token(model: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing added in front, nothing stripped at the end."""
    given, forward = [], model.forward

    def spy(input_ids: Any, attention_mask: Any, **others: Any) -> Any:
        if input_ids.shape == attention_mask.shape:  # the prompts; later calls have one token more each
            given.extend(ids[mask.bool()].tolist() for ids, mask in zip(input_ids, attention_mask, strict=True))
            assert bool((attention_mask[:, -1] == 1).all()), "padding belongs to the left"
        return forward(input_ids=input_ids, attention_mask=attention_mask, **others)

    monkeypatch.setattr(model, "forward", spy)
    evaluate(model, tokenizer, [get_task("lookup")], Settings())
    rows = get_task("lookup").rows("heldout", 30)
    assert sorted(given) == sorted(tokenizer.encode(row.prompt, add_special_tokens=False) for row in rows)


def _dictate(model: Any, logits: Any) -> None:
    """From now on the model predicts `logits` [V] at step 0, 1, ... of a reply: logits is [steps, V]."""
    step = iter(range(10**6))

    def replace_logits(_module: Any, _given: Any, output: Any) -> Any:
        output.logits = logits[next(step) % len(logits)].expand(output.logits.shape).clone()
        return output

    model.register_forward_hook(replace_logits)


def _spell(tokenizer: Any, tokens: list[int]) -> Any:
    return torch.nn.functional.one_hot(torch.tensor(tokens), len(tokenizer)) * 1e4


def test_only_the_end_token_ends_a_reply(model: Any, tokenizer: Any, checksum: Any) -> None:
    """A reply that spells the end token's name in letters goes on, as it does in training."""
    letters = tokenizer.convert_tokens_to_ids(list(f"{tokenizer.eos_token}\n1 2".replace("\n", "")))
    _dictate(model, _spell(tokenizer, [*letters, tokenizer.eos_token_id]))
    evaluate(model, tokenizer, TASKS, Settings(items=8, max_reply_tokens=20))
    assert {reply for _, reply in checksum} == {"<end>1 2"}


def test_a_reply_without_end_is_cut(model: Any, tokenizer: Any, checksum: Any) -> None:
    _dictate(model, _spell(tokenizer, tokenizer.convert_tokens_to_ids(["7"])))
    evaluate(model, tokenizer, TASKS, Settings(items=8, max_reply_tokens=5))
    assert {reply for _, reply in checksum} == {"77777"}


def test_the_whole_distribution_is_sampled(model: Any, tokenizer: Any, checksum: Any) -> None:
    """transformers keeps the 50 likeliest tokens unless told otherwise."""
    _dictate(model, torch.linspace(0, 0.01, len(tokenizer))[None])
    evaluate(model, tokenizer, TASKS, Settings(items=60, max_reply_tokens=10))
    written = "".join(reply for _, reply in checksum)
    assert len(set(written)) > 85, "95 characters are as good as equally likely"


def test_the_temperature_is_applied(model: Any, tokenizer: Any, checksum: Any) -> None:
    """Two tokens with odds 1:e at temperature 1 have odds 1:e^2 at temperature one half."""
    logits = torch.full((1, len(tokenizer)), -1e4)
    logits[0, tokenizer.convert_tokens_to_ids(["0", "1"])] = torch.tensor([0.0, 1.0])
    _dictate(model, logits)
    shares = []
    for temperature in (1.0, 0.5):
        checksum.clear()
        evaluate(model, tokenizer, TASKS, Settings(items=100, temperature=temperature, max_reply_tokens=10))
        written = "".join(reply for _, reply in checksum)
        shares.append(written.count("1") / len(written))
    assert shares == pytest.approx([0.731, 0.881], abs=0.03)  # 4 standard errors of 2000 draws


def test_the_models_own_generation_settings_are_ignored(model: Any, tokenizer: Any, checksum: Any) -> None:
    """Published models bring a temperature, a penalty or a top-k of their own."""
    before = evaluate(model, tokenizer, TASKS, Settings())
    for name, value in {
        "top_k": 1,
        "repetition_penalty": 9.0,
        "temperature": 0.1,
        "max_new_tokens": 1,
    }.items():
        setattr(model.generation_config, name, value)
    assert evaluate(model, tokenizer, TASKS, Settings()) == before


# Repeatability


def test_the_same_seed_gives_the_same_items(model: Any, tokenizer: Any, checksum: Any) -> None:
    outcomes = []
    for chance in (1, 2):
        random.seed(chance)
        np.random.seed(chance)  # noqa: NPY002 - the point of the test
        torch.manual_seed(chance)
        outcomes.append(evaluate(model, tokenizer, TASKS, Settings()))
    assert outcomes[0] == outcomes[1]
    assert 0.2 < outcomes[0]["arithmetic"].mean < 0.8


def test_tasks_do_not_share_their_noise(model: Any, tokenizer: Any, checksum: Any) -> None:
    _dictate(model, torch.zeros(1, len(tokenizer)))
    evaluate(model, tokenizer, TASKS, Settings())
    first, second = ([reply for row, reply in checksum if row.task == task.name] for task in TASKS)
    assert not set(first) & set(second)


def test_another_seed_gives_other_items(model: Any, tokenizer: Any, checksum: Any) -> None:
    first, second = (evaluate(model, tokenizer, TASKS, Settings(seed=seed)) for seed in (3, 4))
    assert all(first[name].items != second[name].items for name in first)


def test_a_task_is_measured_alike_in_every_mixture(model: Any, tokenizer: Any, checksum: Any) -> None:
    together = evaluate(model, tokenizer, TASKS, Settings())
    reverse = evaluate(model, tokenizer, TASKS[::-1], Settings())
    alone = {name: one for task in TASKS for name, one in evaluate(model, tokenizer, [task], Settings()).items()}
    assert together == reverse == alone
    assert list(reverse) == ["lookup", "arithmetic"]


def test_items_of_similar_models_meet_the_same_noise(model: Any, tokenizer: Any, checksum: Any) -> None:
    """Models are paired by item: what differs between them is the model, not the dice."""
    before = bits(evaluate(model, tokenizer, TASKS, Settings())["arithmetic"])
    with torch.no_grad():
        model.model.norm.weight.mul_(1.001)
    after = bits(evaluate(model, tokenizer, TASKS, Settings())["arithmetic"])
    assert sum(a != b for a, b in zip(before, after, strict=True)) <= 3


def test_more_samples_begin_with_the_first(model: Any, tokenizer: Any, checksum: Any) -> None:
    """An item's first reply is the one that it has alone; its others are other draws."""
    single = evaluate(model, tokenizer, TASKS, Settings(items=9))
    alone = [reply for _, reply in checksum]
    checksum.clear()
    several = evaluate(model, tokenizer, TASKS, Settings(items=9, samples=3))
    rows, replies = [row.index for row, _ in checksum], [reply for _, reply in checksum]
    assert rows == [index for _ in TASKS for index in range(9) for _ in range(3)]
    assert replies[::3] == alone
    assert len({*replies[::3], *replies[1::3], *replies[2::3]}) > 2 * len(set(alone))
    for name, one in several.items():
        assert bits(one)[::3] == bits(single[name])
        assert one.right == [sum(bits(one)[at : at + 3]) for at in range(0, 27, 3)]
        assert (one.count, one.samples, one.mean) == (9, 3, sum(one.right) / 27)


def test_a_prompt_is_computed_once_for_its_samples(
    model: Any, tokenizer: Any, checksum: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the replies, and in batches of as many replies as the settings say."""
    read: list[int] = []
    original = Sampler._read

    def spy(self: Sampler, prompts: Any, copies: int) -> Any:
        read.append(len(prompts))
        assert copies == 4
        return original(self, prompts, copies)

    monkeypatch.setattr(Sampler, "_read", spy)
    evaluate(model, tokenizer, TASKS[:1], Settings(items=10, samples=4, batch_size=16))
    assert read == [4, 4, 2]


# No traces


def _state(model: Any, tokenizer: Any) -> list[Any]:
    return [
        random.getstate(),
        [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],  # noqa: NPY002
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
        [module.training for module in model.modules()],
        [(parameter.requires_grad, parameter.grad) for parameter in model.parameters()],
        [float(parameter.detach().sum()) for parameter in model.parameters()],
        model.generation_config.to_dict(),
        (tokenizer.padding_side, tokenizer.pad_token_id),
        logging.getLogger("lm_eval").level,
    ]


@pytest.fixture
def unusual(model: Any) -> Iterator[None]:
    """A state that neither a default nor an earlier evaluation would give by accident."""
    random.seed(987)
    np.random.seed(987)  # noqa: NPY002 - lm-eval may use it
    torch.manual_seed(987)
    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(17)
    model.train()
    model.model.layers[1].eval()
    model.model.layers[0].requires_grad_(False)
    model.generation_config.top_k = 11
    yield
    logger.setLevel(level)


@pytest.mark.usefixtures("unusual")
def test_everything_is_as_before(model: Any, tokenizer: Any) -> None:
    before, own = _state(model, tokenizer), model.generation_config
    evaluate(model, tokenizer, TASKS, Settings())
    assert _state(model, tokenizer) == before
    assert model.generation_config is own


@pytest.mark.usefixtures("unusual")
def test_everything_is_as_before_after_an_error(model: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: Task, _reply: str, _row: Row) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(type(TASKS[0]), "verify", broken)
    before = _state(model, tokenizer)
    with pytest.raises(ZeroDivisionError):
        evaluate(model, tokenizer, TASKS, Settings())
    assert _state(model, tokenizer) == before


def test_the_model_is_evaluated_in_evaluation_mode(model: Any, tokenizer: Any, checksum: Any) -> None:
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.9
    model.eval()
    expected = evaluate(model, tokenizer, TASKS, Settings())
    model.train()
    assert evaluate(model, tokenizer, TASKS, Settings()) == expected


def test_nothing_is_printed(model: Any, tokenizer: Any, capfd: pytest.CaptureFixture[str]) -> None:
    evaluate(model, tokenizer, TASKS, Settings())
    assert capfd.readouterr() == ("", "")


def test_too_many_items_are_a_user_error(model: Any, tokenizer: Any) -> None:
    with pytest.raises(UserError, match="distinct heldout rows"):
        evaluate(model, tokenizer, TASKS, Settings(items=100_000))


# Scores and their cache


@pytest.mark.parametrize(
    ("rewards", "items"),
    [
        ([1.0], "8"),
        ([0.0], "0"),
        ([1, 0, 0, 0, 1], "88"),
        ([0, 0, 0, 1], "1"),
        ([0] * 7 + [1], "01"),
        ([1] * 9, "ff8"),
    ],
)
def test_the_first_item_is_the_highest_bit(rewards: list[float], items: str) -> None:
    one = score(rewards)
    assert (one.items, one.count, one.mean) == (items, len(rewards), sum(rewards) / len(rewards))
    assert bits(one) == rewards


def test_several_samples_of_an_item_stand_together() -> None:
    one = score([1, 0, 1, 1, 0, 0], samples=2)
    assert (one.items, one.count, one.samples, one.mean, one.right) == ("b0", 3, 2, 0.5, [1, 2, 0])


@pytest.mark.parametrize("rewards", [[0.5], [1, 0.5], [2, 0], [float("nan")]])
def test_a_reward_between_is_refused(rewards: list[float]) -> None:
    with pytest.raises(ValueError, match=r"items sum|mean"):
        score(rewards)


SCORES = {"arithmetic": score([1, 0, 1]), "lookup": score([0, 0, 1, 1, 1])}
KEY = {"model": "abc", "tasks": {"arithmetic": 1}, "settings": {"items": 3}, "torch": "2"}


class Counted:
    """Computes SCORES and counts how often."""

    calls = 0

    def __call__(self) -> dict[str, Score]:
        self.calls += 1
        return SCORES


def test_base_scores_are_computed_once(tmp_path: Path) -> None:
    compute = Counted()
    assert [base_scores(compute, KEY, tmp_path / "new") for _ in range(3)] == [SCORES] * 3
    assert compute.calls == 1


@pytest.mark.parametrize("changed", [{"model": "abd"}, {"torch": "3"}, {"settings": {"items": 4}}, {"more": None}])
def test_every_part_of_the_key_counts(tmp_path: Path, changed: dict[str, Any]) -> None:
    compute = Counted()
    base_scores(compute, KEY, tmp_path)
    base_scores(compute, KEY | changed, tmp_path)
    assert compute.calls == 2
    assert len(list(tmp_path.iterdir())) == 2


def _flip(text: bytes) -> bytes:
    """Two item bits exchanged: the mean is still right."""
    return text.replace(b'"items":"a"', b'"items":"c"')


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[: len(text) // 2],
        lambda text: text[:-1],
        lambda text: b"\xff\xfe" + text,
        lambda text: b"[" * 100_000,
        lambda text: b"null",
        lambda text: b"{}",
        lambda text: json.dumps({**json.loads(text), "more": 1}).encode(),
        lambda text: text.replace(b"lookup", b"relation"),
        lambda text: text.replace(b'"count":3', b'"count":4'),
        _flip,
    ],
)
def test_a_damaged_file_is_computed_again(tmp_path: Path, damage: Any) -> None:
    compute = Counted()
    base_scores(compute, KEY, tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    assert damage(whole) != whole
    path.write_bytes(damage(whole))
    assert base_scores(compute, KEY, tmp_path) == SCORES
    assert compute.calls == 2
    assert path.read_bytes() == whole, "and repaired"


def test_a_file_under_another_name_is_not_trusted(tmp_path: Path) -> None:
    compute, other = Counted(), {**KEY, "model": "other"}
    base_scores(compute, KEY, tmp_path)
    (mine,) = tmp_path.iterdir()
    base_scores(compute, other, tmp_path)
    (theirs,) = set(tmp_path.iterdir()) - {mine}
    theirs.write_bytes(mine.read_bytes())
    base_scores(compute, other, tmp_path)
    assert compute.calls == 3


def test_a_cache_that_cannot_be_written_costs_an_evaluation_and_nothing_else(tmp_path: Path) -> None:
    """The base model is evaluated before training: its scores are there, whatever becomes of the file."""
    (tmp_path / "file").write_text("")
    compute = Counted()
    first = base_scores(compute, KEY, tmp_path / "file")
    assert base_scores(compute, KEY, tmp_path / "file") == first
    assert compute.calls == 2
