"""Methods in confined processes, made of a few lines."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Generator

from bench.training.confined.proxy import Host
from bench.training.confined.source import source_of
from methods import Method, RunInfo, Settings
from methods._cards import read_cards

FILE = '''"""Made up: it does what a test wants.

Source     a test
Differs    nothing
Costs      nothing
"""

import torch
from methods import LossWeighting
{imports}


class MadeUp(LossWeighting):
    name = "made_up"
    version = 1

    def combine_weights(self, signals):
{body}

    def weights(self, signals):
        raise AssertionError
'''
RUN = RunInfo(3, torch.ones(3, dtype=torch.float64), 8, 6, 30, 4)
Confine = Callable[..., Method]


@pytest.fixture
def confine(tmp_path: Path) -> Confine:
    """confine(body, imports="", patience=60.0): a started method whose `combine_weights` has this body."""

    def confine(body: str, imports: str = "", patience: float = 60.0) -> Method:
        path = tmp_path / "made_up.py"
        lines = "\n".join(f"        {line}" for line in body.strip("\n").splitlines())
        path.write_text(FILE.format(imports=imports, body=lines))
        (card,) = read_cards(path)
        source = source_of(card)
        assert source is not None
        return Host(card, source, patience).start(Settings(), Generator().manual_seed(0), RUN)

    return confine
