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
    "tests/bench/test_evaluation.py": "evaluation is compared with two others' implementations",
}

ROOMS: dict[str, tuple[set[str], set[str]]] = {
    # room: what it may import of the project beside itself, and of other packages beside the standard library
    "bench/errors.py": (set(), set()),
    "bench/records": ({"bench.errors"}, {"pydantic"}),
    "bench/analysis": ({"bench.errors", "bench.records"}, {"numpy", "pandas", "scipy"}),
    "bench/suite.py": ({"bench.errors", "bench.records"}, {"pydantic", "yaml"}),
    "bench/network.py": (set(), set()),
    "bench/protocol.py": (set(), set()),
    "bench/validation": (
        {
            "bench.config",
            "bench.errors",
            "bench.contributing.git",
            "bench.protocol",
            "bench.records",
            "bench.suite",
            "bench.tuning",
            "methods._cards",
            "methods._declared",
            "methods._registry",
            "tasks._base",
            "tasks._data",
            "tasks._registry",
        },
        {"pydantic", "rich", "yaml"},
    ),
    "bench/tuning": (
        {
            "bench.config",
            "bench.errors",
            "bench.execution",
            "bench.records",
            "bench.suite",
            "methods._cards",
            "methods._declared",
            "methods._registry",
            "tasks._data",
            "tasks._registry",
        },
        set(),
    ),
    "bench/config.py": ({"bench.errors", "bench.network", "bench.records", "bench.suite"}, {"pydantic"}),
    "bench/engine": ({"bench.errors", "bench.records", "methods._base", "tasks._base"}, {"torch"}),
    "bench/batches.py": (set(), {"torch"}),
    "bench/models/prompts.py": (set(), {"transformers"}),
    "bench/rollouts.py": ({"bench.answers", "bench.batches", "bench.engine", "methods._base"}, {"torch"}),
    "bench/demonstrations.py": (
        {"bench.batches", "bench.engine", "bench.models.prompts", "tasks._base"},
        {"torch", "transformers"},
    ),
    "bench/trl": (
        {
            "bench.answers",
            "bench.batches",
            "bench.callback",
            "bench.config",
            "bench.demonstrations",
            "bench.engine",
            "bench.errors",
            "bench.models.prompts",
            "bench.rollouts",
            "bench.step",
            "methods._base",
            "tasks._base",
        },
        {"datasets", "torch", "transformers", "trl"},
    ),
    "bench/answers.py": ({"bench.errors", "methods._base"}, {"torch"}),
    "bench/around.py": ({"bench.answers", "bench.batches", "bench.engine", "methods._base"}, {"torch"}),
    "bench/step.py": (
        {"bench.answers", "bench.around", "bench.batches", "bench.errors", "bench.engine", "methods._base"},
        {"torch"},
    ),
    "bench/checkpoint": (
        {
            "bench.callback",
            "bench.models.devices",
            "bench.engine",
            "bench.errors",
            "bench.prepare",
            "bench.protocol",
            "bench.records",
            "bench.trl",
            "methods._base",
        },
        {"click", "numpy", "safetensors", "torch"},
    ),
    "bench/replay.py": ({"bench.checkpoint", "methods._base"}, {"torch"}),
    "bench/execution": (
        {"bench.config", "bench.errors", "bench.prepare", "bench.protocol", "bench.records", "methods._registry"},
        {"ray"},
    ),
    "leaderboard": ({"bench.errors", "bench.records", "bench.analysis"}, {"jinja2", "pandas"}),
    "methods": ({"bench.errors"}, {"numpy", "pydantic", "scipy", "torch", "torchjd"}),
    "tasks": ({"bench.errors"}, {"datasets", "math_verify", "pydantic_monty"}),
    "assets": ({"tasks"}, {"tokenizers", "torch", "transformers"}),
}

HEAVY = {"torch", "transformers", "trl", "datasets", "lm_eval"}
LIGHT = {
    # room: what loading all of it must not load
    "bench/cli.py": {*HEAVY, "pandas", "pydantic", "scipy"},
    "bench/commands": {*HEAVY, "pandas", "pydantic", "scipy"},
    "bench/config.py": {*HEAVY, "methods", "tasks"},
    "bench/displays/runs.py": HEAVY,
    "bench/validation": HEAVY,
    "bench/tuning": HEAVY,
    "bench/completion.py": {*HEAVY, "pandas", "pydantic", "scipy"},
    "bench/contributing/git.py": {*HEAVY, "pandas", "pydantic", "scipy"},
    "bench/displays/listings.py": HEAVY,
    "bench/contributing/reproduce.py": HEAVY,
    "bench/contributing/submit.py": HEAVY,
    "bench/execution": {*HEAVY, "ray"},
    "bench/displays/sweeps.py": HEAVY,
    "bench/displays/tasks.py": HEAVY,
    "bench/estimate.py": HEAVY,
    "bench/doctor.py": HEAVY,
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
        "bench/run.py",
        "bench/trl/grpo.py",
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
    assert name_of(path).startswith("bench/trl/") or not any(top(name) == "trl" for name in imports(path))


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
