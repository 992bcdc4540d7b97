"""Signals for tests of methods, from a matrix of task gradients; and files of methods for tests of the registry."""

from collections.abc import Callable
from pathlib import Path

import pytest

from methods import Signals
from methods._battery import inputs

HALVING = '''"""Halving: each task gets a part.

Source     a paper, equation 3
Differs    nothing
Costs      none
"""
from torch import Tensor
from methods import LossWeighting, Settings, Signals, setting

class HalvingSettings(Settings):
    part: float = setting(0.5, low=0.0, high=1.0, doc="part")

class Halving(LossWeighting):
    name = "halving"
    version = 1
    Settings = HalvingSettings

    def weights(self, signals: Signals) -> Tensor:
        return signals.shares
'''


@pytest.fixture
def signals_of() -> Callable[..., Signals]:
    """signals_of(gradients, step=0): signals of a step with these task gradients, [K, P]."""
    return inputs.signals_of


@pytest.fixture
def halving() -> str:
    """The file of a method that works."""
    return HALVING


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes method files: folder(halving=source, ...) -> their folder."""

    def write(**sources: str) -> Path:
        for stem, source in sources.items():
            (tmp_path / f"{stem}.py").write_text(source)
        return tmp_path

    return write
