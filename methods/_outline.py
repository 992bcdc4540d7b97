"""What a run's address needs of a method, read without importing its file, and so without torch.

A settings class is made of `setting(...)` lines, which need nothing heavy: its own lines, and those they name, are
executed alone. Where one of them needs more, the whole file is imported instead.
"""

import ast
import builtins
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bench.errors import FAULTS
from methods._cards import MethodCard
from methods._loading import class_of
from methods._settings import Settings, setting

PROVIDED = {"Settings": Settings, "setting": setting}
"""Names of the contract that a settings class is written with."""


@dataclass(frozen=True)
class Outline:
    """What is known of a method before it is imported."""

    name: str
    Settings: type[Settings]
    needs_weights: bool
    """Whether it is a wrapper that changes weights, and so cannot act around a method that returns a direction."""
    imported: bool = False
    """Whether its settings could only be read by importing its file here."""


def outline(card: MethodCard) -> Outline:
    """The outline of a method. UserError as `class_of` where its file must be imported and cannot be."""
    stat = card.path.stat()
    kind, needs_weights = _read(card.path, card.class_name, stat.st_mtime_ns, stat.st_size)
    if kind is None:
        method = class_of(card)
        return Outline(card.name, method.Settings, bool(getattr(method, "needs_weights", False)), True)
    return Outline(card.name, kind, needs_weights)


@lru_cache(maxsize=1024)
def _read(path: Path, class_name: str, changed: int, size: int) -> tuple[type[Settings] | None, bool]:
    """The settings class, None where it needs the whole file, and `needs_weights`; once, unless the file changes."""
    tree = ast.parse(path.read_text("utf-8"))
    top = {name: node for node in tree.body for name in _bound(node)}
    values = dict(_assigned(class_name, top))

    chosen, flag = values.get("Settings"), values.get("needs_weights")
    needs_weights = isinstance(flag, ast.Constant) and flag.value is True
    if chosen is None:
        return Settings, needs_weights
    return (_executed(chosen.id, top, path) if isinstance(chosen, ast.Name) else None), needs_weights


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement of a module binds."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _assigned(class_name: str, top: dict[str, ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Names and values in a class's body, after those of its bases in the same file."""
    node = top.get(class_name)
    if not isinstance(node, ast.ClassDef):
        return
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id != class_name:
            yield from _assigned(base.id, top)

    for line in node.body:
        value = getattr(line, "value", None)
        if isinstance(value, ast.expr):
            yield from ((name, value) for name in _bound(line))


def _executed(name: str, top: dict[str, ast.stmt], path: Path) -> type[Settings] | None:
    """The class of that name, from its own lines and those they need; None where these need more than is light."""
    lines: dict[str, ast.stmt] = {}
    wanted = [name]
    while wanted:
        each = wanted.pop()
        if each in lines or each in PROVIDED or hasattr(builtins, each):
            continue
        if each not in top or not _light(top[each]):
            return None
        lines[each] = top[each]
        wanted += _free(top[each])

    body = sorted(set(lines.values()), key=lambda node: node.lineno)
    names = {"__name__": f"methods.{path.stem}", **PROVIDED}
    try:
        exec(compile(ast.Module(body, []), str(path), "exec"), names)  # noqa: S102 - a file that the user names
    except FAULTS:
        return None  # the import of the whole file says what is wrong, and where
    found = names.get(name)
    return found if isinstance(found, type) and issubclass(found, Settings) else None


def _free(node: ast.stmt) -> set[str]:
    """The names that a statement reads and does not bind itself, as an argument or a field."""
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    read = {name.id for name in names if isinstance(name.ctx, ast.Load)}
    arguments = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return read - arguments - {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _light(node: ast.stmt) -> bool:
    """Whether a statement may be executed alone: anything but an import beyond Python's own and pydantic."""
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        modules = [node.module or ""]
    else:
        return True
    return all(module.partition(".")[0] in {*sys.stdlib_module_names, "pydantic"} for module in modules)
