"""Does a method's code name only what a method needs? Read from the syntax tree; nothing of it is run.

A method answers with numbers. What it imports, calls and reads is held to the lists of `bench.validation.words`, so
that a reader need not search a contributed file for ways around the harness. The lists bind a file and all helpers
that it rests on. `bench check` and `bench validate` ask the same question.
"""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.places import ROOT
from bench.validation.words import BUILTINS, INSIDES, MODULES, SPECIAL
from methods._digests import CONTRACT, closure

HERE = ROOT / "methods"
PEERS = frozenset({"torchjd.py"})
"""Adapters of other libraries: they belong to the harness as they are, and are held to no list."""
OWN = ("self", "cls")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that a method's code may not name. file: its name below methods/."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


def refusals(path: Path) -> list[Refusal]:
    """What the code of a method, with its helpers, may not name; helpers are read beside the file, or else here."""

    def reader(helper: str) -> str:
        file = next((each for each in (path.parent, HERE) if (each / f"{helper}.py").is_file()), None)
        return (file / f"{helper}.py").read_text("utf-8") if file else ""

    source = path.read_text("utf-8")
    if path.name in PEERS and source == _as_is(path.name):
        return []

    try:
        files = {path.name: source} | {f"{name}.py": text for name, text in closure(source, reader).items()}
        defined = {name.removesuffix(".py"): _defined(text) for name, text in files.items()}
        return [
            Refusal(name, line, reason)
            for name, text in files.items()
            for line, reason in sorted(dict.fromkeys(Reading(defined).of(text)))
        ]
    except (RecursionError, MemoryError, SyntaxError, ValueError):
        return [Refusal(path.name, 1, "it, or a helper of it, cannot be parsed")]


@cache
def _as_is(name: str) -> str:
    """A file of this harness."""
    return (HERE / name).read_text("utf-8") if (HERE / name).is_file() else ""


def _defined(source: str) -> set[str]:
    """Names that a file defines itself at its top, not those that it imports."""
    found = set[str]()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


@dataclass
class Reading:
    """One file being read. helpers: the names that each private module of methods/ defines."""

    helpers: dict[str, set[str]]
    modules: dict[str, str] = field(default_factory=dict)
    """Modules by the name under which the file has them."""

    def of(self, source: str) -> Iterator[tuple[int, str]]:
        """Lines and reasons, in any order."""
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from self._import(node)
        yield from self._inside(tree)

    def _inside(self, tree: ast.AST) -> Iterator[tuple[int, str]]:
        # A name is spoken for where it begins a chain of attributes, or is the `type` of `type(self)`.
        taken = set[int]()
        for node in ast.walk(tree):
            line = getattr(node, "lineno", 0)
            if isinstance(node, ast.Attribute):
                yield from ((line, said) for said in self._attribute(node, taken))
            elif isinstance(node, ast.Name) and id(node) not in taken:
                yield from ((line, said) for said in self._name(node))
            elif isinstance(node, ast.Call | ast.Subscript):
                taken |= _types(node)
            elif isinstance(node, ast.MatchClass):
                yield line, "a class pattern reads attributes by name; compare values instead"
            elif isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield from ((line, said) for said in self._definition(node))

            for text in _annotations(node):
                yield from ((line, said) for _, said in self._annotation(text))

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[int, str]]:
        """Imports of listed modules, listed names of them, and names that a helper defines."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name not in MODULES or alias.name == "methods":
                    yield node.lineno, f"imports {alias.name}; a method may import {', '.join(MODULES)}"
                elif alias.asname:
                    self.modules[alias.asname] = alias.name
                else:
                    self.modules[alias.name.partition(".")[0]] = alias.name.partition(".")[0]
            return

        module = node.module or ""
        if node.level or (module not in MODULES and not module.startswith("methods._")):
            yield node.lineno, f"imports from {'.' * node.level}{module}; a method may import {', '.join(MODULES)}"
            return
        for alias in node.names:
            if f"{module}.{alias.name}" in MODULES:
                self.modules[alias.asname or alias.name] = f"{module}.{alias.name}"
            elif alias.name not in self._offered(module):
                yield node.lineno, f"imports {alias.name} from {module}, which is no part of what methods may use"

    def _offered(self, module: str) -> frozenset[str] | set[str]:
        """Names that a module gives to methods. A helper gives what it defines, never what it imports."""
        helper = module.removeprefix("methods.")
        return MODULES["methods"] if helper in CONTRACT else MODULES.get(module) or self.helpers.get(helper, set())

    def _attribute(self, node: ast.Attribute, taken: set[int]) -> Iterator[str]:
        """Attributes of modules are listed ones; those of other values do not lead to their insides."""
        chain = _chain(node)
        if id(node) in taken:  # part of a chain that was read from its end
            return

        if chain and chain[0] in self.modules:
            taken |= {id(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)}
            if said := self._of_module(chain):
                yield said
        else:
            yield from _insides(node)
        if isinstance(node.ctx, ast.Store | ast.Del) and not (
            isinstance(node.value, ast.Name) and chain[:1] == ["self"]
        ):
            yield f"changes {ast.unparse(node)}; a method changes attributes of its own, self.NAME, alone"

    def _of_module(self, chain: list[str]) -> str:
        """What is wrong with `module.part.part`, '' if nothing is."""
        module = self.modules[chain[0]]
        for index, part in enumerate(chain[1:], start=1):
            if part in MODULES.get(module, ()):
                return next((f"reads {'.'.join(chain)}" for each in chain[index + 1 :] if _is_inside(each)), "")
            module = f"{module}.{part}"
            if not any(name == module or name.startswith(f"{module}.") for name in MODULES):
                return f"uses {module}, which is not on the list of what a method may use"
        return f"hands the module {module} on"

    def _name(self, node: ast.Name) -> Iterator[str]:
        """Built-in names are listed ones, and a module is only ever the beginning of a chain."""
        if node.id in self.modules:
            yield f"hands the module {self.modules[node.id]} on; name what is used of it"
        elif node.id.startswith("__"):
            yield f"names {node.id}"
        elif hasattr(builtins, node.id) and node.id not in BUILTINS and isinstance(node.ctx, ast.Load):
            yield f"names {node.id}, which a method does not need"
        elif node.id in OWN and not isinstance(node.ctx, ast.Load):
            yield f"gives the name {node.id} to something else"

    def _definition(self, node: ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
        """No special method but listed ones, and no class that makes classes."""
        if node.name.startswith("__") and node.name not in SPECIAL:
            yield f"defines {node.name}"
        if isinstance(node, ast.ClassDef) and any(each.arg in (None, "metaclass") for each in node.keywords):
            yield f"gives {node.name} a metaclass"
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args]
            if any(each.arg in OWN for each in [*arguments[1:], *node.args.kwonlyargs]):
                yield f"gives the name self or cls to something else in {node.name}"

    def _annotation(self, text: str) -> Iterator[tuple[int, str]]:
        """A text in place of a type, which pydantic evaluates: it is code as any other."""
        try:
            yield from self._inside(ast.parse(text, mode="eval"))
        except SyntaxError:
            yield 0, f"has {text!r} in place of a type"


def _types(node: ast.Call | ast.Subscript) -> set[int]:
    """`type` where it names a type, `type[Settings]`, or the class of the method itself, `type(self)`."""
    head = node.func if isinstance(node, ast.Call) else node.value
    if not (isinstance(head, ast.Name) and head.id == "type"):
        return set()
    own = isinstance(node, ast.Subscript) or [ast.unparse(each) for each in node.args] == ["self"]
    return {id(head)} if own and not (isinstance(node, ast.Call) and node.keywords) else set()


def _annotations(node: ast.AST) -> Iterator[str]:
    """Texts below the annotations of a node, but for those that are values of a `Literal`."""
    for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
        parts = list(ast.walk(annotation)) if isinstance(annotation, ast.AST) else []
        literal = [part for part in parts if isinstance(part, ast.Subscript) and _chain(part.value)[-1:] == ["Literal"]]
        values = {id(each) for part in literal for each in ast.walk(part.slice)}
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in values:
                yield part.value


def _chain(node: ast.expr) -> list[str]:
    """Names of `a.b.c`; [] for anything that does not begin with a name."""
    parts = list[str]()
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [*reversed([*parts, node.id])] if isinstance(node, ast.Name) else []


def _insides(node: ast.Attribute) -> Iterator[str]:
    own = isinstance(node.value, ast.Name) and node.value.id in OWN
    parent = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super"
    if node.attr in SPECIAL and parent:
        return
    if node.attr.startswith("__") or (node.attr.startswith("_") and not (own or parent)) or node.attr in INSIDES:
        yield f"reads {ast.unparse(node)[-60:]}: .{node.attr} leads to the insides of an object"


def _is_inside(name: str) -> bool:
    return name.startswith("_") or name in INSIDES
