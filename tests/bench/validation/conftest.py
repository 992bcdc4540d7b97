"""A store of real records that may be forged, and the verdict on it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.records.rules import Problem
from bench.records.schema import Record
from bench.records.store import identity_of, outcome_digest, to_text
from bench.request.request import RESULTS
from bench.validation.checkout import Checkout
from bench.validation.verdict import validate

SUITE = "nano-v1"
HONEST = ("mt_grpo", "pcgrad")
TARGET = "nano-v1/pcgrad/0.json"


@pytest.fixture
def honest() -> tuple[str, ...]:
    """Methods whose records are in the store."""
    return HONEST


@pytest.fixture
def results(tmp_path: Path, honest: tuple[str, ...]) -> Path:
    """Methods of five seeds each as they are committed, in no repository."""
    store = tmp_path / "results"
    for name in honest:
        shutil.copytree(RESULTS / SUITE / name, store / SUITE / name)
    return store


class Forger:
    """Edits records of a store, with or without the digests that go with them."""

    def __init__(self, store: Path) -> None:
        self.store = store

    def path(self, name: str = TARGET) -> Path:
        return self.store / name

    def load(self, name: str = TARGET) -> Any:
        return json.loads(self.path(name).read_text())

    def save(self, data: Any, name: str = TARGET, digests: bool = True) -> None:
        """Write a record in canonical text; digests: recomputed, as a forger does who has read the code."""
        if digests:
            data["identity"] = identity_of(data)
            data["outcome_digest"] = outcome_digest(data)
        record = Record.model_validate(data)
        lines = to_text(record)
        if not data["curves"].get("intended_share"):
            lines = shortened(lines)
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(lines)

    def edit(self, change: Callable[[Any], Any], name: str = TARGET, digests: bool = True) -> None:
        data = self.load(name)
        change(data)
        self.save(data, name, digests)


def shortened(text: str) -> str:
    """Without the optional parts that early records do not name."""
    for name in ("intended_share", "gradient_cosine", "move_cosine"):
        text = text.replace(f'"{name}":[],', "")
    return text.replace(',"wrapper":null}', "}")


@pytest.fixture
def forger(results: Path) -> Forger:
    return Forger(results)


@pytest.fixture(scope="session")
def checkout() -> Checkout:
    """Suites and methods of this checkout, read once."""
    return Checkout()


@pytest.fixture
def verdict(results: Path, checkout: Checkout) -> Callable[..., list[Problem]]:
    """Problems of a level in the store, by the suites and methods of this checkout."""

    def problems(level: str = "error", **given: Any) -> list[Problem]:
        return validate(results, **{"checkout": checkout, **given}).of(level)

    return problems
