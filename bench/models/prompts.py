"""How a question reaches the model: through its chat template where the tokenizer has one, else as it stands.

Training and evaluation both ask here, so that a model is measured on the prompts that it was trained on.
"""

from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase


def asked(tokenizer: PreTrainedTokenizerBase, prompt: str) -> str | list[dict[str, str]]:
    """The prompt as TRL takes it: one user message, or plain text."""
    return [{"role": "user", "content": prompt}] if tokenizer.chat_template else prompt


def encoded(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """Token ids of the prompt, the beginning of the model's turn included."""
    if tokenizer.chat_template:
        messages: Any = asked(tokenizer, prompt)
        return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))
    return list(tokenizer(prompt)["input_ids"])


def demonstration(tokenizer: PreTrainedTokenizerBase, prompt: str, reply: str) -> tuple[list[int], list[int]]:
    """Token ids of the prompt, and of the reply with the token that ends it.

    A reply that spells the name of a special token holds its letters: it does not end there.
    """
    words = tokenizer(reply, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return encoded(tokenizer, prompt), [*words, tokenizer.eos_token_id]


def reply_of(completion: str | list[dict[str, str]]) -> str:
    """The text of a completion as TRL gives it: plain, or one assistant message."""
    return completion if isinstance(completion, str) else completion[-1]["content"]


def ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens that end a reply: the tokenizer's, and all that the model declares, such as an end of turn."""
    declared = model.generation_config.eos_token_id
    others = declared if isinstance(declared, list) else [declared]
    return [tokenizer.eos_token_id, *(end for end in others if end not in (None, tokenizer.eos_token_id))]
