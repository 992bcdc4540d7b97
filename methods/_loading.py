"""From a card to the class: importing a method's file, in this folder or elsewhere."""

import hashlib
import importlib
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from bench.errors import FAULTS, UserError, line_of
from methods._cards import MethodCard, broken

if TYPE_CHECKING:
    from methods._base import Method

FOLDER = Path(__file__).parent
ELSEWHERE = "_method_"
"""Begins the name of a module whose file lies in another folder."""
OURS = {"numpy", "scipy", "torch", "torchjd"}
"""Packages that this project installs."""


def class_of(card: MethodCard) -> "type[Method]":
    """The class of a card; torch is imported here. UserError names the file, the line and the problem."""
    try:
        family = getattr(_module_of(card.path), card.class_name)
    except FAULTS as error:
        absent = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
        if absent in OURS:
            extras = "run `pip install -e '.[train,peers]'`"
            raise UserError(f"method {card.name!r} needs the package {absent!r}: {extras}.") from error
        raise _refused(card.path, error) from error
    return _variant_of(family, card.name, card.variant) if card.variant else family


def loaded() -> list[str]:
    """Names of the modules of methods that this process has imported, so that their code may have run in it."""
    parts = [(name, name.rpartition(".")) for name in sorted(sys.modules)]
    return [
        name
        for name, (package, _, own) in parts
        if name.startswith(ELSEWHERE) or (package == FOLDER.name and not own.startswith("_"))
    ]


def _refused(path: Path, error: BaseException) -> UserError:
    line = line_of(error, path)
    return broken(path, f"{f'line {line}, ' if line else ''}{type(error).__name__}: {error}")


def _module_of(path: Path) -> ModuleType:
    if path.parent == FOLDER:
        return importlib.import_module(f"{FOLDER.name}.{path.stem}")
    return _from_elsewhere(path, path.read_text("utf-8"))


@cache
def _from_elsewhere(path: Path, source: str) -> ModuleType:
    """The module of a file that is in no package, under a private name: the file's path and text decide it."""
    digest = hashlib.sha256(f"{path} {source}".encode()).hexdigest()
    name = f"{ELSEWHERE}{path.stem}_{digest[:8]}"

    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # pydantic looks annotations up there
    try:
        exec(compile(source, str(path), "exec"), vars(module))  # noqa: S102 - a file that the user names
    except FAULTS:
        del sys.modules[name]
        raise

    return module


@cache
def _variant_of(family: "type[Method]", name: str, variant: str) -> "type[Method]":
    return type(family.__name__, (family,), {"name": name, "variant": variant, "__module__": family.__module__})
