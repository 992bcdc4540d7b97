"""What a method's file says of itself, read from its syntax tree: nothing is imported or run."""

import ast
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.errors import UserError

HOOKS = (
    "TaskSampling",
    "SampleWeighting",
    "LossWeighting",
    "GramianWeighting",
    "GradientCombination",
    "StepWrapper",
    "RunPlan",
)
"""The hook classes in the order of the step: `methods._base.HOOKS` by name, as that module needs torch."""
FIELDS = ("Source", "Differs", "Costs")
CLAIM = "Conflicts"
"""A fourth field, for methods that combine gradients: how often the update opposes a task."""
FORMULA = "Formula"
"""The last field, if a method has one: what it computes, as AsciiMath that `leaderboard/formulas.py` reads."""
KNOWN = (*FIELDS, CLAIM, FORMULA)
CLAIMANTS = {"GramianWeighting", "GradientCombination"}
HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Kinds of characters that no card has, by Unicode: controls, marks of direction, separators of lines."""
NEVER = "never"
INDEPENDENT = "never, of independent gradients"
RATE = re.compile(r"in (\d+(?:\.\d+)?) % of \S.*")


@dataclass(frozen=True, slots=True)
class MethodCard:
    """What a method's file says of it: module docstring, class header, `name` and `version`."""

    name: str
    version: int
    title: str
    summary: str
    """One sentence."""
    source: str
    differs: str
    """Every deviation from the source."""
    costs: str
    conflicts: str
    """`never`, `never, of independent gradients`, `in N % of ...`, or '' where the method does not say."""
    acts_on: tuple[str, ...]
    """Names of hook classes, in the order of the step."""
    class_name: str
    path: Path
    formula: str = ""
    """What it computes, in AsciiMath, `;` between lines; '' where the method does not say."""
    detail: str = ""
    """The free text after the fields."""
    variant: str = ""
    """The member of a family of methods in one file, as in torchjd/UPGrad; '' for a method that is a file."""


def read_cards(path: Path) -> list[MethodCard]:
    """The card in a method's file; one a variant if the class is a family, which names them in `variants`.

    Raises UserError, naming the file and the rule it breaks.
    """
    card, variants = _read(path)
    return [replace(card, name=f"{card.name}/{variant}", variant=variant) for variant in variants] or [card]


def _read(path: Path) -> tuple[MethodCard, tuple[str, ...]]:
    """A file's card, and the variants of its class."""
    stat = path.stat()
    return _parsed(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _parsed(path: Path, changed: int, size: int) -> tuple[MethodCard, tuple[str, ...]]:
    """The same; a file is parsed once, unless it changes."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise broken(path, "it is not UTF-8 text") from None
    except SyntaxError as error:
        raise broken(path, f"line {error.lineno} is not Python: {error.msg}") from None

    title, summary, fields, detail = _read_docstring(path, ast.get_docstring(tree) or "")
    method, acts_on = _method_class(path, tree)
    values = dict(_constants(method))

    name = values.get("name")
    version = values.get("version")
    if not (isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9_]*", name)):
        raise broken(path, f"class {method.name} needs `name`, text in lower case with underscores")
    if not (type(version) is int and version >= 1):
        raise broken(path, f"class {method.name} needs `version`, a whole number of at least 1")

    variants = values.get("variants", ())
    if not (isinstance(variants, tuple) and all(isinstance(each, str) and each.isidentifier() for each in variants)):
        raise broken(path, f"class {method.name} needs `variants`, a tuple of names as in Python")

    source, differs, costs = (fields[field] for field in FIELDS)
    claim = _claim(path, fields.get(CLAIM, ""), acts_on)
    said = (title, summary, source, differs, costs, claim)
    card = MethodCard(name, version, *said, acts_on, method.name, path, fields.get(FORMULA, ""), detail)
    return card, variants


def _read_docstring(path: Path, text: str) -> tuple[str, str, dict[str, str], str]:
    """Title, summary, fields, and the free text that may follow after a blank line."""
    # A terminal would obey a control character, and a page would turn its text around.
    hidden = next((sign for sign in text if sign != "\n" and unicodedata.category(sign) in HIDDEN), "")
    if hidden:
        raise broken(path, f"the docstring has the character U+{ord(hidden):04X}, which nobody can see; leave it out")

    head, body, *rest = [*re.split(r"\n\s*\n", text), ""]
    first = re.fullmatch(r"([^:]+): (.+\.)", " ".join(head.split()))
    if first is None:
        raise broken(path, "the docstring must begin with a line 'Title: sentence.'")

    fields: dict[str, str] = {}
    for line in body.splitlines():
        key = line.partition(" ")[0] or next(reversed(fields), "")  # an indented line continues a field
        if key not in KNOWN or (key in fields and line.startswith(key)):
            raise broken(path, f"{line!r} must begin with {', '.join(KNOWN)} (each once) or be indented")
        fields[key] = f"{fields.get(key, '')} {line.removeprefix(key).strip()}".strip()

    if missing := [field for field in FIELDS if not fields.get(field)]:
        raise broken(path, f"after a blank line, the docstring must also say {', '.join(missing)}")
    if list(fields) != [field for field in KNOWN if field in fields]:
        raise broken(path, f"the fields are in the order {', '.join(KNOWN)}")
    return first[1], first[2], fields, "\n\n".join(part for part in rest if part)


def _claim(path: Path, text: str, acts_on: tuple[str, ...]) -> str:
    """What a file says of conflicts, if it may and says it well."""
    if text and not CLAIMANTS & set(acts_on):
        raise broken(path, f"{CLAIM} is a field of {' and '.join(sorted(CLAIMANTS))} only; take it out")
    if text and text not in (NEVER, INDEPENDENT) and not RATE.fullmatch(text):
        allowed = f"{NEVER!r}, {INDEPENDENT!r} or 'in N % of ...'"
        raise broken(path, f"{CLAIM} says {allowed}, not {text!r}; `bench check` measures N")
    return text


def _method_class(path: Path, tree: ast.Module) -> tuple[ast.ClassDef, tuple[str, ...]]:
    """The one public class that derives from hook classes, and these.

    Hooks are looked up in this file only: a method that inherited from another method's file would change its
    answers with that file, and keep its version.
    """
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def hooks(node: ast.ClassDef) -> Iterator[str]:
        for base in node.bases:
            name = getattr(base, "id", getattr(base, "attr", ""))  # TaskSampling or _base.TaskSampling
            if name in HOOKS:
                yield name
            elif name in classes and name != node.name:
                yield from hooks(classes[name])

    acts_on = {name: set(hooks(node)) for name, node in classes.items() if not name.startswith("_")}
    methods = [name for name in acts_on if acts_on[name]]
    if len(methods) != 1:
        found = " and ".join(methods) or "none"
        raise broken(path, f"one public class must derive from {', '.join(HOOKS)} of _base.py; found {found}")
    return classes[methods[0]], tuple(hook for hook in HOOKS if hook in acts_on[methods[0]])


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    """Names and values of a class body's assignments of constants and of tuples of constants."""
    for line in node.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        value = getattr(line, "value", None)
        if isinstance(targets[0], ast.Name) and isinstance(value, ast.Constant):
            yield targets[0].id, value.value
        elif isinstance(targets[0], ast.Name) and isinstance(value, ast.Tuple):
            yield targets[0].id, tuple(getattr(item, "value", None) for item in value.elts)


def broken(path: Path, rule: str) -> UserError:
    """The error for a file of methods/ that breaks a rule."""
    return UserError(f"{path.parent.name}/{path.name}: {rule}.")
