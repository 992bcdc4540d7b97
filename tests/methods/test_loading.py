"""From a name or a path to a class: methods of the tree, families of other libraries, files from anywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from methods import LossWeighting
from methods._loading import FOLDER
from methods._registry import cards, class_of, find, load, settings_of
from methods.static import Static

MakeFolder = Callable[..., Path]


def test_load_gives_the_class() -> None:
    assert load("static") is Static
    assert load(str(FOLDER / "static.py")) is Static


def test_an_unknown_method_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no method 'sttic'. Did you mean 'static'.*\? `bench methods` lists all"):
        load("sttic")


def test_a_missing_package_is_answered_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {absent!r}", name=absent)

    monkeypatch.setattr("importlib.import_module", missing)
    absent = "torch"
    with pytest.raises(UserError, match=r"needs the package 'torch': run `pip install -e '\.\[train,peers\]'`"):
        load("static")
    absent = "methods._bas"
    with pytest.raises(UserError, match=r"methods/static\.py: ModuleNotFoundError: No module named 'methods\._bas'"):
        load("static")


def family(source: str, names: str = '("One", "Two")') -> str:
    """The file with a class that has variants."""
    lines = f"= 1\n    variants = {names}\n    variant = 'One'\n"
    return source.replace("= 1\n", lines)


def test_a_family_has_a_card_a_variant(folder: MakeFolder, halving: str) -> None:
    found = cards(folder(halving=family(halving)))
    assert {name: card.variant for name, card in found.items()} == {"halving/One": "One", "halving/Two": "Two"}
    two = class_of(found["halving/Two"])
    assert (two.name, two.variant, two.version, two.__name__) == ("halving/Two", "Two", 1, "Halving")
    assert class_of(found["halving/Two"]) is two
    assert issubclass(two, LossWeighting)


def test_a_peer_is_loaded_by_name() -> None:
    peer = load("torchjd/UPGrad")
    assert (peer.name, peer.variant, peer.__name__) == ("torchjd/UPGrad", "UPGrad", "TorchJD")
    with pytest.raises(UserError, match="no method 'torchjd'"):
        find("torchjd")
    with pytest.raises(UserError, match=r"holds \d+ methods; say which by name, like torchjd/"):
        find(str(FOLDER / "torchjd.py"))


@pytest.mark.parametrize("names", ['("One", "two words")', "(1, 2)", '"One"'])
def test_malformed_variants_are_refused(names: str, folder: MakeFolder, halving: str) -> None:
    with pytest.raises(UserError, match="needs `variants"):
        cards(folder(halving=family(halving, names)))


def test_a_file_from_anywhere_is_a_method(folder: MakeFolder, halving: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths start at the current directory; a changed file is another module; nothing is left beside it."""
    where = folder(halving=halving)
    assert find(str(where / "halving.py")).name == "halving"
    monkeypatch.chdir(where)
    method = load("halving.py")
    assert method.name == "halving"
    assert load("./halving.py") is method
    assert settings_of(method, {"part": "0.25"}, ["a", "b"]).model_dump() == {"part": 0.25}
    folder(halving=halving.replace("0.5, low", "0.75, low"))
    assert load("halving.py").Settings().part == 0.75
    assert not (where / "__pycache__").exists()


UNLOADABLE = {
    # what is replaced in a file that works, by what, and what is said of it
    "name of another": (
        '"halving"',
        '"pcgrad"',
        "halving.py: the name pcgrad belongs to methods/pcgrad.py; give yours",
    ),
    "name of a library": ('"halving"', '"torchjd"', "the name torchjd belongs to methods/torchjd.py"),
    "syntax": ("return signals.shares", "return (", "halving.py: line 19 is not Python: '(' was never closed"),
    "missing name": ("setting(0.5", "seting(0.5", "halving.py: line 11, NameError: name 'seting' is not defined"),
    "missing package": ("from torch", "from torhc", "halving.py: line 7, ModuleNotFoundError: No module named 'torhc'"),
    "missing module": ("from methods", "from methods._bas", "halving.py: line 8, ModuleNotFoundError: No module named"),
    "wrong import": ("Signals, setting", "Sigals, setting", "halving.py: line 8, ImportError: cannot import name"),
    "exception": (
        "    version",
        "    rest = 1 / 0\n    version",
        "halving.py: line 15, ZeroDivisionError: division by",
    ),
    "exit": ("    version", "    rest = exit()\n    version", "halving.py: line 15, SystemExit"),
    "no class": ("(LossWeighting)", "", "halving.py: one public class must derive from"),
    "no card": ("Source ", "Sauce ", "must begin with Source"),
}


@pytest.mark.parametrize(("old", "new", "said"), UNLOADABLE.values(), ids=UNLOADABLE)
def test_a_file_that_cannot_be_loaded_is_named_with_line_and_problem(
    old: str, new: str, said: str, folder: MakeFolder, halving: str
) -> None:
    with pytest.raises(UserError) as caught:
        load(str(folder(halving=halving.replace(old, new)) / "halving.py"))
    assert said in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file nowhere/mine\.py\. `bench new method"):
        find("nowhere/mine.py")
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"binary\.py: it is not UTF-8 text"):
        find(str(tmp_path / "binary.py"))
