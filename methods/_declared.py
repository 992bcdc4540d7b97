"""Settings of a method as its file declares them, read from the syntax tree: no method's code is run.

Only literals are understood, which is how all settings are written. What a class checks by code of its own, such as
that one weight is positive, is not checked here.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

KNOWN = ("low", "high", "per_task", "search", "log")
"""Words of `setting` that are read."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One setting. kind: the annotation's text; choices: of a Literal; low, high: inclusive bounds.

    search: the range that tuning draws from, on a logarithmic scale if `log`; None: tuning leaves it as it is.
    """

    kind: str
    default: Any
    low: float | None = None
    high: float | None = None
    per_task: bool = False
    choices: tuple[Any, ...] = ()
    search: tuple[float, float] | None = None
    log: bool = False

    def fault(self, value: Any, tasks: int) -> str:
        """What is wrong with a recorded value, '' if nothing is. tasks: of the suite."""
        if self.per_task or self.kind.startswith("tuple"):
            return self._list_fault(value, tasks)
        if self.choices:
            return "" if value in self.choices else f"is {value!r}, not one of {', '.join(map(repr, self.choices))}"
        if self.kind in ("float", "int", "bool", "str") and type(value).__name__ != self.kind:
            return f"is {value!r}, not of type {self.kind}"
        return self._bounds_fault(value)

    def _list_fault(self, value: Any, tasks: int) -> str:
        if not isinstance(value, list) or not all(type(entry) is float for entry in value):
            return f"is {value!r}, not a list of numbers"
        if self.per_task and len(value) not in ((tasks,) if self.default else (tasks, 0)):
            return f"has {len(value)} entries for {tasks} tasks"
        return next(filter(None, map(self._bounds_fault, value)), "")

    def _bounds_fault(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return ""
        low, high = self.low, self.high
        fits = (low is None or value >= low) and (high is None or value <= high)
        return "" if fits else f"is {value!r}, allowed is {low} to {high}"


@dataclass(frozen=True, slots=True)
class Source:
    """What a method's file declares. settings: None if they are not all literals."""

    settings: Mapping[str, Declared] | None
    weighs_tokens: bool
    """Whether it has token weights of its own, and with them a normaliser."""


@cache
def source_of(path: Path, class_name: str) -> Source:
    """What a method's file declares."""
    tree = ast.parse(path.read_text("utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    method = list(_with_bases(class_name, classes))
    weighs = any(
        isinstance(line, ast.FunctionDef) and line.name == "token_weights" for node in method for line in node.body
    )

    named = next((line for node in method for line in node.body if _target(line) == "Settings"), None)
    if named is None:
        return Source({}, weighs)
    holder = named.name if isinstance(named, ast.ClassDef) else getattr(getattr(named, "value", None), "id", "")
    if isinstance(named, ast.ClassDef):
        classes[holder] = named

    try:
        nodes = reversed(list(_with_bases(holder, classes)))
        return Source({name: found for node in nodes for name, found in _fields(node)}, weighs)
    except ValueError:
        return Source(None, weighs)


@cache
def needs_of(path: Path) -> frozenset[str]:
    """What a method's class declares as its `needs`; hook classes declare no extra passes."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Assign | ast.AnnAssign) and _target(node) == "needs" and node.value:
            return frozenset(str(one.value) for one in ast.walk(node.value) if isinstance(one, ast.Constant))
    return frozenset()


def defaults(settings: Mapping[str, Declared]) -> dict[str, Any]:
    """The JSON form of the default settings."""
    return {
        name: list(one.default) if isinstance(one.default, tuple) else one.default for name, one in settings.items()
    }


def _with_bases(name: str, classes: Mapping[str, ast.ClassDef], seen: Sequence[str] = ()) -> Iterator[ast.ClassDef]:
    """A class of the file and those of its bases that are in the file."""
    if name in classes and name not in seen:
        yield classes[name]
        for base in classes[name].bases:
            yield from _with_bases(getattr(base, "id", ""), classes, [*seen, name])


def _target(line: ast.stmt) -> str:
    if isinstance(line, ast.ClassDef):
        return line.name
    target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
    return target.id if isinstance(target, ast.Name) else ""


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, Declared]]:
    """Settings fields of a class body. ValueError for one that is no literal."""
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id, _declared(line.annotation, line.value)


def _declared(annotation: ast.expr, value: ast.expr | None) -> Declared:
    if not isinstance(value, ast.Call) or len(value.args) != 1:
        raise ValueError("not a call of `setting`")
    words = {word.arg: word.value for word in value.keywords if word.arg in KNOWN}
    known = {name: ast.literal_eval(node) for name, node in words.items()}

    kind = ast.unparse(annotation)
    choices: tuple[Any, ...] = ()
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).endswith("Literal"):
        inside = ast.literal_eval(annotation.slice)
        choices = inside if isinstance(inside, tuple) else (inside,)

    return Declared(kind, ast.literal_eval(value.args[0]), choices=choices, **known)
