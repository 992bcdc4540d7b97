"""Which code a method is: a digest of its syntax tree and of every helper below methods/ that it rests on.

The contract (`_base`, `_settings`, `_signals`) is left out. It belongs to the harness, whose numerics the protocol
number names.
"""

import ast
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CONTRACT = frozenset({"_base", "_settings", "_signals"})
Reader = Callable[[str], str]
"""Gives the text of a helper by its module's name, '' if there is none."""


def source_digest(path: Path) -> str:
    """SHA-256 of a method's code, [0-9a-f]{64}.

    Blind to comments, layout, docstrings, `doc=` texts, `ClassVar` annotations and to where the contract is imported
    from. Equal on all supported Python versions, because empty fields, which differ between them, are left out.
    Helpers are read beside the file, or from this folder if the file is somewhere else.
    """

    def beside(helper: str) -> str:
        found = path.parent / f"{helper}.py"
        file = found if found.is_file() else FOLDER / f"{helper}.py"
        return file.read_text("utf-8") if file.is_file() else ""

    return digest_of(path.read_text("utf-8"), beside)


def digest_of(source: str, reader: Reader) -> str:
    """The digest of a method's text, whose helpers `reader` gives. SyntaxError if one of them is not Python."""
    parts = [_shape_of(source)]
    parts += [f"{helper}: {_shape_of(text)}" for helper, text in sorted(closure(source, reader).items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def closure(source: str, reader: Reader) -> dict[str, str]:
    """Texts of the helpers that a source imports, and of those that these import, by module's name."""
    found = dict[str, str]()
    waiting = list(helpers(source))

    while waiting:
        helper = waiting.pop()
        if helper in found:
            continue

        found[helper] = reader(helper)
        waiting += helpers(found[helper])
    return found


def helpers(source: str) -> Iterator[str]:
    """Private modules of methods/ that a source imports, the contract aside."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]

        for name in names:
            package, _, rest = name.partition(".")
            helper = rest.partition(".")[0]
            if package == "methods" and helper.startswith("_") and helper not in CONTRACT:
                yield helper


def _shape_of(source: str) -> str:
    """A file's syntax tree as text: names of the contract that it renames, sorted, then its statements."""
    tree = ast.parse(source)
    taken = [alias for node in tree.body for alias in _from_contract(node)]
    renamed = sorted(f"{alias.name} as {alias.asname}" for alias in taken if alias.asname)
    rest = [node for node in tree.body if not _from_contract(node) and not _is_annotation(node)]
    return f"{renamed}{_shape(rest)}"


def _from_contract(node: ast.stmt) -> list[ast.alias]:
    """Names that a statement imports from the contract, by either of its addresses."""
    homes = {"methods", *(f"methods.{module}" for module in CONTRACT)}
    if not isinstance(node, ast.ImportFrom) or node.module not in homes:
        return []
    return [alias for alias in node.names if not alias.name.startswith("_")]


def _is_annotation(node: ast.stmt) -> bool:
    """Whether a statement only brings in the word `ClassVar`."""
    return isinstance(node, ast.ImportFrom) and node.module == "typing" and not _without_class_var(node.names)


def _without_class_var(names: list[ast.alias]) -> list[ast.alias]:
    return [alias for alias in names if alias.name != "ClassVar"]


def _shape(node: Any) -> str:
    """A syntax tree as text, without docstrings (all bare strings), `doc=` texts and empty fields."""
    if isinstance(node, list):
        return f"[{','.join(_shape(item) for item in node if not _is_text(item))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.annotation).startswith("ClassVar"):
        return f"Assign(targets={_shape([node.target])},value={_shape(node.value)})"

    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.ImportFrom) and node.module == "typing":
        fields["names"] = _without_class_var(node.names)
    known = ((key, value) for key, value in fields.items() if value is not None and value != [])
    return f"{type(node).__name__}({','.join(f'{key}={_shape(value)}' for key, value in known)})"


def _is_text(node: Any) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == "doc"
    value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
