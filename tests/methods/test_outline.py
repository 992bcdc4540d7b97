"""What is read of a method without importing it is what its class says once it is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from methods._outline import outline
from methods._registry import cards, find, load
from methods._settings import settings_of

every_method = pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)


@every_method
def test_the_outline_is_those_of_the_class(card):
    found, kind = outline(card), load(card.name)
    assert found.Settings.model_json_schema() == kind.Settings.model_json_schema()
    assert found.Settings().model_dump() == kind.Settings().model_dump()
    assert found.needs_weights == getattr(kind, "needs_weights", False)
    assert found.name == kind.name


def test_all_methods_are_outlined_without_torch():
    """In a fresh interpreter: a run's address must not wait for it."""
    code = (
        "import sys; from methods._registry import cards; from methods._outline import outline\n"
        "found = [outline(card).Settings() for card in cards().values()]; print(len(found), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(cards())), "False"]


HEAVY = '''"""Heavy: its settings need the whole file.

Source     a test
Differs    nothing
Costs      nothing
"""

import torch
from methods import LossWeighting, Settings, setting

LIMIT = float(torch.tensor(2.0))


class HeavySettings(Settings):
    power: float = setting(1.0, low=0.0, high=LIMIT, doc="a power")


class Heavy(LossWeighting):
    name = "heavy_settings"
    version = 1
    Settings = HeavySettings

    def weights(self, signals):
        raise AssertionError
'''


def test_settings_that_need_the_whole_file_import_it(tmp_path: Path):
    path = tmp_path / "heavy_settings.py"
    path.write_text(HEAVY)
    found = outline(find(str(path)))
    assert settings_of(found, {"power": "2"}, ["a"]).model_dump() == {"power": 2.0}
