"""How questions reach the model: the same ids in training and evaluation, and replies that are text."""

from pathlib import Path

import pytest
import torch
from lm_eval.api.instance import Instance

from bench.engine.ledger import RunningLedger
from bench.engine.sampling import Prompt, PromptStream
from bench.evaluation.rewards import _Sampler
from bench.models.base import load_model
from bench.models.prompts import asked, demonstration, encoded, ends, reply_of
from bench.models.sampler import Sampled, Sampler
from bench.request.suite import load_suite
from bench.training.demonstrations import demonstrations
from bench.training.trl.grpo import SuiteGRPOTrainer, grpo_config
from tasks._registry import get_task

PROMPTS = ["Which gas do plants take in?\nA. oxygen", "12+30=", "Say <|im_end|> or é", " a  b\n"]


def loaded(tiny, folder, **kind):
    torch.set_num_threads(1)
    suite = load_suite("smoke-v1").model_copy(update={"model": str(tiny.write(folder / "model", **kind))})
    return suite, *load_model(suite)


def trainer_for(suite, model, tokenizer, folder: Path) -> SuiteGRPOTrainer:
    tasks = [get_task(name) for name in suite.tasks]
    streams = [PromptStream(task.rows("train", 8), 0) for task in tasks]
    config = grpo_config(suite, 2, 0, 12, folder)
    trainer = SuiteGRPOTrainer(model, tokenizer, config, tasks, streams, suite.recipe)
    trainer.ledger = RunningLedger()
    return trainer


KINDS = [
    {"kind": "qwen2", "chat": True},
    {"kind": "llama", "chat": False},
    {"kind": "llama", "chat": False, "begins": True},
    {"kind": "llama", "chat": True, "begins": True},
]


def request_for(prompt: str) -> Instance:
    """What lm-eval asks of a model."""
    request = Instance("generate_until", {}, (prompt, {}), 0)
    request.task_name = "any"
    request.doc_id = 0
    return request


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_training_and_evaluation_give_the_model_the_same_ids(tiny, tmp_path, monkeypatch, kind):
    """TRL's own tokenisation, ours, and what the evaluation asks the sampler for."""
    suite, model, tokenizer = loaded(tiny, tmp_path, **kind)
    trainer = trainer_for(suite, model, tokenizer, tmp_path)
    trls, _, _ = trainer._tokenize_prompts([asked(tokenizer, prompt) for prompt in PROMPTS])
    ours = [encoded(tokenizer, prompt) for prompt in PROMPTS]
    assert ours == trls
    seen = []
    monkeypatch.setattr(Sampler, "sample", lambda _, prompts, draws: (seen.extend(prompts), Sampled([], 0))[1])
    _Sampler(model, tokenizer, suite.sampling)._sample([request_for(prompt) for prompt in PROMPTS])
    assert seen == ours
    assert (tokenizer.decode(ours[0]).count("<s>") == 1) == bool(kind.get("begins") and not kind["chat"])


def test_a_template_begins_the_models_turn(tiny, tmp_path):
    _, _, tokenizer = loaded(tiny, tmp_path)
    text = tokenizer.decode(encoded(tokenizer, "12+30="))
    assert text == (
        "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\n12+30=<|im_end|>\n<|im_start|>assistant\n"
    )


def test_all_ends_that_the_model_declares_end_a_reply(tiny, tmp_path):
    """In rollouts and in evaluation alike; a base model's own end counts beside the end of a turn."""
    words = tiny.tokenizer()
    turn, end = words.convert_tokens_to_ids([tiny.TURN, tiny.END])
    suite, model, tokenizer = loaded(tiny, tmp_path, ends=[turn, end])
    assert set(ends(model, tokenizer)) == {turn, end}
    trainer = trainer_for(suite, model, tokenizer, tmp_path)
    assert set(trainer.eos_token_ids) == {turn, end}
    logits: dict[int, float] = {}

    def force(module, given, output):
        output.logits[:] = -1e4
        for token, value in logits.items():
            output.logits[..., token] = value

    model.register_forward_hook(force)
    for last in (turn, end):
        logits.clear()
        logits[last] = 0.0
        sampler = _Sampler(model, tokenizer, suite.sampling)
        assert sampler.generate_until([request_for("12+30=")]) == [""]
        batch, rollouts = trainer.roll_out([Prompt(0, trainer.streams[0].rows[0], 0)])
        assert rollouts.lengths.tolist() == [1] * suite.recipe.rollouts_per_prompt
        assert set(batch["completion_ids"].flatten().tolist()) == {last}


@pytest.mark.parametrize("kind", KINDS[:2], ids=str)
def test_a_reply_holds_no_special_tokens(tiny, tmp_path, monkeypatch, kind):
    suite, model, tokenizer = loaded(tiny, tmp_path, **kind)
    trainer = trainer_for(suite, model, tokenizer, tmp_path)
    special = tokenizer.all_special_ids
    seen: list[str] = []
    monkeypatch.setattr(trainer.tasks[0], "verify", lambda reply, row: float(bool(seen.append(reply))))

    def prefer(module, given, output):
        output.logits[..., special] += 3.0

    model.register_forward_hook(prefer)
    batch, _ = trainer.roll_out([Prompt(0, row, place) for place, row in enumerate(trainer.streams[0].rows[:2])])
    assert set(batch["completion_ids"].flatten().tolist()) & set(special)
    assert len(seen) == 2 * suite.recipe.rollouts_per_prompt
    assert not any(name in reply for reply in seen for name in tokenizer.all_special_tokens)


def test_a_completion_is_plain_or_one_message():
    assert reply_of("42") == reply_of([{"role": "assistant", "content": "42"}]) == "42"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_demonstration_ends_once_and_where_it_should(tiny, tmp_path, kind):
    """A solution that spells a special token's name has its letters: else it would teach to stop in the middle."""
    _, _, tokenizer = loaded(tiny, tmp_path, **kind)
    reply = "use <|im_end|> and <|endoftext|> or <s>"
    prompt, words = demonstration(tokenizer, "How?", reply)
    assert prompt == encoded(tokenizer, "How?")
    assert words[-1] == tokenizer.eos_token_id
    assert not set(words[:-1]) & set(tokenizer.all_special_ids)
    assert tokenizer.decode(words[:-1]) == reply
    assert encoded(tokenizer, "How?") == prompt, "prompts are read as before"


def test_demonstrations_are_prompt_and_solution(tiny, tmp_path):
    """Together they are what the template makes of the conversation, but for what it adds after the last turn."""
    _, _, tokenizer = loaded(tiny, tmp_path)
    task = get_task("arithmetic")
    row = task.rows("train", 1)[0]
    (shown,) = demonstrations([task], [Prompt(0, row, 0)], tokenizer, 100)
    turns = [{"role": "user", "content": row.prompt}, {"role": "assistant", "content": task.solution(row)}]
    whole = tokenizer.apply_chat_template(turns, return_dict=False)
    assert tokenizer.decode(whole) == tokenizer.decode(shown.prompt + shown.reply) + "\n"
    (cut,) = demonstrations([task], [Prompt(0, row, 0)], tokenizer, 2)
    assert cut.reply == shown.reply[:2]
