"""A trained model that is kept: it loads, it scores what its record says, and nothing speaks too late against it."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from transformers import AutoModelForCausalLM

from bench.errors import UserError
from bench.models.base import parameters_digest
from bench.records.schema import Record
from bench.records.store import read
from bench.request.request import parse_request
from bench.run.prepare import prepare
from bench.run.scoring import scored
from bench.run.story import run
from bench.sweeps.words import parse

SHORT = ["suite=smoke-v1", "recipe.steps=1", "recipe.learning_rate=1e-3", "evaluation.items=16"]


class Silent:
    def phase(self, name: str) -> None: ...
    def step(self, *_: object) -> None: ...


def trained(folder: Path, *words: str) -> Record:
    request = parse_request([*words, *SHORT, f"store={folder / 'store'}", f"save_model={folder / 'kept'}"])
    done = run(request, Silent())
    assert done is not None
    assert done.fresh
    return read(done.path)


def after(record: Record) -> dict[str, str]:
    return {task.name: task.after.items for task in record.tasks if task.after}


def items(folder: Path, *words: str) -> dict[str, str]:
    found = scored(str(folder), parse_request(["method=uniform", *SHORT, *words]))
    return {name: score.items for name, score in found.items()}


def test_a_whole_model_loads_bit_by_bit_and_scores_what_its_record_says(tmp_path: Path) -> None:
    record = trained(tmp_path, "method=pcgrad")
    kept = tmp_path / "kept"
    assert parameters_digest(AutoModelForCausalLM.from_pretrained(kept)) == record.model.final_digest
    assert items(kept) == after(record)

    card = (kept / "README.md").read_text()
    assert f"identity {record.identity[:12]}" in card
    assert all(
        f"| {task.name} | {task.before.mean:.3f} | {task.after.mean:.3f} |" in card
        for task in record.tasks
        if task.after
    )

    # the same command shows the run again, and one that keeps it elsewhere says why it cannot
    words = ["method=pcgrad", *SHORT, f"store={tmp_path / 'store'}"]
    again = run(parse_request([*words, f"save_model={kept}"]), Silent())
    assert again is not None
    assert not again.fresh
    with pytest.raises(UserError, match="its model was not kept in"):
        run(parse_request([*words, f"save_model={tmp_path / 'late'}"]), Silent())


def test_an_adapter_scores_what_its_record_says(tmp_path: Path) -> None:
    record = trained(tmp_path, "method=uniform", "lora.r=2")
    assert (tmp_path / "kept" / "adapter_config.json").is_file()
    assert not (tmp_path / "kept" / "model.safetensors").exists()
    assert items(tmp_path / "kept") == after(record)
    assert "the adapter over its base" in (tmp_path / "kept" / "README.md").read_text()


def test_a_plan_with_a_model_a_task_gives_a_folder_a_task(tmp_path: Path) -> None:
    record = trained(tmp_path, "method=single_task", "tasks=arithmetic,lookup")
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["arithmetic", "lookup"]
    for name, expected in after(record).items():
        assert items(tmp_path / "kept" / name, f"tasks={name}")[name] == expected


def test_where_it_goes_is_no_part_of_the_identity(tmp_path: Path) -> None:
    plain = prepare(parse_request(["method=uniform", *SHORT]))
    assert prepare(parse_request(["method=uniform", *SHORT, f"save_model={tmp_path}"])).identity == plain.identity


def test_a_folder_that_holds_something_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(UserError, match="is there already and not empty"):
        run(parse_request(["method=uniform", *SHORT, f"store={tmp_path}", f"save_model={tmp_path}"]), Silent())


def test_a_full_disk_is_found_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    words = ["method=uniform", *SHORT, f"store={tmp_path / 'store'}", f"save_model={tmp_path / 'kept'}"]
    with pytest.raises(UserError, match="MiB are needed there, and 1 MiB are free"):
        run(parse_request(words), Silent())
    assert not list((tmp_path / "store").rglob("*.json"))


def test_it_is_for_one_run_in_one_process(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="shard=true divides it"):
        parse_request(["method=uniform", f"save_model={tmp_path}", "shard=true"])
    with pytest.raises(UserError, match="say it with `bench run`"):
        parse(["method=uniform", "seed=all", f"save_model={tmp_path}"])


def test_a_folder_without_a_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no checkpoint"):
        items(tmp_path)
