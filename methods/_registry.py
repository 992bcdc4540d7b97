"""All methods, found by reading the folder: a new file is a new method, nothing else to edit.

Listing only parses the sources, so that it is instant and needs no torch; `load` imports one method.
`python -m methods._registry --freeze` enters new methods and versions in tests/golden/method_sources.json.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError, unknown
from methods._cards import MethodCard, broken, read_card, source_digest
from methods._settings import in_blind_order, settings_of

if TYPE_CHECKING:
    from methods._base import Method

__all__ = ["MethodCard", "cards", "freeze", "in_blind_order", "load", "settings_of", "source_digest"]

FOLDER = Path(__file__).parent


def cards(folder: Path = FOLDER) -> dict[str, MethodCard]:
    """The card of every method by name, sorted. Public modules of `folder` are methods, one each.

    Raises UserError, naming the file and the rule, for a malformed card, a file without exactly one method
    class, or a second method of the same name.
    """
    found: dict[str, MethodCard] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith("_"):
            continue
        card = read_card(path)
        if card.name in found:
            raise broken(path, f"the name {card.name!r} is taken by {found[card.name].path.name}")
        found[card.name] = card
    return dict(sorted(found.items()))


def load(name: str) -> "type[Method]":
    """The class of the method of that name; torch is imported here.

    Raises UserError with suggestions for an unknown name, and with the command to run for a missing package.
    """
    known = cards()
    if name not in known:
        raise unknown("method", name, known, "bench methods")
    try:
        module = importlib.import_module(f"{FOLDER.name}.{known[name].path.stem}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in {"bench", FOLDER.name}:
            raise
        extras = "run `pip install -e '.[train,peers]'`"
        raise UserError(f"method {name!r} needs the package {error.name!r}: {extras}.") from error
    method: type[Method] = getattr(module, known[name].class_name)
    return method


def freeze(golden: Path, folder: Path = FOLDER) -> None:
    """Enter every new method, and every raised version, in the JSON file {name: {version, digest}}.

    Raises UserError, and writes nothing, for a method that changed under the version it has there.
    """
    frozen: dict[str, dict[str, Any]] = json.loads(golden.read_text("utf-8")) if golden.exists() else {}
    for name, card in cards(folder).items():
        entry = {"version": card.version, "digest": source_digest(card.path)}
        old = frozen.get(name, {"version": 0})
        if card.version <= old["version"] and entry != old:
            rule = f"it differs from version {old['version']} as frozen; raise its version"
            raise broken(card.path, rule)
        frozen[name] = entry
    golden.write_text(json.dumps(dict(sorted(frozen.items())), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--freeze"]:
        raise SystemExit("usage: python -m methods._registry --freeze")
    try:
        freeze(FOLDER.parent / "tests" / "golden" / "method_sources.json")
    except UserError as error:
        raise SystemExit(str(error)) from None
