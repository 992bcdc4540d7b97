"""Chat templates, held still: the date that they print, how they end a turn, and whether they can be used at all."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from bench.errors import UserError

TODAY = datetime(2026, 1, 1)  # noqa: DTZ001 - a date to print, in no time zone
"""What templates print that ask for the day: with the real one, one run would have other prompts on another day."""
PINNED = f"{{# the day is pinned to {TODAY:%Y-%m-%d} #}}"
ASKS = re.compile(r"""strftime_now\(\s*(['"])(.*?)\1\s*\)""")
"""A template's call for the day, with the form that it wants."""
PROBE, REPLY = "12+30=", "1729"
THOUGHT = "<think>"
CLOSED = "\n</think>\n\n"
"""An empty thought's end, as the templates that open one write it."""
FAULTS = (TemplateError, ValueError, TypeError, LookupError, AttributeError)
"""What a template raises that does not fit a question and its answer."""


def rendered(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]], **options: Any) -> Any:
    """A conversation as the template writes it: token ids, or text with tokenize=False."""
    return tokenizer.apply_chat_template(messages, return_dict=False, **options)


def pin_the_date(tokenizer: PreTrainedTokenizerBase) -> None:
    """Put TODAY where the template asks for the day; a comment at its beginning says so."""
    template = tokenizer.chat_template
    if not isinstance(template, str) or not ASKS.search(template):
        return
    pinned = ASKS.sub(lambda found: repr(TODAY.strftime(found[2])), template)
    tokenizer.chat_template = PINNED + pinned


def prints_the_date(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the template asked for the day, and was given TODAY."""
    return str(tokenizer.chat_template or "").startswith(PINNED)


@lru_cache(maxsize=16)
def turn_end(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token with which the template ends the model's turn; without a template, or such a token, that of a text."""
    if not tokenizer.chat_template:
        return int(tokenizer.eos_token_id)

    turns = [{"role": "user", "content": PROBE}, {"role": "assistant", "content": REPLY}]
    text = rendered(tokenizer, turns, tokenize=False)
    after = text[text.rfind(REPLY) + len(REPLY) :]
    following = tokenizer(after, add_special_tokens=False)["input_ids"] if after.strip() else []
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return int(following[0] if following and following[0] in special else tokenizer.eos_token_id)


@lru_cache(maxsize=16)
def thought(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Token ids that close the thought which the template opens in the model's turn; () if it opens none."""
    if not tokenizer.chat_template:
        return ()
    asked = rendered(tokenizer, [{"role": "user", "content": PROBE}], tokenize=False, add_generation_prompt=True)
    if not asked.rstrip().endswith(THOUGHT):
        return ()
    return tuple(tokenizer(CLOSED, add_special_tokens=False)["input_ids"])


def check_template(tokenizer: PreTrainedTokenizerBase, model: str) -> None:
    """UserError if the tokenizer's chat template cannot write a question and its answer."""
    if not tokenizer.chat_template:
        return

    remedy = "Choose another model, or take chat_template out of a copy of its tokenizer."
    try:
        asked = rendered(tokenizer, [{"role": "user", "content": PROBE}], tokenize=False, add_generation_prompt=True)
        turn_end(tokenizer)
    except FAULTS as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(
            f"model {model!r}: its chat template refuses a question without a system message "
            f"({type(error).__name__}: {said}). {remedy}"
        ) from None

    if PROBE not in asked:
        raise UserError(f"model {model!r}: its chat template does not write what the user asks. {remedy}")
