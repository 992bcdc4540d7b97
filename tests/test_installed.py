"""The package as others get it: a wheel that holds what it needs, and works far from any checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.request.suite import PINNED, suite_names

ROOT = Path(__file__).parents[1]
PARTS = ("assets", "bench", "leaderboard", "methods", "results", "suites", "tasks")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built from a copy without network: a build leaves files in its folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    unwanted = shutil.ignore_patterns("__pycache__", ".*", "*~*")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=unwanted)
    for file in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source / file)

    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", "."]
    run([*command, str(source)], folder)
    (found,) = folder.glob("balancebench-*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    """The wheel's files, as an installation has them."""
    folder = wheel.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(command: Sequence[str], folder: Path, path: str = "", code: int = 0) -> str:
    """The output of a command in a folder, which finds packages at `path` and none of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": path, "XDG_CACHE_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def bench(unpacked: Path, folder: Path, *words: str, code: int = 0) -> str:
    return run([sys.executable, "-P", "-m", "bench", *words], folder, str(unpacked), code)


def test_the_wheel_holds_code_templates_suites_models_and_results(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    data = {f"bench/_embedded/suites/{name}.yaml" for name in suite_names()}
    data |= {
        f"bench/_embedded/assets/{model}/{path.name}"
        for model in PINNED
        for path in (ROOT / "assets" / model).iterdir()
    }
    data |= {f"{path.relative_to(ROOT)}" for path in (ROOT / "leaderboard").rglob("*.html")}
    data |= {f"{path.relative_to(ROOT)}" for path in (ROOT / "tasks").rglob("*.yaml")}
    data |= {f"{path.relative_to(ROOT)}" for path in (ROOT / "methods").glob("*.py")}
    assert sorted(data - names) == []

    assert "bench/_embedded/results/nano-v1/uniform/0.json" in names
    assert [name for name in names if name.startswith(("tests", "docs", "examples", "assets"))] == []
    assert [name for name in names if "~" in name or "/.claims" in name] == []


def test_it_shows_suites_methods_and_the_published_table_from_anywhere(unpacked: Path, tmp_path: Path) -> None:
    suites = json.loads(bench(unpacked, tmp_path, "suites", "--json"))
    assert [suite["name"] for suite in suites] == suite_names()
    board = json.loads(bench(unpacked, tmp_path, "leaderboard", "--json"))
    assert board
    assert list(tmp_path.iterdir()) == []


def test_what_works_on_the_project_itself_says_so(unpacked: Path, tmp_path: Path) -> None:
    for words in (("validate",), ("submit",), ("freeze", "--check")):
        said = bench(unpacked, tmp_path, *words, code=2)
        assert f"bench {words[0]} works on the project's own files" in said
        assert "Traceback" not in said


def test_a_new_method_goes_to_the_current_folder(unpacked: Path, tmp_path: Path) -> None:
    bench(unpacked, tmp_path, "new", "method", "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


@pytest.mark.slow
def test_an_installed_wheel_runs_a_suite_and_writes_into_the_current_folder(wheel: Path, tmp_path: Path) -> None:
    """Into a fresh environment, which borrows the packages of this one: torch alone is a gigabyte."""
    home, work = tmp_path / "environment", tmp_path / "work"
    work.mkdir()
    run([sys.executable, "-m", "venv", "--without-pip", str(home)], tmp_path)
    python = home / "bin" / "python"
    site = Path(run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tmp_path).strip())
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    (home / "bin" / "monty").symlink_to(Path(sysconfig.get_path("scripts")) / "monty")  # a program of the sandbox
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    run([*install, "--ignore-installed"], tmp_path)

    command = str(home / "bin" / "bench")
    run([command, "run", "method=pcgrad", "suite=smoke-v1"], work)
    record = json.loads((work / "results" / "smoke-v1" / "pcgrad" / "0.json").read_text())
    assert record["status"] == "done"
    where = run([str(python), "-P", "-c", "import bench; print(bench.__file__)"], work).strip()
    assert where == str(site / "bench" / "__init__.py")

    run([command, "sweep", "method=uniform", "suite=smoke-v1", "seed=0", "workers=1"], work)
    run([command, "leaderboard", "suite=smoke-v1", "--results", "results"], work)
    run([command, "site", "--results", "results"], work)
    assert (work / "site" / "index.html").is_file()
    assert sorted(path.name for path in work.iterdir()) == ["cache", "results", "site"]
