"""The reference of the public modules: names, signatures and docstrings, read from their source without loading it."""

import ast
from collections.abc import Iterator, Sequence

from bench.places import ROOT
from leaderboard.catalogue import Module, Symbol

PUBLIC = {
    "bench.trainers": ("bench/trainers.py", "bench/training/trl/script_grpo.py", "bench/training/trl/script_sft.py"),
    "methods": ("methods/_base.py", "methods/_signals.py", "methods/_settings.py"),
    "tasks": ("tasks/_base.py", "tasks/_data.py"),
}
"""What people import, and its files; the first one says what it is."""
ONLY = {"bench.trainers": {"BalancedGRPOTrainer", "BalancedSFTTrainer"}}
"""Of these modules no other name is public, and no member of these classes."""

SHORT = 88
"""Characters of a signature that has a line of its own."""

Definition = ast.ClassDef | ast.FunctionDef


def reference() -> list[Module]:
    """The public modules, in alphabetical order."""
    return [_module(name, files) for name, files in PUBLIC.items()]


def _module(name: str, files: Sequence[str]) -> Module:
    trees = [ast.parse((ROOT / file).read_text("utf-8")) for file in files]
    only = ONLY.get(name)
    symbols = [
        _symbol(node, deep=only is None)
        for tree in trees
        for node in tree.body
        if isinstance(node, Definition) and (node.name in only if only else not node.name.startswith("_"))
    ]
    return Module(name, files, ast.get_docstring(trees[0]) or "", symbols)


def _symbol(node: Definition, deep: bool) -> Symbol:
    text = ast.get_docstring(node) or ""
    if isinstance(node, ast.FunctionDef):
        return Symbol(node.name, _signature(node), text)

    made = next((each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None)
    given = _signature(made, bound=True) if made else f"({', '.join(ast.unparse(base) for base in node.bases)})"
    members = list(_members(node)) if deep else []
    return Symbol(node.name, given, text, members, "class")


def _members(node: ast.ClassDef) -> Iterator[Symbol]:
    """Annotated attributes with the string below them, and public methods, in the order of the source."""
    for each, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id[0] != "_":
            value = f" = {ast.unparse(each.value)}" if each.value else ""
            yield Symbol(each.target.id, f": {ast.unparse(each.annotation)}{value}", _string(after), kind="attribute")
        elif isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
            yield Symbol(each.name, _signature(each, bound=True), ast.get_docstring(each) or "")


def _signature(node: ast.FunctionDef, bound: bool = False) -> str:
    """Parameters and result, on one line if that is short, else one parameter a line; bound: without `self`."""
    given = list(_parameters(node.args))[bound:]
    result = f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else ""
    line = f"({', '.join(given)}){result}"
    return line if len(line) <= SHORT else "(\n" + "".join(f"    {each},\n" for each in given) + f"){result}"


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    """Parameters in the order of the source, with `*` where those by name alone begin."""
    places = arguments.posonlyargs + arguments.args
    bare = len(places) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [*[None] * bare, *arguments.defaults]
    yield from map(_parameter, places, defaults)

    if arguments.vararg:
        yield f"*{_parameter(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    yield from map(_parameter, arguments.kwonlyargs, arguments.kw_defaults)
    if arguments.kwarg:
        yield f"**{_parameter(arguments.kwarg, None)}"


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    kind = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    value = (" = " if kind else "=") + ast.unparse(default) if default else ""
    return f"{argument.arg}{kind}{value}"


def _string(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""
