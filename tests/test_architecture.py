"""The rules of the house: who may import whom, what loads without the training stack, what is never written."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("bench", "methods", "tasks", "leaderboard", "assets")
PROJECT = {*SOURCES, "tests"}
LONGEST = 300
"""Lines of a file."""
LONGER = {
    "tests/bench/evaluation/test_rewards.py": "evaluation is compared with two others' implementations",
}

ROOMS: dict[str, tuple[set[str], set[str]]] = {
    # room, from the ground up: what it may import of the project beside itself, and of packages beside Python's own
    "bench/errors.py": (set(), set()),
    "bench/protocol.py": (set(), set()),
    "bench/git.py": ({"bench.errors"}, set()),
    "tasks": ({"bench.errors"}, {"datasets", "math_verify", "pydantic_monty"}),
    "methods": ({"bench.errors"}, {"numpy", "pydantic", "scipy", "torch", "torchjd"}),
    "assets": ({"tasks"}, {"tokenizers", "torch", "transformers"}),
    "bench/records": ({"bench.errors"}, {"pydantic"}),
    "bench/analysis": ({"bench.errors", "bench.records"}, {"numpy", "scipy"}),
    "leaderboard": ({"bench.errors", "bench.records", "bench.analysis"}, {"jinja2", "numpy"}),
    "bench/request": ({"bench.errors", "bench.records"}, {"pydantic", "yaml"}),
    "bench/engine": ({"bench.errors", "bench.records", "methods", "tasks"}, {"torch"}),
    "bench/models": (
        {"bench.errors", "bench.records", "bench.request", "bench.engine"},
        {"accelerate", "huggingface_hub", "peft", "safetensors", "torch", "transformers"},
    ),
    "bench/evaluation": (
        {"bench.errors", "bench.records", "bench.request", "bench.models", "tasks"},
        {"datasets", "evaluate", "huggingface_hub", "lm_eval", "numpy", "pydantic", "torch", "transformers"},
    ),
    "bench/training": (
        {
            "bench.errors",
            "bench.records",
            "bench.request",
            "bench.engine",
            "bench.models",
            "methods",
            "tasks",
        },
        {"datasets", "numpy", "safetensors", "torch", "transformers", "trl"},
    ),
    "bench/run": (
        {
            "bench.errors",
            "bench.protocol",
            "bench.records",
            "bench.request",
            "bench.engine",
            "bench.models",
            "bench.evaluation",
            "bench.training",
            "methods",
            "tasks",
        },
        {"click", "tokenizers", "torch", "transformers"},
    ),
    "bench/sweeps": (
        {"bench.errors", "bench.protocol", "bench.records", "bench.request", "bench.run", "methods"},
        {"ray"},
    ),
    "bench/tuning": (
        {"bench.errors", "bench.records", "bench.request", "bench.sweeps", "methods", "tasks"},
        set(),
    ),
    "bench/validation": (
        {
            "bench.errors",
            "bench.git",
            "bench.protocol",
            "bench.records",
            "bench.request",
            "bench.tuning",
            "methods",
            "tasks",
        },
        {"pydantic", "yaml"},
    ),
    "bench/contributing": (
        {
            "bench.errors",
            "bench.git",
            "bench.protocol",
            "bench.records",
            "bench.analysis",
            "bench.request",
            "bench.run",
            "bench.validation",
            "methods",
        },
        {"torch"},
    ),
    "bench/cli": (
        {
            "bench.errors",
            "bench.records",
            "bench.analysis",
            "leaderboard",
            "bench.request",
            "bench.models",
            "bench.run",
            "bench.sweeps",
            "bench.tuning",
            "bench.validation",
            "bench.contributing",
            "methods",
            "tasks",
        },
        {"click", "pydantic", "rich"},
    ),
}

HEAVY = {"torch", "transformers", "trl", "datasets", "lm_eval"}
LIGHT = {
    # room: what loading all of it must not load
    "bench/cli/main.py": {*HEAVY, "pandas", "pydantic", "scipy"},
    "bench/cli/commands": {*HEAVY, "pandas", "pydantic", "scipy"},
    "bench/request": {*HEAVY, "methods", "tasks"},
    "bench/cli/displays/runs.py": HEAVY,
    "bench/validation": HEAVY,
    "bench/tuning": HEAVY,
    "bench/cli/completion.py": {*HEAVY, "pandas", "pydantic", "scipy"},
    "bench/git.py": {*HEAVY, "pandas", "pydantic", "scipy"},
    "bench/cli/displays/listings.py": HEAVY,
    "bench/contributing/reproduce.py": HEAVY,
    "bench/contributing/submit.py": HEAVY,
    "bench/sweeps": {*HEAVY, "ray"},
    "bench/cli/displays/sweeps.py": HEAVY,
    "bench/cli/displays/tasks.py": HEAVY,
    "bench/run/forecast.py": HEAVY,
    "bench/cli/doctor.py": HEAVY,
    "bench/records": {*HEAVY, "methods", "numpy", "tasks"},
    "bench/analysis": {*HEAVY, "methods", "tasks"},
    "leaderboard": {*HEAVY, "methods", "tasks"},
    "methods/_registry.py": HEAVY,
    "tasks/_registry.py": HEAVY,
}
CALLS = {"methods/_registry.py": "methods._registry.cards()", "tasks/_registry.py": "tasks._registry.all_tasks()"}
"""What must give something, and be as light as loading."""


def python_files(*folders: str) -> list[Path]:
    """Python files of folders or single files below the root, sorted."""
    found = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *(ROOT / name for name in folders if name.endswith(".py"))])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    return name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere: `a.b` for `import a.b` and for `from a import b`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name_of(path)}:{node.lineno}: a relative import; write it out"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in {
            "import_module",
            "__import__",
        }:
            yield from (
                word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)
            )


def top(name: str) -> str:
    return name.partition(".")[0]


def within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


ALL = python_files(*PROJECT)
every_file = pytest.mark.parametrize("path", ALL, ids=name_of)
every_source = pytest.mark.parametrize("path", python_files(*SOURCES), ids=name_of)


def test_the_files_were_found() -> None:
    """The tests below run over globs, which are silent when they find nothing."""
    names = {name_of(path) for path in ALL}
    assert {
        "bench/run/story.py",
        "bench/training/trl/grpo.py",
        "methods/_base.py",
        "assets/make_nano.py",
        name_of(Path(__file__)),
    } <= names
    assert all((ROOT / room).exists() and python_files(room) for room in (*ROOMS, *LIGHT))
    assert names >= set(LONGER)


def test_imports_are_seen_wherever_they_are(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text(
        "import a.b as c\nfrom d import e\ndef f():\n    from g.h import i, j\n"
        "if TYPE_CHECKING:\n    import k\nimportlib.import_module('l.m')\n"
    )
    assert set(imports(path)) == {"a.b", "d.e", "g.h.i", "g.h.j", "k", "l.m"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    inside, outside = ROOMS[room]
    own = {room.removesuffix(".py").replace("/", ".")}
    for path in python_files(room):
        for name in imports(path):
            if top(name) in PROJECT:
                assert within(name, inside | own), f"{name_of(path)} imports {name}"
            elif top(name) not in sys.stdlib_module_names:
                assert top(name) in outside, f"{name_of(path)} imports {name}"


@every_source
def test_one_room_imports_trl(path: Path) -> None:
    """Its private names change with every version; tests hold those that this room uses."""
    assert name_of(path).startswith("bench/training/trl/") or not any(top(name) == "trl" for name in imports(path))


@pytest.mark.parametrize("room", LIGHT)
def test_it_loads_without_the_training_stack(room: str) -> None:
    """In a fresh interpreter."""
    modules = [module_of(path) for path in python_files(room)]
    code = f"import sys, {', '.join(modules)}; assert {CALLS.get(room, True)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert set(modules) <= loaded
    assert not {top(name) for name in loaded} & LIGHT[room]


@every_file
def test_a_file_is_short(path: Path) -> None:
    """A file that must be longer is named with its reason; one that became shorter loses its name there."""
    lines = len(path.read_text("utf-8").splitlines())
    assert (lines > LONGEST) == (name_of(path) in LONGER), f"{lines} lines"


def test_test_folders_are_no_packages() -> None:
    """They have the names of the packages they test, and would shadow them."""
    assert len(list((ROOT / "tests").rglob("test_*.py"))) > 10
    assert not list((ROOT / "tests").rglob("__init__.py"))


def banned(tree: ast.AST) -> Iterator[str]:
    """What no file may hold, as `line: what`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {getattr(kind, "id", getattr(kind, "attr", "")) for kind in caught}
            if node.type is None or names & {"Exception", "BaseException"}:
                yield f"{node.lineno}: an except for everything; name the errors"
        elif isinstance(node, ast.Attribute) and node.attr == "load" and getattr(node.value, "id", "") == "torch":
            yield f"{node.lineno}: torch.load; weights are safetensors"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            if {top(module) for module in modules} & {"pickle", "cloudpickle", "dill", "joblib", "shelve"}:
                yield f"{node.lineno}: a pickle; records are JSON"


@every_file
def test_nothing_banned_is_written(path: Path) -> None:
    assert list(banned(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "torch.load('x')",
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept (OSError, builtins.BaseException) as error:\n    pass",
    ],
)
def test_what_is_banned_is_seen(code: str) -> None:
    assert list(banned(ast.parse(code)))
