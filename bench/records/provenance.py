"""Provenance of a run: versions, commit, machine and times. Nothing heavy is imported."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from bench.records.schema import Evaluated, Isolation, Provenance

ROOT = Path(__file__).resolve().parents[2]
"""The checkout the harness runs from."""
UNKNOWN = "unknown"
PACKAGES = (
    "accelerate",
    "datasets",
    "lm-eval",
    "math-verify",
    "numpy",
    "peft",
    "pydantic-monty",
    "safetensors",
    "scipy",
    "tokenizers",
    "torch",
    "torchjd",
    "transformers",
    "trl",
)
"""Distributions that can change a number of a run; those not installed are left out of a record."""


def _harness_version() -> str:
    version = _version("balancebench")
    if version is None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        version = str(project["project"]["version"])
    return version


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


HARNESS_VERSION = _harness_version()


def provenance(
    started: datetime,
    finished: datetime,
    threads: int,
    hardware: str | None = None,
    processes: int = 1,
    evaluated: Evaluated = "",
    isolation: Isolation = "",
) -> Provenance:
    """The provenance of a run in this process.

    started, finished: with a time zone, ValueError without; threads: CPU threads torch was allowed, >= 1;
    hardware: the accelerator's model, left out for a run on the processor; processes: that trained together;
    evaluated, isolation: see `bench.records.schema`.
    """
    commit, dirty = revision()
    return Provenance(
        harness_version=HARNESS_VERSION,
        commit=commit,
        dirty=dirty,
        python=platform.python_version(),
        packages=package_versions(),
        platform=platform.platform(),
        hardware=hardware or processor(),
        threads=threads,
        processes=processes,
        evaluated=evaluated,
        isolation=isolation,
        started=_utc(started),
        finished=_utc(finished),
        # The system clock may be set back during a run; a duration is never negative.
        total_seconds=max(0.0, (finished - started).total_seconds()),
    )


def package_versions() -> dict[str, str]:
    """Installed versions of PACKAGES, by distribution name."""
    found = {package: _version(package) for package in PACKAGES}
    return {package: version for package, version in found.items() if version is not None}


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor model as the system names it; its architecture where no name is told."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, names), "") or platform.processor() or platform.machine() or UNKNOWN


CODE = ("bench", "methods", "tasks", "suites", "assets", "pyproject.toml", "constraints.txt")
"""Where a change can change a number."""


def revision(root: Path = ROOT) -> tuple[str, bool]:
    """Git commit of the checkout at `root`, and whether it is dirty.

    Dirty means that a file that can change a number differs from the commit or is not in it: a method that was
    never committed counts, a record that a sweep wrote does not. Without git, or outside a checkout of its own:
    'unknown', and dirty, because nothing vouches for the code.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = _git(root, "rev-parse", "HEAD")
    if not top or not commit or Path(top).resolve() != root.resolve():
        return UNKNOWN, True
    return commit, bool(changed(root))


def changed(root: Path = ROOT) -> list[str]:
    """The files of the checkout at `root` that can change a number and differ from the commit or are not in it.

    None where git cannot say; see `revision`.
    """
    lines = _git(root, "status", "--short", "--untracked-files=all", "--", *CODE)
    return [line.strip().partition(" ")[2].strip() for line in (lines or "").splitlines()]


def is_tracked(path: Path, root: Path = ROOT) -> bool:
    """Whether git knows a file of the checkout at `root`."""
    return _git(root, "ls-files", "--error-unmatch", str(path.resolve())) is not None


def _git(root: Path, *arguments: str) -> str | None:
    """Output of a git command, or None if it could not be had."""
    program = shutil.which("git")
    if program is None:
        return None
    # Inside a git hook, GIT_DIR and GIT_INDEX_FILE point elsewhere; optional locks would disturb a commit.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [program, "-C", str(root), *arguments],
            env={**clean, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; use datetime.now(UTC)")
    return moment.astimezone(UTC).isoformat(timespec="seconds")
