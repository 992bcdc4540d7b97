"""The embedded model: what is shipped, and that its script makes such a thing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from bench.models.base import load_model, parameters_digest
from bench.models.files import model_digest
from bench.request.suite import ASSETS, EMBEDDED, load_suite
from tasks import ProceduralTask
from tasks._registry import all_tasks
from tasks._sentences import SentenceTask

ROOT = Path(__file__).parents[2]
MEGABYTES = 2**20
TERSE = [t for t in all_tasks().values() if isinstance(t, ProceduralTask) and not isinstance(t, SentenceTask)]
every_model = pytest.mark.parametrize("name", EMBEDDED)


def choice(name):
    """A suite on an embedded model."""
    return load_suite("nano-v1").model_copy(update={"model": name})


@every_model
def test_the_shipped_files_match_their_digests_and_are_small(name):
    assert len(model_digest(name)) == 64
    assert sum(path.stat().st_size for path in (ASSETS / name).iterdir()) < 5 * MEGABYTES


@every_model
def test_it_has_about_a_million_parameters_in_float32(name):
    model, _ = load_model(choice(name))
    assert 0.9e6 < model.num_parameters() < 1.3e6
    assert len(parameters_digest(model)) == 64


@every_model
@pytest.mark.parametrize("task", TERSE, ids=str)
def test_the_tokenizer_round_trips_every_prompt_and_answer(task, name):
    """A Qwen2 checkpoint's tokenizer loaded by the automatic class would be split by another rule, silently.

    Tasks in sentences are for other models: this tokenizer has no line ends, as one of them does.
    """
    _, tokenizer = load_model(choice(name))
    for row in task.rows("heldout", 100):
        for text in (row.prompt, row.answer, row.prompt + row.answer):
            assert tokenizer.decode(tokenizer.encode(text)) == text
        # A reply is sampled after the prompt's tokens, so the two must not merge across the border.
        assert tokenizer.encode(row.prompt) + tokenizer.encode(row.answer) == tokenizer.encode(row.prompt + row.answer)


@every_model
def test_the_tokenizer_has_one_token_a_digit_and_an_end(name):
    _, tokenizer = load_model(choice(name))
    assert len(tokenizer.encode("0123456789")) == 10
    assert tokenizer.eos_token_id is not None
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)


@pytest.mark.slow
@every_model
def test_its_script_makes_a_loadable_model(name, tmp_path):
    """Two steps of every phase, then the same loading and digest check as for the shipped one."""
    words = ["--steps", "2", "--rows", "50", "--items", "8", "--out", str(tmp_path)]
    subprocess.run(
        [sys.executable, f"assets/make_{name}.py", *words],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    names = {path.name for path in tmp_path.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "DIGESTS.json"} <= names
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert tokenizer.decode(tokenizer.encode("12+34=46")) == "12+34=46"
