"""A run that was interrupted ends as one that was not: bit for bit, after any of its saves."""

import gc
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from safetensors import safe_open

from bench.errors import UserError
from bench.records.claims import claim
from bench.records.rules import problems_in
from bench.records.schema import Record
from bench.records.store import record_files
from bench.request.request import parse_request
from bench.run.prepare import prepare
from bench.run.story import Finished, run
from bench.training.checkpoint.file import read, write_part
from bench.training.checkpoint.keeper import FOLDER, VARIABLE, Checkpoints
from methods._registry import cards

SMOKE = ("suite=smoke-v1", "evaluation.items=8", "recipe.prompts_per_task=2", "recipe.rollouts_per_prompt=2")
SCHEDULE = ("recipe.schedule=linear", "recipe.warmup_steps=2")


@pytest.fixture(autouse=True, scope="module")
def libraries_are_no_garbage() -> None:
    """The trainer collects garbage at every beginning; the libraries' objects make that half of an attempt's time."""
    gc.freeze()


class Killed(BaseException):
    """Where a process would end."""


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.steps: list[int] = []

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def step(self, step: int, total: int, rewards: dict[str, float]) -> None:
        self.steps.append(step)


def train(store: Path, *words: str, watcher: Silent | None = None) -> Finished:
    finished = run(parse_request([*SMOKE, *words, f"store={store}"]), watcher or Silent())
    assert finished is not None
    return finished


@pytest.fixture
def undisturbed(tmp_path, monkeypatch) -> Callable[..., Record]:
    """The record of a run that saves nothing."""

    def undisturbed(*words: str) -> Record:
        monkeypatch.setenv(VARIABLE, "never")
        record = train(tmp_path / "undisturbed", *words).record
        monkeypatch.setenv(VARIABLE, "0")
        return record

    return undisturbed


@pytest.fixture
def killed_after(monkeypatch) -> Callable[[int], None]:
    """Let every attempt at a run end after so many saves; 0: never."""
    write = Checkpoints._write

    def killed_after(saves: int) -> None:
        made: dict[Checkpoints, int] = {}

        def write_and_die(self: Checkpoints) -> None:
            before = self._serial
            write(self)
            made[self] = made.get(self, 0) + self._serial - before
            if made[self] == saves:
                raise Killed

        monkeypatch.setattr(Checkpoints, "_write", write_and_die)

    return killed_after


def finish(store: Path, *words: str, watcher: Silent | None = None) -> tuple[Record, int]:
    """Repeat the command until the run is done, and count how often it was killed."""
    for kills in range(200):
        try:
            return train(store, *words, watcher=watcher).record, kills
        except Killed:
            assert list(record_files(store)) == []
    raise AssertionError("the run comes to no end")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


SFT = ("regime=sft", "recipe.validation_rows=32")
CASES = [
    ("method=uniform", "recipe.steps=5", *SCHEDULE),
    ("method=mt_grpo_sampler", "recipe.steps=4"),  # shares, whose rounding is carried
    ("method=famo", "recipe.steps=3", "wrapper=f_mtl"),  # dataclasses; a twin with state
    ("method=torchjd/GradVac", "recipe.steps=3", "wrapper=sparse_training", "recipe.weight_decay=0.5"),
    ("method=famo", "recipe.steps=3", *SFT, *SCHEDULE),
    ("method=cgpo", "recipe.steps=1"),  # its callback remembers parameters
    ("method=order_matters", "recipe.steps=4", "method.probe=2", "recipe.warmup_steps=1"),
    ("method=single_task", "recipe.steps=2", *SFT),
]
LONGER = [
    ("method=rlw", "recipe.steps=4"),  # draws from its generator
    ("method=moco", "recipe.steps=3"),  # a tensor of [K, P]
    ("method=uniform", "recipe.steps=3", "wrapper=samo"),  # a wrapper's generator
    ("method=uniform", "recipe.steps=3", "lora.r=2", "lora.dropout=0.5", *SFT),
    ("method=forkmerge", "recipe.steps=12", "method.rounds=1", "method.grid=1"),
]


def ends_alike(store: Path, words: tuple[str, ...], expected: Record) -> int:
    """Repeat a command until the run is done; how often it was killed before."""
    record, kills = finish(store, *words)
    assert record.outcome_digest == expected.outcome_digest
    assert record.curves == expected.curves
    assert record.model == expected.model
    (path,) = files(store)
    assert problems_in(path) == []
    return kills


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_was_not(tmp_path, undisturbed, killed_after, words):
    expected = undisturbed(*words)
    killed_after(2)
    assert ends_alike(tmp_path / "killed", words, expected) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("words", [*CASES, *LONGER], ids=" ".join)
def test_whichever_save_it_is_killed_after(tmp_path, undisturbed, killed_after, words):
    expected = undisturbed(*words)
    killed_after(1)
    assert ends_alike(tmp_path / "killed", words, expected) >= expected.ledger.steps


@pytest.mark.slow
@pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)
def test_every_method_goes_on(tmp_path, undisturbed, killed_after, card):
    """All but one peer, whose state is a program of its solver's: it is saved when training is over."""
    wrapper = "StepWrapper" in card.acts_on
    words = ("method=famo", f"wrapper={card.name}") if wrapper else (f"method={card.name}",)
    words = (*words, "recipe.steps=3")
    try:
        expected = undisturbed(*words)
    except UserError as missing:
        if card.variant and "to be installed" in str(missing):
            pytest.skip(str(missing))
        raise
    killed_after(1)
    kills = ends_alike(tmp_path / "killed", words, expected)
    assert kills >= (1 if card.name == "torchjd/NashMTL" else 3)


def test_a_user_sees_where_it_goes_on(tmp_path, monkeypatch, killed_after):
    words = ("method=uniform", "recipe.steps=4")
    monkeypatch.setenv(VARIABLE, "0")
    killed_after(2)
    watcher = Silent()
    with pytest.raises(Killed):
        train(tmp_path, *words, watcher=watcher)
    assert watcher.steps == [1, 2]
    again = Silent()
    killed_after(0)
    train(tmp_path, *words, watcher=again)
    assert "continuing at step 3 of 4" in again.phases
    assert again.steps == [3, 4]


def test_what_is_trained_is_not_trained_again(tmp_path, monkeypatch):
    """Killed in evaluation, and with a disk that takes no record: the same command ends without a step."""
    monkeypatch.setenv(VARIABLE, "0")
    words = ("method=uniform", "recipe.steps=2")

    def full(path: Path, text: str) -> None:
        raise UserError("No space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr("bench.run.story.write", full)
        with pytest.raises(UserError, match="No space"):
            train(tmp_path, *words)
    again = Silent()
    with monkeypatch.context() as patch:
        patch.setattr("bench.evaluation.rewards.evaluate", None)  # its scores are known, too
        assert train(tmp_path, *words, watcher=again).fresh
    assert again.steps == []
    assert "continuing after training" in again.phases


def test_time_and_memory_count_over_all_attempts(tmp_path, monkeypatch, killed_after):
    monkeypatch.setenv(VARIABLE, "0")
    killed_after(2)
    words = ("method=uniform", "recipe.steps=4", "budget.wall_seconds=3600")
    with pytest.raises(Killed):
        train(tmp_path, *words)
    (saved,) = files(tmp_path / FOLDER)
    key = json.loads(safe_open(saved, "pt").metadata()["key"])
    held = read(saved, key)
    held["training"]["ledger"] |= {"wall_seconds": 3599.0, "peak_memory_bytes": 1 << 50}
    held["standing"]["started"] = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    write_part(tmp_path / "part" / "file", key, held)
    os.replace(tmp_path / "part" / "file", saved)
    killed_after(0)
    record = train(tmp_path, *words).record
    assert 3599 < record.ledger.wall_seconds < 3660
    assert record.ledger.peak_memory_bytes == 1 << 50
    assert 7200 <= record.provenance.total_seconds < 7300


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_not_used(tmp_path, undisturbed, killed_after, capsys):
    words = ("method=uniform", "recipe.steps=3")
    expected = undisturbed(*words)
    killed_after(2)
    with pytest.raises(Killed):
        train(tmp_path, *words)
    (saved,) = files(tmp_path / FOLDER)
    damaged = bytearray(saved.read_bytes())
    damaged[-1] ^= 1
    saved.write_bytes(damaged)
    killed_after(0)
    again = Silent()
    record = train(tmp_path, *words, watcher=again).record
    assert "it is damaged: the run starts afresh" in capsys.readouterr().err
    assert again.steps == [1, 2, 3]
    assert record.outcome_digest == expected.outcome_digest
    assert files(tmp_path / FOLDER) == []


def test_only_one_process_runs_a_run(tmp_path):
    words = ("method=uniform", "recipe.steps=1")
    request = parse_request([*SMOKE, *words, f"store={tmp_path}"])
    with claim(prepare(request).path, request.store) as ours:
        assert ours
        with pytest.raises(UserError, match="is being run by another process; wait for it, or pass store=DIR"):
            run(request, Silent())


def test_a_run_is_not_saved_where_that_cannot_be(tmp_path, monkeypatch, capsys):
    """It goes on, and says so once. A file lies where the folder would be."""
    monkeypatch.setenv(VARIABLE, "0")
    (tmp_path / FOLDER).write_text("")
    assert train(tmp_path, "method=uniform", "recipe.steps=3").record.status == "done"
    assert capsys.readouterr().err.count("No checkpoint could be written") == 1


def test_a_short_run_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(Checkpoints, "_write", lambda self: pytest.fail("it was saved"))
    train(tmp_path, "method=uniform", "recipe.steps=2")
