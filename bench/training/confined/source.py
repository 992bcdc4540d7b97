"""What a confined process needs of a method: the texts of its file and of the helpers that it rests on."""

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from methods._cards import MethodCard
from methods._digests import CONTRACT, FOLDER

NUMBERS = frozenset({"TaskSampling", "SampleWeighting", "LossWeighting", "GramianWeighting"})
"""Hook classes that exchange numbers of size K or N only; the others need room for task gradients or models."""
INSTALLED = frozenset({"numpy", "pydantic", "torch", *sys.stdlib_module_names})
"""Packages that a confined process can load before it is locked in and opens no file any more."""
OURS = frozenset({"assets", "bench", "leaderboard", "methods", "tasks", "tests"})
"""Packages of this project. Of these it has the contract, what that rests on, and the texts that it is sent."""


@dataclass(frozen=True)
class Source:
    """A method's code as text. module: the name of its own; texts: by module; modules: that they import elsewhere."""

    module: str
    class_name: str
    file: str
    texts: dict[str, str]
    modules: list[str]


def source_of(card: MethodCard) -> Source | None:
    """A method's code, None where a confined process cannot run it: another library's, by what it imports."""
    if card.variant:
        return None

    text = card.path.read_text("utf-8")
    texts = {_module(card.path, text): text}
    outside = set[str]()
    waiting = sorted(_imported(text))
    while waiting:
        module = waiting.pop()
        if module.partition(".")[0] not in OURS:
            outside.add(module)
        elif module not in texts and (helper := _helper(module)):
            texts[module] = helper
            waiting += sorted(_imported(helper))

    if not all(module.partition(".")[0] in INSTALLED for module in outside):
        return None
    return Source(next(iter(texts)), card.class_name, card.path.name, texts, sorted(outside))


def _module(path: Path, text: str) -> str:
    """A file of the folder has its own name there; one from elsewhere has a private one, by its text."""
    if path.parent == FOLDER:
        return f"methods.{path.stem}"
    return f"_method_{path.stem}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _helper(module: str) -> str:
    """The text of a module of the folder, '' for any other, and for the contract, which is the harness's."""
    package, _, name = module.partition(".")
    file = FOLDER / f"{name}.py"
    known = package == "methods" and name.isidentifier() and name not in CONTRACT and file.is_file()
    return file.read_text("utf-8") if known else ""


def _imported(text: str) -> Iterator[str]:
    """The modules that a text imports, and names that may be modules of methods/."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
            if node.module == "methods":
                yield from (f"methods.{alias.name}" for alias in node.names)


class Texts(MetaPathFinder, Loader):
    """Imports modules from texts, in a process that can open no file."""

    def __init__(self, texts: Mapping[str, str], file: str, module: str) -> None:
        """file: what errors in `module` name."""
        self.texts = texts
        self.files = {name: f"{name}.py" for name in texts} | {module: file}

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module, if there is a text of it."""
        return ModuleSpec(fullname, self) if fullname in self.texts else None

    def create_module(self, spec: ModuleSpec) -> None:
        """None: as Python makes one."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute its text."""
        name = module.__name__
        code = compile(self.texts[name], self.files[name], "exec")
        exec(code, vars(module))  # noqa: S102 - what this process was made for
