"""Is this installation able to run the benchmark? Each check names its problem and the remedy."""

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.errors import UserError
from bench.places import ROOT
from bench.records.provenance import revision
from bench.request.suite import load_suite, suite_names

PINNED = {"trl": "1.16.0", "lm_eval": "0.4.13", "pydantic-monty": "1.4.0"}
"""Packages whose inner workings the harness relies on; their versions are exact."""
NEEDED = ("torch", "transformers", "datasets", "accelerate", *PINNED)
INSTALL = "Install with `make install`."
FREE_BYTES = 2**30

Check = tuple[str, str, str]
"""Name, problem ('' if none), remedy."""


def checks() -> Iterator[Check]:
    """All checks, cheap ones first."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield f"python {python}", "" if sys.version_info >= (3, 11) else "3.11 or newer is needed", "Install it."
    yield from map(_package, NEEDED)
    free = shutil.disk_usage(ROOT).free
    yield (
        f"disk: {free / 2**30:.0f} GiB free",
        "" if free > FREE_BYTES else "less than 1 GiB",
        "Free some space.",
    )

    commit, dirty = revision()
    yield f"commit {commit[:12]}{', with local changes' if dirty else ''}", "", ""
    yield f"bfloat16: {bfloat16()}", "", ""
    yield _guarded("suites", lambda: [load_suite(name) for name in suite_names()])
    yield _guarded("model nano", _model)
    yield _guarded("sandbox", _sandbox)


def bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """What dtype=bf16 brings on this machine, in words, by what the system says of the processor."""
    try:
        flags = set(cpuinfo.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return "the system does not say what this processor can do"
    if "amx_bf16" in flags:
        return "this processor multiplies matrices of it (AMX): dtype=bf16 makes passes 2.5 to 4 times as fast"
    if "avx512_bf16" in flags:
        return "this processor has vectors of it (AVX-512): dtype=bf16 may be faster"
    return "no AMX on this processor: dtype=bf16 saves memory and no time"


def _package(name: str) -> Check:
    try:
        found = version(name)
    except PackageNotFoundError:
        return name, "not installed", INSTALL
    wanted = PINNED.get(name, found)
    return f"{name} {found}", "" if found == wanted else f"the harness is tested with {wanted}", INSTALL


def _guarded(name: str, action: object) -> Check:
    assert callable(action)
    try:
        problem = action()
    except ImportError as error:
        return name, str(error), INSTALL
    except UserError as error:
        return name, str(error), "Do what the sentence says."
    return name, problem if isinstance(problem, str) else "", "Report this with your platform and versions."


def _model() -> str:
    """The files are those that DIGESTS.json names, and the tokenizer round-trips; no weight is loaded."""
    from tokenizers import Tokenizer

    from bench.models.files import model_digest, model_folder

    model_digest("nano")
    tokenizer = Tokenizer.from_file(str(model_folder("nano", None) / "tokenizer.json"))
    text = "f(2)=5,f(3)=7;ann lima"
    return "" if tokenizer.decode(tokenizer.encode(text).ids) == text else "the tokenizer does not round-trip"


def _sandbox() -> str:
    from tasks._sandbox import evaluate

    right, endless = evaluate("x+1", "x", [1, 2]), evaluate("[0 for _ in iter(int,1)]", "x", [1])
    return "" if (right, endless) == ([2, 3], None) else "it does not answer as it should"
