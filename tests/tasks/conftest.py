"""Where the rows of data tasks come from in tests: real copies where there are some, rows written by hand elsewhere."""

import os
from pathlib import Path

import pytest

from tasks._data import ROOT

HAND_WRITTEN = Path(__file__).parent / "data"
REAL = Path(os.environ.get("BALANCEBENCH_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="session")
def hand_written() -> Path:
    """A data_root with a few rows for every data task, in the published form of its files."""
    return HAND_WRITTEN


@pytest.fixture(scope="session")
def real_data() -> Path:
    """A data_root with real copies of some data sets; the folder may not exist."""
    return REAL


@pytest.fixture(scope="session")
def some_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data_root that has every data task: its real copy, or the hand-written rows."""
    root = tmp_path_factory.mktemp("data")
    for folder in HAND_WRITTEN.iterdir():
        real = REAL / folder.name
        (root / folder.name).symlink_to(real if real.is_dir() else folder)
    return root


@pytest.fixture(autouse=True)
def _data_root(some_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of tasks find data, and never ask the hub."""
    monkeypatch.setenv(ROOT, str(some_data))
