"""The suite files: each loads, names what is there, adds up, and is like no other."""

import re
from pathlib import Path

import pytest
import yaml

from bench.evaluation.standard_tasks import check_names
from bench.request.request import parse_request
from bench.request.suite import EMBEDDED, PINNED, SUITES, load_suite, suite_names
from bench.run.choices import chosen_methods
from tasks import DataTask
from tasks._registry import get_task

ROOT = Path(__file__).parents[3]
every_suite = pytest.mark.parametrize("name", suite_names())
PAPER = [name for name in suite_names() if name.startswith("paper-")]


@every_suite
def test_it_says_why_it_is_there(name: str) -> None:
    """A comment at the top, a summary of one line, and a version at the end of its name."""
    text = (SUITES / f"{name}.yaml").read_text()
    assert re.fullmatch(r"[a-z0-9-]+-v\d+", name)
    assert text.startswith("# ")
    summary = load_suite(name).summary
    assert 20 < len(summary) <= 120
    assert not summary.endswith(".")
    for page in re.findall(r"docs/\w+\.md", text):
        assert (ROOT / page).is_file(), page


@every_suite
def test_its_tasks_train_and_are_held_out(name: str) -> None:
    suite = load_suite(name)
    tasks = [get_task(task) for task in suite.tasks]
    assert list(suite.tasks) == sorted(suite.tasks)
    for task in tasks:
        if isinstance(task, DataTask):
            assert set(task.mirror) == {"train", "heldout"}, task.name
    check_names(suite.standard)
    assert set(suite.seeds) == set(range(len(suite.seeds)))


@every_suite
def test_its_sizes_add_up(name: str) -> None:
    """Two halves a task for unbiased norms; rows beside those that validate; prompts for eight devices."""
    recipe, suite = load_suite(name).recipe, load_suite(name)
    assert recipe.prompts_per_task % 2 == 0
    assert recipe.warmup_steps < recipe.steps
    assert recipe.train_rows > recipe.validation_rows or suite.regime == "grpo"
    if suite.model not in PINNED:
        assert recipe.prompts_per_task % 8 == 0
        assert suite.revision
        assert re.fullmatch("[0-9a-f]{40}", suite.revision)


@every_suite
def test_replies_have_room(name: str) -> None:
    """For the longest right reply where rows are drawn; smoke suites are for quick looks."""
    suite = load_suite(name)
    if suite.model in EMBEDDED and not name.startswith("smoke"):
        assert suite.recipe.max_reply_tokens >= max(get_task(task).max_reply_tokens for task in suite.tasks)


def test_suites_on_nano2_and_smol_clip_relative_to_the_plain_mean_and_older_ones_as_they_did() -> None:
    """The default is no part of a digest, which records from before the key name."""
    for name in suite_names():
        suite = load_suite(name)
        assert suite.recipe.clip == ("relative" if suite.model in ("nano2", "smol") else "absolute"), name

    suite = load_suite("nano-v1")
    changed = suite.recipe.model_copy(update={"clip": "relative"})
    assert suite.digest == "bf6be2a21a4c57fa7f648581e1b65c12603cf47cef1ea6300ae3542c11dab216"
    assert suite.model_copy(update={"recipe": changed}).digest != suite.digest


def test_no_two_are_the_same_run() -> None:
    digests = [load_suite(name).digest for name in suite_names()]
    assert len(set(digests)) == len(digests)


@every_suite
def test_its_static_frontier_can_be_run(name: str) -> None:
    for weights in load_suite(name).sweep:
        chosen_methods(parse_request(["method=static", f"suite={name}", f"method.weights={weights}"]))


@pytest.mark.parametrize("name", [*PAPER, "small-v1"])
def test_it_keeps_to_what_is_published(name: str) -> None:
    """Of arXiv 2510.19178: mixtures, models, 300 and 100 steps, GRPO, uniform shares."""
    suite = load_suite(name)
    assert suite.regime == "grpo"
    if name == "small-v1":
        return
    multi = name.startswith("paper-multidomain")
    assert suite.tasks == (
        ("countdown", "finqa", "math", "r1_code") if multi else ("deepscaler", "long_arithmetic", "math")
    )
    assert suite.recipe.steps == (300 if multi else 100)
    size = "7b" if "qwen7b" in name else "3b"
    assert size in suite.model.lower()
    assert ("llama" in name) == ("Llama" in suite.model)


def test_the_suites_of_a_mixture_differ_in_their_model_alone() -> None:
    """And in what a model of its size needs: adapters with their rate, smaller micro-batches."""
    for mixture in ("math", "multidomain"):
        texts = [yaml.safe_load((SUITES / f"{name}.yaml").read_text()) for name in PAPER if mixture in name]
        assert len(texts) == 3
        for text in texts:
            for key in ("summary", "model", "revision", "lora"):
                text.pop(key, None)
            for key in ("learning_rate", "micro_batch"):
                text["recipe"].pop(key)
        assert texts[0] == texts[1] == texts[2]


@pytest.mark.parametrize(("sft", "rl"), [("nano-sft-v1", "nano-v1"), ("smoke-sft-v1", "smoke-v1")])
def test_the_sft_suites_have_the_tasks_of_the_rl_suites(sft: str, rl: str) -> None:
    first, second = load_suite(sft), load_suite(rl)
    assert (first.regime, second.regime) == ("sft", "grpo")
    for field in ("tasks", "model", "seeds", "evaluation", "sweep"):
        assert getattr(first, field) == getattr(second, field)


def test_a_suite_may_grow_by_seeds_and_not_change_them() -> None:
    """Records of the first five stay records of the suite."""
    suite = load_suite("nano-v2")
    grown = suite.model_copy(update={"seeds": (*suite.seeds, 5, 6, 7)})
    assert grown.digest == suite.digest
    assert suite.model_copy(update={"seeds": (*suite.seeds[1:], 9)}).digest != suite.digest
    assert suite.model_copy(update={"seeds": suite.seeds[:3]}).digest != suite.digest


def test_samples_count_in_the_digest_only_where_there_are_several() -> None:
    """A suite from before they were counted keeps the digest that its records name."""
    suite = load_suite("smoke-v1")
    several, single = (
        suite.model_copy(update={"evaluation": suite.evaluation.model_copy(update={"samples": samples})})
        for samples in (2, 1)
    )
    assert single.digest == suite.digest != several.digest
    assert "samples" not in (SUITES / "smoke-v1.yaml").read_text()
