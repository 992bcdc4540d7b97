"""How a question reaches the model: through its chat template where the tokenizer has one, else as it stands.

Training and evaluation both ask here, so that a model is measured on the prompts that it was trained on.
"""

from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.models.templates import rendered, thought, turn_end


def asked(tokenizer: PreTrainedTokenizerBase, prompt: str) -> str | list[dict[str, str]]:
    """The prompt as TRL takes it: one user message, or plain text."""
    return [{"role": "user", "content": prompt}] if tokenizer.chat_template else prompt


def encoded(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """Token ids of the prompt, the beginning of the model's turn included."""
    if tokenizer.chat_template:
        messages: Any = asked(tokenizer, prompt)
        return list(rendered(tokenizer, messages, add_generation_prompt=True))
    return list(tokenizer(prompt)["input_ids"])


def demonstration(tokenizer: PreTrainedTokenizerBase, prompt: str, reply: str) -> tuple[list[int], list[int]]:
    """Token ids of the prompt, and of the reply with the token that ends the model's turn.

    A reply that spells the name of a special token holds its letters: it does not end there. A thought that the
    template opens is closed first.
    """
    words = tokenizer(reply, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return encoded(tokenizer, prompt), [*thought(tokenizer), *words, turn_end(tokenizer)]


def reply_of(completion: str | list[dict[str, str]]) -> str:
    """The text of a completion as TRL gives it: plain, or one assistant message."""
    return completion if isinstance(completion, str) else completion[-1]["content"]


def ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens that end a reply: the tokenizer's, all that the model declares, and that which ends a turn."""
    declared = model.generation_config.eos_token_id
    others = [*(declared if isinstance(declared, list) else [declared]), turn_end(tokenizer)]
    return list(dict.fromkeys(end for end in (tokenizer.eos_token_id, *others) if end is not None))
