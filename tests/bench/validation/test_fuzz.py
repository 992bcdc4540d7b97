"""A thousand broken records: no crash, and no changed figure is taken for a good one."""

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.cli.displays.verdicts import lines, verdict_json
from bench.records.store import identity_of, outcome_digest
from bench.request.request import RESULTS
from bench.validation.checkout import Checkout
from bench.validation.history import History
from bench.validation.verdict import Judge, Verdict

BASES = ("pcgrad/0", "mgs/1", "mt_grpo/2", "single_task/3", "dr_grpo/4", "static+0a09563d/0")
MUTATIONS = 1000
LOOSE = re.compile(
    r"ledger[.](wall_seconds|peak_memory_bytes)|provenance[.].*|method[.](card[.].*|wrapper)|normaliser"
    r"|model[.]parameters|curves[.](intended_share|gradient_cosine|move_cosine).*"
)
"""What no digest of a record binds: a change within what is plausible is seen by history alone."""
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, 10**400, 1e308, -1e308, 5e-324, 0.1, "", "0", "NaN", "\u202e", "\u0000",
    "é" * 50,    "../../etc/passwd", [], [[]], [None], {}, {"a": 1}, "f" * 64, "2126-01-01T00:00:00+00:00",
)  # fmt: skip


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its dotted path; empty lists and objects are leaves."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{index}")
    else:
        yield path, value


def somewhere(data: Any, rng: random.Random) -> tuple[Any, Any]:
    """A container and a key in it, by a walk down from the top."""
    holder, key = data, rng.choice(list(data))
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.85:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    return holder, key


def edit(data: Any, rng: random.Random) -> None:
    """Change, delete, insert, retype or double one value."""
    holder, key = somewhere(data, rng)
    match rng.randrange(6):
        case 0 | 1:
            holder[key] = nudged(holder[key], rng)
        case 2:
            del holder[key]
        case 3:
            holder[key] = rng.choice(STRANGE)
        case 4 if isinstance(holder, list):
            holder.insert(key, holder[key])
        case 4:
            holder[rng.choice(["luck", "", "mean", "__class__", "é"])] = rng.choice(STRANGE)
        case 5:
            other, place = somewhere(data, rng)
            holder[key], other[place] = other[place], holder[key]


def nudged(value: Any, rng: random.Random) -> Any:
    """A little more or less; one sign of a text is another."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float) and abs(value) < 1e100:
        return type(value)(value * rng.choice([0.5, 0.999, 1.001, 2, -1]) + rng.choice([0, 1, -1]))
    if isinstance(value, str) and value:
        place = rng.randrange(len(value))
        return value[:place] + rng.choice("0123456789abcdefgz +-") + value[place + 1 :]
    return rng.choice(STRANGE)


def damage(text: bytes, rng: random.Random) -> bytes:
    """Flip a bit, cut, double a line, insert or take out bytes."""
    place = rng.randrange(len(text))
    rows = text.splitlines(keepends=True)
    match rng.randrange(5):
        case 0:
            return text[:place] + bytes([text[place] ^ 1 << rng.randrange(8)]) + text[place + 1 :]
        case 1:
            return text[:place]
        case 2:
            row = rng.randrange(1, len(rows) - 1)
            return b"".join([*rows[: row + 1], *rows[row:]])
        case 3:
            return text[:place] + rng.choice([b" ", b"\n", b"0", b"\x00", b"\xff", b"9e9", b'"', b","]) + text[place:]
        case _:
            return text[:place] + text[place + rng.randrange(1, 9) :]


def spelled(data: Any) -> bytes:
    """As the harness spells records, whatever they hold."""
    rows = [
        f"{json.dumps(key)}: {json.dumps(data[key], sort_keys=True, separators=(',', ':'))}" for key in sorted(data)
    ]
    return ("{\n" + ",\n".join(rows) + "\n}\n").encode()


def mutated(honest: bytes, rng: random.Random) -> bytes:
    """One to three mutations of one kind; a forger may fit the digests to them."""
    if rng.random() < 0.3:
        return damage(honest, rng)
    data = json.loads(honest)
    for _ in range(rng.choice([1, 1, 2, 3])):
        if isinstance(data, dict) and data:
            edit(data, rng)
    return spelled(data)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of six methods, in a repository."""
    root = tmp_path_factory.mktemp("repository")
    for base in BASES:
        path = root / "results/nano-v1" / f"{base}.json"
        path.parent.mkdir(parents=True)
        shutil.copy(RESULTS / "nano-v1" / f"{base}.json", path)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "honest"]):
        subprocess.run(["git", "-C", str(root), *who, *words], check=True)
    return root / "results"


def judged(store: Path, path: Path, checkout: Checkout, history: History) -> Verdict:
    judge = Judge(store, checkout, history)
    found = [problem for problem in judge.everything([path], {path}) if problem.file == path]
    return Verdict(1, found)


def changed_figures(honest: bytes, text: bytes) -> set[str]:
    """Paths of what differs, but for what no digest binds."""
    old, new = (dict(leaves(json.loads(each))) for each in (honest, text))
    differing = {path for path in {*old, *new} if repr(old.get(path, "")) != repr(new.get(path, ""))}
    return {path for path in differing if not LOOSE.fullmatch(path)}


def test_no_changed_figure_is_accepted(store: Path, checkout: Checkout):
    history, outside, rng = History(store), History(Path("/")), random.Random(20260101)
    originals = {base: (store / "nano-v1" / f"{base}.json").read_bytes() for base in BASES}
    accepted, different = 0, 0
    for turn in range(MUTATIONS):
        base = BASES[turn % len(BASES)]
        path, honest = store / "nano-v1" / f"{base}.json", originals[base]
        text = mutated(honest, rng)
        if text == honest:
            continue
        different += 1
        path.write_bytes(text)
        committed = judged(store, path, checkout, history)
        assert not committed.good, "history has another record"
        json.dumps(verdict_json(committed))
        "\n".join(lines(committed)).encode()
        if all("append-only" in problem.reason for problem in committed.of("error")):
            accepted += 1
            assert judged(store, path, checkout, outside).good
            assert changed_figures(honest, text) == set()
        path.write_bytes(honest)
    assert different > 0.9 * MUTATIONS
    assert accepted < 0.1 * MUTATIONS


def test_a_forger_with_fitting_digests_breaks_nothing(store: Path, checkout: Checkout):
    """What is accepted cannot be known here; that nothing crashes, and most is seen, can."""
    history, rng, seen, turns = History(Path("/")), random.Random(3), 0, 200
    for turn in range(turns):
        path = store / "nano-v1" / f"{BASES[turn % len(BASES)]}.json"
        honest = path.read_bytes()
        data = json.loads(honest)
        edit(data, rng)
        try:
            data["identity"] = identity_of(data)
            data["outcome_digest"] = outcome_digest(data)
        except (AttributeError, KeyError, TypeError, ValueError):  # too broken to have digests
            pass
        path.write_bytes(spelled(data))
        seen += not judged(store, path, checkout, history).good
        path.write_bytes(honest)
    assert seen > 0.8 * turns


def test_the_honest_records_are_accepted(store: Path, checkout: Checkout):
    for base in BASES:
        assert judged(store, store / "nano-v1" / f"{base}.json", checkout, History(store)).good
