"""What a method's code may name: every way around the harness that was tried is refused, and no honest method is."""

from pathlib import Path

import pytest

from bench.contributing.templates import TEMPLATES, method_text
from bench.validation.allowed import refusals
from methods._registry import cards

HEAD = """import math
import torch
from torch import Tensor
from methods import Gramian, GramianWeighting, Settings, Signals, setting


"""
BODY = """class Mine(GramianWeighting):
    name = "mine"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
"""

ESCAPES = {
    # each is one statement of the method's hook, or lines before its class; the word that the reason must hold
    "patches the optimizer": ("from torch.optim import AdamW\nAdamW.step = None", "torch.optim"),
    "patches through torch": ("torch.optim.AdamW.step = None", "torch.optim"),
    "patches a tensor": ("Tensor.add_ = None", "changes Tensor.add_"),
    "patches the signals": ("Signals.gaps = None", "changes Signals.gaps"),
    "patches the class of what it is given": ("        type(signals).gaps = None", "changes"),
    "asks for the class of what it is given": ("        return type(gramian)(gramian.matrix)", "type"),
    "imports the harness": ("from bench.engine.ledger import RunningLedger", "bench.engine"),
    "imports a task": ("import tasks", "imports tasks"),
    "walks the heap": ("import gc", "imports gc"),
    "steps the optimizer twice": (
        "        import gc\n        [each.step() for each in gc.get_objects() if hasattr(each, 'step')]",
        "imports gc",
    ),
    "replaces the verifier": ("from tasks._formulas import symbolic\nsymbolic.equal = None", "tasks._formulas"),
    "writes into the ledger": ("        self.run.ledger.wall_seconds = 0.5", "changes self.run.ledger.wall_seconds"),
    "plants a file": ("from pathlib import Path\nPath('results/x.json').write_text('')", "imports from pathlib"),
    "asks the interpreter": ("import sys", "imports sys"),
    "imports in a hook": ("        import os", "imports os"),
    "imports by name": ("        __import__('os').remove('x')", "__import__"),
    "executes its docstring": ("exec(__doc__)", "exec"),
    "evaluates a text": ("        return eval('gramian')", "eval"),
    "compiles": ("        compile('1', '', 'exec')", "compile"),
    "opens a file": ("        open('results/x.json', 'w')", "open"),
    "reads its module": ("        globals()['x'] = 1", "globals"),
    "reads its names": ("        vars(signals)", "vars"),
    "gets by text": ("        getattr(signals, 'step')", "getattr"),
    "sets by text": ("        setattr(signals, 'step', 1)", "setattr"),
    "climbs from a value": ("        ().__class__.__base__.__subclasses__()", "__subclasses__"),
    "reads a function's module": ("        self.observe.__globals__", "__globals__"),
    "reads the caller": ("        (x for x in ()).gi_frame.f_back.f_locals", "f_back"),
    "reads a traceback": ("        ValueError().with_traceback(None).tb_frame", "tb_frame"),
    "hooks a tensor": ("        gramian.matrix.register_hook(print)", "register_hook"),
    "reads beyond a row": ("        gramian.matrix.as_strided((99,), (1,), 7)", "as_strided"),
    "reads the memory": ("        gramian.matrix.untyped_storage()", "untyped_storage"),
    "loads a pickle": ("        torch.load('x')", "torch.load"),
    "reaches modules through torch": ("        torch.os.system('x')", "torch.os"),
    "reaches modules through a submodule": ("        torch.linalg.torch.save(1, 'x')", "torch.linalg.torch"),
    "hands a module on": ("        return [torch][0].load('x')", "hands the module torch on"),
    "names a module again": ("t = torch", "hands the module torch on"),
    "formats its way in": ("        '{0.__class__}'.format(signals)", "format"),
    "matches by attribute": (
        "        match signals:\n            case object(__class__=kind):\n                return kind",
        "class pattern",
    ),
    "hides code in an annotation": ("x: \"__import__('os').system('x')\" = 1", "__import__"),
    "takes a module from the contract": ("from methods._signals import torch as t", "methods._signals"),
    "takes a module from a helper": ("from methods._weights import torch as t", "methods._weights"),
    "takes the registry": ("from methods._registry import find", "_registry.py"),
    "makes a class of classes": ("class Meta(Settings, metaclass=None):\n    pass", "metaclass"),
    "acts when it is forgotten": ("class Trap:\n    def __del__(self):\n        pass", "__del__"),
    "gives self to another": ("        self = signals", "gives the name self"),
    "prints": ("        print(signals)", "print"),
    "stops the process": ("        raise SystemExit(0)", "SystemExit"),
    "imports everything": ("from math import *", "imports * from math"),
    "imports beside itself": ("from . import _registry", "imports from ."),
    "clears the cache of a function": ("from functools import cache", "cache"),
}


def written(folder: Path, text: str) -> Path:
    inside = text.startswith("        ")
    source = HEAD + ("" if inside else f"{text}\n\n\n") + BODY + (f"{text}\n" if inside else "")
    path = folder / "mine.py"
    path.write_text(f"{source}        return gramian.norms\n")
    return path


@pytest.mark.parametrize("name", ESCAPES)
def test_a_way_around_the_harness_is_refused_in_words(tmp_path: Path, name: str):
    text, word = ESCAPES[name]
    found = refusals(written(tmp_path, text))
    assert any(word in str(refusal) for refusal in found), found


def test_the_method_without_any_is_fine(tmp_path: Path):
    assert refusals(written(tmp_path, "        norms = gramian.norms")) == []


def test_a_helper_is_held_to_the_same(tmp_path: Path):
    (tmp_path / "_mine.py").write_text("import os\n\n\ndef remove():\n    os.remove('x')\n")
    found = refusals(written(tmp_path, "from methods._mine import remove"))
    assert [refusal.file for refusal in found] == ["_mine.py"]


def test_a_changed_adapter_of_a_peer_is_held_to_the_list(tmp_path: Path):
    written(tmp_path, "import os").rename(tmp_path / "torchjd.py")
    assert refusals(tmp_path / "torchjd.py") != []


def test_code_nested_without_end_is_refused(tmp_path: Path):
    assert refusals(written(tmp_path, f"        {'self.' + '.'.join('a' * 3000)} = 1")) != []


@pytest.mark.parametrize("path", sorted({card.path for card in cards().values()}), ids=lambda path: path.stem)
def test_no_method_of_today_is_refused(path: Path):
    assert refusals(path) == []


@pytest.mark.parametrize("kind", TEMPLATES)
def test_no_template_is_refused(tmp_path: Path, kind: str):
    path = tmp_path / "fresh.py"
    path.write_text(method_text("fresh", kind))
    assert refusals(path) == []
