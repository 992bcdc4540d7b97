"""lm-eval's own tasks: a model that knows all answers scores 1, one that knows none 0, and nothing is left changed."""

import json
import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from bench.errors import UserError
from bench.evaluation.standard import Measured, as_records, base_standard, judged_in_jail, scored, standard
from bench.evaluation.standard_tasks import STANDARD, check_names, check_ready, local_rows, rows_digest
from bench.models.base import load_model
from bench.request.suite import Suite, load_suite
from tasks._data import ROOT, load

HAND_WRITTEN = Path(__file__).parents[2] / "tasks" / "data"
REAL = Path(os.environ.get("BALANCEBENCH_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
GOLD: dict[str, Any] = {
    "gsm8k": lambda doc: doc["answer"],
    "mbpp": lambda doc: f"{doc['code']}\n{doc['test_setup_code']}",
    "humaneval": lambda doc: doc["canonical_solution"],
    "minerva_math500": lambda doc: doc["solution"],
    "arc_easy": lambda doc: doc["choices"]["label"].index(doc["answerKey"]),
    "arc_challenge": lambda doc: doc["choices"]["label"].index(doc["answerKey"]),
    "boolq": lambda doc: doc["label"],
    "mmlu": lambda doc: doc["answer"],
}
"""The right reply to a document of each task, or the place of the right choice."""


SUBJECTS = ("abstract_algebra", "anatomy")
"""The first that lm-eval knows."""


class Knowing(LM):  # type: ignore[misc] # lm-eval publishes no types
    """Answers every request rightly, or wrongly; keeps what it was asked."""

    def __init__(self, gold: Any, right: bool = True) -> None:
        super().__init__()
        self.gold, self.right, self.asked = gold, right, list[Instance]()

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        self.asked += requests
        return [self.gold(each.doc) if self.right else "It is anybody's guess." for each in requests]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        self.asked += requests
        hits = [(each.idx == self.gold(each.doc)) == self.right for each in requests]
        return [(-1.0 if hit else -1e4, hit) for hit in hits]

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[Any]:
        raise NotImplementedError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data_root with every standard task: real copies, or rows written by hand; of mmlu two subjects."""
    folder = tmp_path_factory.mktemp("data")
    for name in {one.task for one in STANDARD.values()} - {"mmlu", "gsm8k"}:
        real = REAL / name
        (folder / name).symlink_to(real if real.is_dir() else HAND_WRITTEN / name)
    source = next(place / "mmlu" for place in (REAL, HAND_WRITTEN) if (place / "mmlu" / "test").is_dir())
    for split in ("test", "dev"):
        (folder / "mmlu" / split).mkdir(parents=True)
        for subject, path in zip(SUBJECTS, sorted((source / split).glob("*.csv")), strict=False):
            (folder / "mmlu" / split / f"{subject}_{split}.csv").symlink_to(path)
    _gsm8k(folder / "gsm8k")
    return folder


def _gsm8k(folder: Path) -> None:
    """The real copy, or rows by hand: lm-eval shows five examples, more than the fixture has."""
    if (REAL / "gsm8k").is_dir():
        folder.symlink_to(REAL / "gsm8k")
        return
    folder.mkdir()
    for split in ("train", "test"):
        rows = [{"question": f"What is {n} plus {len(split)}?", "answer": f"#### {n + len(split)}"} for n in range(8)]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(autouse=True)
def _data_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT, str(root))


def score_of(name: str, items: int = 3, **how: Any) -> tuple[Measured, Knowing]:
    lm = Knowing(how.pop("gold", GOLD[name]), **how)
    return scored([name], items, lambda _: lm)[name], lm


@pytest.mark.parametrize("name", STANDARD)
def test_who_knows_the_answers_scores_one_and_who_does_not_zero(name: str) -> None:
    knows, lm = score_of(name)
    assert knows.value == 1.0
    assert score_of(name, right=False)[0].value == 0.0
    assert 0 < knows.items <= 6
    assert knows.version
    expected = {f"mmlu_{subject}" for subject in SUBJECTS} if name == "mmlu" else {name}
    assert {request.task_name for request in lm.asked} == expected


def test_prompts_are_those_of_lm_eval() -> None:
    """Five examples and the question, as text: no chat template, no instruction of ours."""
    measured, lm = score_of("gsm8k")
    prompt = lm.asked[0].args[0]
    assert measured.fewshot == 5
    assert prompt.startswith("Question: ")
    assert prompt.endswith("\nAnswer:")
    assert prompt.count("Question: ") == 6
    assert len({request.doc["question"] for request in lm.asked}) == measured.items


def test_mbpp_is_its_published_test_split() -> None:
    """The one published file has the examples shown, the training rows and the validation rows as well."""
    ids = [row["task_id"] for row in local_rows("mbpp")["test"]]
    assert min(ids) == 11
    assert max(ids) <= 510
    _, lm = score_of("mbpp")
    assert lm.asked[0].doc["task_id"] == 11


HOSTILE = "import os\nopen(PATH, 'w').write('out')\nos._exit(0)"


def test_code_is_judged_in_the_jail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that writes a file, and leaves as if all were well, scores 0; nothing is written, nothing fetched."""

    def fetched(*_: Any, **__: Any) -> Any:
        raise AssertionError("the hub's script")

    monkeypatch.setattr(evaluate, "load", fetched)
    path = tmp_path / "out"
    assert score_of("mbpp", gold=lambda _: HOSTILE.replace("PATH", repr(str(path))))[0].value == 0.0
    assert score_of("mbpp")[0].value == 1.0
    assert not path.exists()
    assert evaluate.load is fetched


def test_the_hub_s_script_is_back_after_an_error() -> None:
    before = evaluate.load
    with pytest.raises(UserError, match="none of lm-eval's tasks"), judged_in_jail():
        check_names([str(evaluate.load is not before)])
    assert evaluate.load is before


def suite_of(checkpoint: Path, *names: str, items: int = 4, **changes: Any) -> Suite:
    small = load_suite("smoke-v1")
    evaluation = small.evaluation.model_copy(update={"items": items})
    update = {"model": str(checkpoint), "standard": names, "evaluation": evaluation, **changes}
    return small.model_copy(update=update)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_and_the_generators_stay_as_they_were(tiny_checkpoint: Path) -> None:
    suite = suite_of(tiny_checkpoint, "arc_challenge", "mbpp", items=2)
    model, tokenizer = load_model(suite)
    model.train()
    model.model.layers[0].eval()
    random.seed(9), np.random.seed(9), torch.manual_seed(9)  # noqa: NPY002 - lm-eval seeds it

    def state() -> list[Any]:
        return [
            random.getstate(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002
            torch.get_rng_state().tolist(),
            [module.training for module in model.modules()],
            model.generation_config.to_dict(),
            (tokenizer.padding_side, tokenizer.pad_token_id, tokenizer.chat_template),
            [float(parameter.detach().sum()) for parameter in model.parameters()],
        ]

    before, own = state(), model.generation_config
    first = standard(model, tokenizer, suite)
    assert state() == before
    assert model.generation_config is own
    assert {name: one.items for name, one in first.items()} == {"arc_challenge": 2, "mbpp": 2}
    weighed = suite.model_copy(update={"standard": ("arc_challenge",)})
    assert standard(model, tokenizer, weighed)["arc_challenge"] == first["arc_challenge"], "whatever is scored beside"


def test_without_data_and_network_it_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub

    def unreachable(*_: Any, **__: Any) -> Any:
        raise ConnectionError("nobody answers")

    monkeypatch.delenv(ROOT)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", unreachable)
    for name in ("HF_DATASETS_CACHE", "HF_MODULES_CACHE"):
        monkeypatch.setattr(datasets.config, name, str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))

    def offline() -> tuple[bool, bool]:
        return huggingface_hub.constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE

    before = offline()
    began = time.monotonic()
    with pytest.raises(UserError, match=r"gsm8k cannot be had from the hub: .* data_root=DIR .* DIR/gsm8k"):
        score_of("gsm8k")
    assert time.monotonic() - began < 10
    assert offline() == before


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT, str(tmp_path))
    load.cache_clear()
    for name in ("gsm8k", "mmlu"):
        with pytest.raises(UserError, match=rf"{name}.*{tmp_path}"):
            check_ready(suite_of(Path("nano"), name))


def test_a_subject_that_lm_eval_does_not_know_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT, str(HAND_WRITTEN))
    with pytest.raises(UserError, match="lm-eval has no subject arithmetic, music"):
        score_of("mmlu")


def test_an_unknown_name_is_refused_with_all_known() -> None:
    with pytest.raises(UserError, match=r"standard=gsm8 is none .* Did you mean 'gsm8k'\? .*minerva_math500, mmlu\."):
        check_names(["arc_easy", "gsm8"])


def test_a_model_is_not_scored_on_what_it_was_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The single file boolq.jsonl is a part of the rows that lm-eval scores; with the published files all is well."""
    monkeypatch.setenv(ROOT, str(tmp_path))
    folder = tmp_path / "boolq"
    folder.mkdir()
    rows = (HAND_WRITTEN / "boolq" / "dev.jsonl").read_text()
    (folder / "boolq.jsonl").write_text(rows)
    trained = suite_of(Path("nano"), "boolq", tasks=("boolq", "lookup"))
    with pytest.raises(UserError, match=r"standard=boolq scores the published validation rows.* train\.jsonl"):
        check_ready(trained)
    check_ready(suite_of(Path("nano"), "boolq"))
    for name in ("train", "dev"):
        (folder / f"{name}.jsonl").write_text((HAND_WRITTEN / "boolq" / f"{name}.jsonl").read_text())
    check_ready(trained)
    assert len(local_rows("boolq")["validation"]) == len(rows.splitlines())


def test_scores_of_the_base_model_are_kept_by_key_tasks_and_rows(tmp_path: Path, root: Path, monkeypatch: Any) -> None:
    calls = []

    def measure() -> dict[str, Measured]:
        calls.append(1)
        return {"arc_easy": Measured(value=0.25, items=4, fewshot=0, version="1.0")}

    suite, cache = suite_of(Path("nano"), "arc_easy"), tmp_path / "cache"
    first = [base_standard(measure, suite, {"model": "a"}, cache) for _ in range(3)]
    assert first == [measure()] * 3
    assert len(calls) == 2, "once for the three, once for the comparison"
    base_standard(measure, suite, {"model": "b"}, cache)
    assert len(calls) == 3
    base_standard(measure, suite_of(Path("nano"), "arc_challenge"), {"model": "a"}, cache)
    assert len(calls) == 4
    (tmp_path / "arc_easy").mkdir()
    for split in ("train", "test"):
        (tmp_path / "arc_easy" / f"{split}.json").write_text((root / "arc_challenge" / f"{split}.json").read_text())
    monkeypatch.setenv(ROOT, str(tmp_path))
    base_standard(measure, suite, {"model": "a"}, cache)
    assert len(calls) == 5, "other rows"
    for path in cache.iterdir():
        path.write_text(path.read_text().replace("0.25", "0.75"))
    assert base_standard(measure, suite, {"model": "a"}, cache)["arc_easy"].value == 0.25
    assert len(calls) == 6, "a changed file is not believed"
    assert base_standard(measure, suite_of(Path("nano")), {}, cache) == {}


def test_digest_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows_digest(["arc_easy"]) != rows_digest(["arc_challenge"])
    assert len(rows_digest(["mmlu", "boolq"])) == 64
    monkeypatch.delenv(ROOT)
    assert rows_digest(["arc_easy"]) == "hub"


def test_a_record_has_the_scores(make_record: Any) -> None:
    before = {"gsm8k": Measured(value=0.25, items=4, fewshot=5, version="3.0")}
    after: Mapping[str, Measured] = {"gsm8k": before["gsm8k"].model_copy(update={"value": 0.5})}
    (one,) = make_record(standard=as_records(before, after)).standard
    assert (one.task, one.metric, one.before, one.after) == ("gsm8k", "exact_match,strict-match", 0.25, 0.5)
    assert as_records(before, None)[0].after is None
