"""A store of real records that may be forged, and the verdict on it."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.places import ROOT
from bench.records.rules import Problem
from bench.records.schema import Record
from bench.records.store import identity_of, outcome_digest, to_text
from bench.request.request import RESULTS
from bench.validation.checkout import Checkout
from bench.validation.verdict import validate

SUITE = "nano-v1"
HONEST = ("mt_grpo", "pcgrad")
TARGET = "nano-v1/pcgrad/0.json"


@pytest.fixture(autouse=True)
def _protocol_of_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published records that are copied and bent here are of the first protocol, and must pass as new ones."""
    monkeypatch.setattr("bench.validation.mixture.PROTOCOL", 1)


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


METHOD = "methods/pcgrad.py"
RECORD = "results/nano-v1/pcgrad/0.json"


def git(repository: Path, *words: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(repository), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one suite, two methods and their records, on its main branch."""
    root = tmp_path_factory.mktemp("published")
    golden = ("tests/golden/method_sources.json", "tests/golden/trajectories.json")
    for place in ("suites/nano-v1.yaml", METHOD, "methods/uniform.py", *golden):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, root / place)
    for name in ("pcgrad", "uniform"):
        shutil.copytree(RESULTS / "nano-v1" / name, root / "results/nano-v1" / name)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "published")
    return root


@pytest.fixture
def clone(published: Path, tmp_path: Path) -> Path:
    """A contributor's clone, on a branch."""
    git(tmp_path, "clone", "-q", str(published), "clone")
    git(tmp_path / "clone", "checkout", "-q", "-b", "mine")
    return tmp_path / "clone"


def errors(root: Path, against: str | None = None) -> list[Problem]:
    return validate(root / "results", against=against, checkout=Checkout(root)).of("error")
