"""All methods, found by reading the folder: a new file is a new method, nothing else to edit.

Listing only parses the sources, so that it is instant and needs no torch; `load` imports one method.
`freeze`, which is `bench freeze`, enters new methods and versions in tests/golden/: the digest of their source, and
their answers on the golden trajectories. `not_frozen`, which is `bench freeze --check`, says what it would enter.
"""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError, unknown
from methods._cards import MethodCard, broken, read_cards
from methods._digests import source_digest
from methods._loading import FOLDER, class_of, loaded
from methods._outline import outline
from methods._settings import in_blind_order, settings_of

if TYPE_CHECKING:
    from methods._base import Method

__all__ = [
    "MethodCard",
    "cards",
    "class_of",
    "find",
    "freeze",
    "in_blind_order",
    "load",
    "loaded",
    "not_frozen",
    "outline",
    "settings_of",
    "source_digest",
]

GOLDEN = FOLDER.parent / "tests" / "golden"
SOURCES = "method_sources.json"
TRAJECTORIES = "trajectories.json"
Entries = dict[str, dict[str, Any]]


def cards(folder: Path = FOLDER) -> dict[str, MethodCard]:
    """The card of every method by name, sorted. Public modules of `folder` are methods, one each, or families.

    Raises UserError, naming the file and the rule, for a malformed card, a file without exactly one method
    class, or a second method of the same name.
    """
    found: dict[str, MethodCard] = {}
    for path in sorted(folder.glob("*.py")):
        for card in read_cards(path) if not path.name.startswith("_") else ():
            if card.name in found:
                raise broken(path, f"the name {card.name!r} is taken by {found[card.name].path.name}")
            found[card.name] = card
    return dict(sorted(found.items()))


def find(spec: str) -> MethodCard:
    """The card of one method: by name, as `torchjd/UPGrad`, or by the path of its file, which ends in .py.

    Raises UserError with suggestions for an unknown name, and for a file that is not there, is malformed, or has
    the name of another method.
    """
    known = cards()
    if not spec.endswith(".py"):
        if spec not in known:
            raise unknown("method", spec, known, "bench methods")
        return known[spec]

    path = Path(spec).expanduser().resolve()
    if not path.is_file():
        raise UserError(f"there is no file {spec}. `bench new method NAME --dir DIR` writes one to begin with.")

    found = read_cards(path)
    if found[0].variant:
        raise UserError(f"{spec} holds {len(found)} methods; say which by name, like {found[0].name}.")

    (card,) = found
    for name, owner in known.items():
        if card.name == name.partition("/")[0] and owner.path != path:
            holder = f"{owner.path.parent.name}/{owner.path.name}"
            raise UserError(f"{spec}: the name {card.name} belongs to {holder}; give yours another.")
    return card


def load(spec: str) -> "type[Method]":
    """The class of a method, by what `find` takes; torch is imported here.

    Raises UserError as `find` does, for a package that is not installed, and, with the line, for a file that
    cannot be imported.
    """
    return class_of(find(spec))


def freeze(
    golden: Path = GOLDEN, folder: Path = FOLDER, names: Collection[str] = (), rewritten: bool = False
) -> list[str]:
    """Enter every new method, and every raised version, in the JSON files of the folder `golden`; return their names.

    names: only these methods; all if empty. rewritten: also enter code that changed under its version, if its golden
    trajectories did not; the digest before it stays in the entry, because records carry it. Raises UserError, and
    writes nothing, for any other method that changed under its version, or that breaks on the golden trajectories.
    """
    from methods._battery import Fault, trajectories  # torch

    known = cards(folder)
    for name in names:
        if name not in known:
            raise unknown("method", name, known, "bench methods")
    chosen = [known[name] for name in names or known]
    sources, answers = entries(golden / SOURCES), entries(golden / TRAJECTORIES)

    for card in chosen:
        if not card.variant:  # a library's answers are its own, and are not recorded
            try:
                _enter(answers, card, {"answers": trajectories.recorded(card)}, trajectories.difference)
            except Fault as fault:
                why = f"it has no golden trajectory: {fault}; see `bench check {card.name}`"
                raise broken(card.path, why) from None

        digest = source_digest(card.path)
        if rewritten and not card.variant:
            _rewrite(sources, card, digest)
        _enter(sources, card, {"digest": digest}, lambda old, new: "" if old == new else "it")

    before = entries(golden / SOURCES)
    (golden / SOURCES).write_text(json.dumps(dict(sorted(sources.items())), indent=2) + "\n", "utf-8")
    (golden / TRAJECTORIES).write_text(lines_of(answers), "utf-8")
    return [card.name for card in chosen if sources[card.name] != before.get(card.name)]


def not_frozen(golden: Path = GOLDEN, folder: Path = FOLDER) -> list[str]:
    """What `freeze` has still to enter, and what it would refuse for its source; a line each."""
    known = {file: entries(golden / file) for file in (SOURCES, TRAJECTORIES)}
    found = []

    for name, card in cards(folder).items():
        files = [SOURCES] if card.variant else [SOURCES, TRAJECTORIES]
        frozen = {file: known[file].get(name, {"version": 0}) for file in files}
        missing = [file for file in files if frozen[file]["version"] != card.version]
        if missing:
            found.append(f"{name}: version {card.version} is not in {', nor in '.join(missing)}")
        elif frozen[SOURCES]["digest"] != source_digest(card.path):
            found.append(f"{name}: its source changed under version {card.version}; raise the version")
    return found


def entries(file: Path) -> Entries:
    """What is frozen, by name of method."""
    frozen: Entries = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return frozen


def lines_of(frozen: Entries) -> str:
    """JSON with one line a method."""
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(frozen.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _enter(frozen: Entries, card: MethodCard, fresh: dict[str, Any], difference: Callable[..., str]) -> None:
    """Enter a method's version; UserError if it is frozen and what it says differs."""
    ((key, value),) = fresh.items()
    old = frozen.get(card.name, {"version": 0})
    if card.version > old["version"]:
        frozen[card.name] = {"version": card.version, key: value, **_earlier(old)}
        return
    different = "it" if card.version < old["version"] else difference(old[key], value)
    if different:
        raise broken(card.path, f"{different} differs from version {old['version']} as frozen; raise its version")


def _rewrite(sources: Entries, card: MethodCard, digest: str) -> None:
    """Give the version that is frozen the digest of code whose answers are the same, and keep the one it had."""
    old = sources.get(card.name, {"version": 0})
    if old["version"] == card.version and old["digest"] != digest:
        sources[card.name] = {"version": card.version, "digest": digest, **_earlier(old)}


def _earlier(old: dict[str, Any]) -> dict[str, Any]:
    """What a new entry keeps of the one before it: the digests of each version, which records carry."""
    if "digest" not in old:
        return {}
    earlier = {version: list(digests) for version, digests in old.get("earlier", {}).items()}
    earlier.setdefault(str(old["version"]), []).append(old["digest"])
    return {"earlier": earlier}
