"""The rules of the house: who may import whom, what loads without the training stack, what is never written."""

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import HOUSE, PAGE, PICTURE, Room, page, picture

ROOT = Path(__file__).parents[1]
SOURCES = ("bench", "methods", "tasks", "leaderboard", "assets")
PROJECT = {*SOURCES, "tests"}
LONGEST = 300
"""Lines of code of a file: blank lines, comments and docstrings are free."""
LONGER = {
    "tests/bench/evaluation/test_rewards.py": "evaluation is compared with two others' implementations",
}
"""Files that are longer, with the reason."""
WALL = 9
"""Statements of a function body that needs a blank line or a comment."""
PACK = 4
"""Values that one assignment may not pack side by side, unless they belong together."""
WALLS: dict[str, str] = {}
"""Bodies that may be one piece, `file:function`, with the reason."""

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
    assert all((ROOT / room).exists() and python_files(room) for room in (*(room.path for room in HOUSE), *LIGHT))


def test_imports_are_seen_wherever_they_are(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text(
        "import a.b as c\nfrom d import e\ndef f():\n    from g.h import i, j\n"
        "if TYPE_CHECKING:\n    import k\nimportlib.import_module('l.m')\n"
    )
    assert set(imports(path)) == {"a.b", "d.e", "g.h.i", "g.h.j", "k", "l.m"}


@pytest.mark.parametrize("room", HOUSE, ids=lambda room: room.path)
def test_a_room_imports_only_what_it_may(room: Room) -> None:
    for path in python_files(room.path):
        for name in imports(path):
            if top(name) in PROJECT:
                assert within(name, {*room.rooms, room.module}), f"{name_of(path)} imports {name}"
            elif top(name) not in sys.stdlib_module_names:
                assert top(name) in room.packages, f"{name_of(path)} imports {name}"


def test_every_file_of_the_project_is_in_a_room() -> None:
    """Beside `bench/__init__.py` and `bench/__main__.py`, which only open the door."""
    rooms = {file for room in HOUSE for file in python_files(room.path)}
    loose = {name_of(path) for path in python_files(*SOURCES) if path not in rooms}
    assert loose == {"bench/__init__.py", "bench/__main__.py"}


def test_no_room_imports_one_that_imports_it() -> None:
    """The table is in order: a room imports only what stands before it, so that no imports run in a circle."""
    order = [room.module for room in HOUSE]
    for place, room in enumerate(HOUSE):
        assert set(room.rooms) <= set(order[:place]), room.path


def test_every_room_says_what_it_is_for() -> None:
    folders = [ROOT / room.path for room in HOUSE if (ROOT / room.path).is_dir() and room.path != "assets"]
    files = [ROOT / "bench" / "__init__.py", *(folder / "__init__.py" for folder in folders)]
    assert [name_of(file) for file in files if not ast.get_docstring(ast.parse(file.read_text("utf-8")))] == []


def test_page_and_picture_are_those_of_the_table() -> None:
    """`make house` writes them again."""
    text = PAGE.read_text("utf-8")
    assert text == page(text)
    assert PICTURE.read_text("utf-8") == picture()


def test_one_room_imports_trl() -> None:
    """Its private names change with every version; tests hold those that this room uses."""
    found = {name_of(path) for path in python_files(*SOURCES) for name in imports(path) if top(name) == "trl"}
    assert found
    assert [name for name in sorted(found) if not name.startswith("bench/training/trl/")] == []


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


def code_lines(text: str) -> int:
    """Lines that hold code: none that are blank, a comment, or part of a docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    code = {line for token in tokens if token.type not in silent for line in range(token.start[0], token.end[0] + 1)}
    texts = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr) and is_text(node)]
    return len(code - {line for node in texts for line in range(node.lineno, (node.end_lineno or 0) + 1)})


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring, of a function or of a value."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_files_are_short() -> None:
    found = {name_of(path): code_lines(path.read_text("utf-8")) for path in ALL}
    assert {name: lines for name, lines in found.items() if (lines > LONGEST) != (name in LONGER)} == {}


def walls(path: Path) -> Iterator[str]:
    """Functions with WALL statements or more and neither a blank line nor a comment among them."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if is_text(node.body[0]) else node.body
        statements = sum(isinstance(each, ast.stmt) for part in body for each in ast.walk(part))
        if statements >= WALL:
            inside = [line.strip() for line in lines[body[0].lineno - 1 : node.end_lineno]]
            if all(line and not line.startswith("#") and "  # " not in line for line in inside):
                yield f"{name_of(path)}:{node.name}"


def packs(path: Path) -> Iterator[str]:
    """Assignments that pack PACK values or more side by side, other than constants."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and isinstance(node.value, ast.Tuple)
        ):
            values = node.value.elts
            if len(values) >= PACK and not all(isinstance(value, ast.Constant) for value in values):
                yield f"{name_of(path)}:{node.lineno}"


AIRED = python_files(*SOURCES)


def test_long_functions_have_paragraphs() -> None:
    """A blank line between thoughts, or a comment; else the reader meets a wall."""
    assert [wall for path in AIRED for wall in walls(path) if wall not in WALLS] == []


def test_an_assignment_packs_few_values() -> None:
    assert [pack for path in AIRED for pack in packs(path)] == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [("a = 1\n\n# why\nb = 2\n", 2), ('"""Two\nlines."""\na = 1\n"""About a."""\n', 1), ("a = (\n    1,\n)\n", 3)],
)
def test_code_lines_are_counted(text: str, lines: int) -> None:
    assert code_lines(text) == lines


def test_walls_and_packs_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "file.py"
    body = [f"    a{index} = {index}" for index in range(WALL)]
    path.write_text("\n".join(["def wall():", '    """Doc."""', *body, "    a, b, c, d = x, 1, 2, 3"]) + "\n")
    assert list(walls(path)) == ["file.py:wall"]
    assert list(packs(path)) == [f"file.py:{WALL + 3}"]
    path.write_text("\n".join(["def air():", *body[:4], "", *body[4:]]) + "\n")
    assert list(walls(path)) == []


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


def test_nothing_banned_is_written() -> None:
    found = {name_of(path): list(banned(ast.parse(path.read_text("utf-8")))) for path in ALL}
    assert {name: lines for name, lines in found.items() if lines} == {}


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
