"""Builders that tests of several parts share."""

import gc
import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench.records.schema import Record
from bench.records.store import identity_of, outcome_digest, record_path, to_text, write

MakeRecord = Callable[..., Record]
Save = Callable[..., Path]
ITEMS = 40
STEPS = 8
POINTS = 4


def pytest_collection_finish() -> None:
    """Keeps what the test modules import out of garbage collection: each run collects, at half a second a time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def make_record() -> MakeRecord:
    """Builds a valid record: make_record(tasks=3, method=..., seed=..., suite=..., gains=[...], **fields).

    gains: gain of each task in whole items of 40; use: changes to the method's entry. Further keywords
    replace top-level fields; a dictionary replaces only the keys it names. The outcome digest is computed
    last unless it is given.
    """
    return build_record


@pytest.fixture
def save() -> Save:
    """Writes a record where it belongs: save(root, record, folder=None) -> path; folder: the method's."""

    def save(root: Path, record: Record, folder: str | None = None) -> Path:
        path = record_path(root, record.suite.name, folder or record.method.name, record.seed)
        write(path, to_text(record))
        return path

    return save


def build_record(
    tasks: int = 3,
    method: str = "uniform",
    seed: int = 0,
    suite: str = "nano-v1",
    gains: Sequence[int] | None = None,
    use: dict[str, Any] | None = None,
    **fields: Any,
) -> Record:
    gains = gains or [4 + (seed + task) % 3 for task in range(tasks)]
    data: dict[str, Any] = {
        "protocol": 1,
        "identity": "0" * 64,
        "normaliser": "per-sequence mean",
        "suite": {"name": suite, "digest": sha(suite), "overrides": {}},
        "seed": seed,
        "method": {**method_use(method), **(use or {})},
        "model": {"name": "nano", "digest": sha("nano"), "parameters": 1070208, "final_digest": sha(method)},
        "status": "done",
        "reason": "",
        "tasks": [task_result(task, gain, tasks) for task, gain in enumerate(gains)],
        "ledger": ledger(tasks),
        "budget": {"steps": STEPS},
        "curves": curves(tasks),
        "provenance": provenance(),
        "outcome_digest": "0" * 64,
    }
    for name, value in fields.items():
        data[name] = {**data[name], **value} if isinstance(value, dict) else value
    if "identity" not in fields:
        data["identity"] = identity_of(Record.model_validate(data).model_dump(mode="json"))
    if "outcome_digest" not in fields:
        data["outcome_digest"] = outcome_digest(Record.model_validate(data).model_dump(mode="json"))
    return Record.model_validate(data)


def sha(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def method_use(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": 1,
        "acts_on": ["TaskSampling"],
        "settings": {},
        "source_digest": sha("source", name),
        "card": {
            "title": name.title(),
            "summary": "it balances",
            "source": "a paper",
            "differs": "nothing",
            "costs": "nothing",
        },
    }


def task_result(task: int, gain: int, tasks: int) -> dict[str, Any]:
    return {
        "name": f"task_{'abcdefgh'[task]}",
        "domain": ("math", "code", "qa")[task % 3],
        "revision": 1,
        "data_hash": sha("data", str(task)),
        "position": (task + 1) % tasks,
        "before": score(10),
        "after": score(10 + gain),
    }


def score(right: int) -> dict[str, Any]:
    """The first `right` of 40 items are right."""
    bits = "1" * right + "0" * (ITEMS - right)
    return {"mean": right / ITEMS, "items": f"{int(bits, 2):010x}", "count": ITEMS}


def ledger(tasks: int) -> dict[str, Any]:
    rollouts = STEPS * tasks * 8
    return {
        "steps": STEPS,
        "prompts": STEPS * tasks,
        "rollouts": rollouts,
        "sampled_tokens": 5 * rollouts,
        "trained_tokens": 5 * rollouts,
        "forward_passes": rollouts,
        "backward_passes": rollouts,
        "reward_calls": rollouts,
        "wall_seconds": 4.0,
        "peak_memory_bytes": 1 << 28,
    }


def curves(tasks: int) -> dict[str, Any]:
    """Squared norms 1, 2, 3, ... by task; inner products of neighbouring sign."""
    pairs = tasks * (tasks - 1) // 2
    each = {
        "squared_norm": [float(task + 1) for task in range(tasks)],
        "naive_squared_norm": [task + 1.5 for task in range(tasks)],
        "gramian": [0.5 * (-1) ** pair for pair in range(pairs)],
        "weights": [1 / tasks] * tasks,
        "reward": [0.25] * tasks,
        "mean_abs_advantage": [0.5] * tasks,
        "prompt_length": [12.0] * tasks,
        "reply_length": [5.0] * tasks,
        "silent": [0.1] * tasks,
        "task_share": [1 / tasks] * tasks,
        "update_norm": 0.8,
        "clipped": 0.0,
        "intended_share": [1 / tasks] * tasks,
        "gradient_cosine": 0.9,
        "move_cosine": 0.95,
        "plain_norm": 0.8,
    }
    steps = [STEPS // POINTS * (point + 1) for point in range(POINTS)]
    return {"steps": steps, **{name: [value] * POINTS for name, value in each.items()}}


def provenance() -> dict[str, Any]:
    return {
        "harness_version": "0.1.0",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
        "python": "3.11.0",
        "packages": {"numpy": "2.4.0", "torch": "2.13.0"},
        "platform": "Linux",
        "hardware": "a processor",
        "threads": 1,
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:01:00+00:00",
        "total_seconds": 60.0,
    }


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """tests/tiny.py, which makes checkpoints: tiny.write(folder, kind="llama", chat=False, ...)."""
    return module_beside("tiny")


@pytest.fixture(scope="session")
def families() -> ModuleType:
    """tests/tiny_families.py, which makes models of every family: families.tiny_model("gemma3_text")."""
    return module_beside("tiny_families")


@pytest.fixture(scope="session")
def tiny_gguf() -> ModuleType:
    """tests/tiny_gguf.py, which writes a tiny Llama as a GGUF file; it needs the package gguf."""
    return module_beside("tiny_gguf")


def module_beside(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen2 with random weights, a byte-level tokenizer and a chat template."""
    folder: Path = tiny.write(tmp_path_factory.mktemp("models") / "tiny")
    return folder
