"""Chat templates: one date, their own end of a turn, closed thoughts, and a sentence where one cannot be used."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.errors import UserError
from bench.models.prompts import demonstration, encoded, ends
from bench.models.templates import check_template, pin_the_date, prints_the_date, thought, turn_end

TURNS = "{%- for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] }}{%- endfor %}"
DATED = "{%- if messages %}{{ 'Today: ' + strftime_now('%d %b %Y') + '\n' }}{%- endif %}" + TURNS
NO_SYSTEM = "{%- if messages[0]['role'] != 'system' %}{{ raise_exception('a system message is needed') }}{%- endif %}"
OPEN = (
    "{%- for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{%- endif %}"
)


@pytest.fixture
def worded(tiny: Any) -> Callable[[Any], Any]:
    """A tokenizer of its own with a template."""

    def make(template: Any) -> Any:
        tiny.tokenizer.cache_clear()
        words = tiny.tokenizer()
        tiny.tokenizer.cache_clear()
        words.chat_template = template
        return words

    return make


def test_the_day_in_a_prompt_is_the_same_every_day(worded):
    words = worded(DATED)
    assert not prints_the_date(words)
    pin_the_date(words)
    assert "Today: 01 Jan 2026" in words.decode(encoded(words, "12+30="))
    assert prints_the_date(words)
    assert not prints_the_date(worded(TURNS))


def test_a_demonstration_ends_as_the_template_ends_a_turn(tiny, worded):
    """As for models whose turns end with a token that is not their end of text."""
    words = worded(tiny.TEMPLATE)
    words.eos_token = tiny.END
    turn, end = words.convert_tokens_to_ids([tiny.TURN, tiny.END])
    assert (turn_end(words), words.eos_token_id) == (turn, end)
    _, reply = demonstration(words, "12+30=", "42")
    assert reply[-1] == turn

    class Model:
        class generation_config:
            eos_token_id = end

    assert ends(Model(), words) == [end, turn]


def test_without_an_end_of_turn_a_reply_ends_as_a_text_does(worded):
    words = worded(TURNS)
    assert turn_end(words) == words.eos_token_id
    assert turn_end(worded(None)) == words.eos_token_id


def test_a_thought_that_the_template_opens_is_closed(worded):
    words = worded(OPEN)
    prompt, reply = demonstration(words, "12+30=", "42")
    whole = words.decode(prompt + reply)
    assert whole.count("<think>") == whole.count("</think>") == 1
    assert words.decode(reply[:-1]).endswith("</think>\n\n42")
    assert thought(worded(TURNS)) == ()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (NO_SYSTEM, "refuses a question without a system message .*a system message is needed"),
        ("{% for message in %}", "TemplateSyntaxError"),
        ({"tool_use": TURNS}, "ValueError"),
        ("{{ messages[1]['content'] }}", "UndefinedError"),
        ("{{ '<|im_start|>' }}", "does not write what the user asks"),
    ],
    ids=["system", "syntax", "no default", "second message", "silent"],
)
def test_a_template_that_cannot_be_used_is_one_sentence(worded, template, said):
    with pytest.raises(UserError, match=said):
        check_template(worded(template), "some/model")


def test_a_template_that_works_is_accepted(tiny, worded):
    check_template(worded(tiny.TEMPLATE), "some/model")
    check_template(worded(None), "some/model")
