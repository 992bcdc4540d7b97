"""What the documents say: links lead somewhere, commands parse, names exist, and the worked example works."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cli.main import cli
from bench.request.request import keys, parse_request
from methods._cards import read_cards
from methods._registry import cards, load, settings_of

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "AGENTS.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
MADE = {".cache", ".venv", "reproductions", "results", "runs", "site", "tuned"}
"""Folders that commands make."""
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(text: str, language: str) -> list[str]:
    """Contents of the fenced blocks of a language."""
    return [found[3] for found in FENCE.finditer(text) if found[2] == language]


def spans(text: str) -> list[str]:
    """Code spans outside fenced blocks, on one line each."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]


def commands(document: Path, program: str) -> Iterator[list[str]]:
    """The words after the name of a program, wherever a document calls it with any."""
    text = document.read_text("utf-8")
    lines = [line.strip() for block in blocks(text, "sh") for line in block.splitlines()]
    for line in [*lines, *spans(text)]:
        if re.match(rf"({re.escape('.venv/bin/')})?{program} \S", line):
            yield shlex.split(line, comments=True)[1:]


def example(tmp_path: Path) -> Path:
    """The worked example of CONTRIBUTING.md, as a file."""
    (source,) = blocks((ROOT / "CONTRIBUTING.md").read_text("utf-8"), "python")
    path = tmp_path / "example.py"
    path.write_text(source)
    return path


def test_the_documents_were_found() -> None:
    assert all(document.is_file() for document in DOCUMENTS)
    assert ROOT / "docs" / "architecture.md" in DOCUMENTS
    assert {words[0] for words in commands(ROOT / "README.md", "make")} == {"run", "test"}
    assert {words[0] for words in commands(ROOT / "README.md", "bench")} == set(cli.commands)
    assert len(list(commands(ROOT / "CONTRIBUTING.md", "bench"))) > 4
    assert all("](docs/architecture.md)" in document.read_text("utf-8") for document in DOCUMENTS[:2])


@every_document
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", document.read_text("utf-8")))
    relative = [link for link in links if not re.match(r"https?://", link)]
    missing = [link for link in relative if not (document.parent / link.partition("#")[0]).exists()]
    assert missing == []


@every_document
def test_commands_of_bench_parse(document: Path, tmp_path: Path) -> None:
    known = {*cards(), read_cards(example(tmp_path))[0].name}
    for name, *words in commands(document, "bench"):
        assert name in cli.commands, f"bench {name}"
        context = cli.commands[name].make_context(name, list(words))
        if name == "run" and words:
            check_run(list(context.params["words"]), known)


def check_run(words: list[str], known: set[str]) -> None:
    """Suite, keys and settings are accepted, of a method and a wrapper that are known, or of some file."""
    request = parse_request(words)
    assert request.method in known or request.method.endswith(".py"), shlex.join(words)
    assert request.wrapper in {None, *known}, shlex.join(words)
    if request.method in cards():
        settings_of(load(request.method), request.settings, request.suite.tasks)


def test_examples_in_the_help_of_run_parse() -> None:
    lines = (cli.commands["run"].help or "").splitlines()
    examples = [re.split(r" {2,}", line.strip())[0] for line in lines if line.strip().startswith("bench run ")]
    assert len(examples) > 3
    for line in examples:
        words = cli.commands["run"].make_context("run", shlex.split(line)[2:]).params["words"]
        check_run(list(words), set(cards()))


@every_document
def test_targets_of_make_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"run", "test"} <= targets
    assert {target for words in commands(document, "make") for target in words} <= targets


@every_document
def test_what_other_commands_name_exists(document: Path) -> None:
    for words in commands(document, "pytest"):
        assert all((ROOT / word).exists() for word in words if not word.startswith("-")), words
    for words in commands(document, "python"):
        file = f"{words[1].replace('.', '/')}.py" if words[0] == "-m" else words[0]
        assert (ROOT / file).is_file(), file


@every_document
def test_paths_exist(document: Path) -> None:
    """Spans like `bench/run/story.py`, `suites/` or `Makefile`; those with a placeholder in them are not looked at."""
    for span in spans(document.read_text("utf-8")):
        plain = re.fullmatch(r"([\w.-]+/)+[\w.-]*|[\w.-]+\.(py|md|ya?ml|toml|json|txt)|Makefile|LICENSE", span)
        if plain and span.partition("/")[0] not in MADE:
            assert (ROOT / span).exists(), f"no {span}"


@every_document
def test_dotted_names_exist(document: Path) -> None:
    """Spans like `bench.run.story`, `bench.run.story.run` and `recipe.threads`."""
    for span in spans(document.read_text("utf-8")):
        if re.fullmatch(r"(bench|methods|tasks|leaderboard)(\.\w+)+", span):
            assert is_defined(span.split(".")), f"no {span}"
        if re.fullmatch(r"(recipe|budget|evaluation)\.\w+", span):
            assert span in keys(), f"no {span}"


def is_defined(parts: list[str]) -> bool:
    """Whether dotted parts are a module, a package, or what one defines at its top level."""
    path = ROOT.joinpath(*parts)
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module = path.parent.with_suffix(".py")
    if not module.is_file():
        return False
    body = ast.parse(module.read_text("utf-8")).body
    return any(
        parts[-1] in (getattr(node, "name", ""), getattr(getattr(node, "target", None), "id", "")) for node in body
    )


def test_the_worked_example_keeps_the_contract(tmp_path: Path) -> None:
    """In a copy of the methods, their tests and what these import, beside the real ones."""
    house = tmp_path / "house"
    unwanted = shutil.ignore_patterns("__pycache__")
    for folder in ("bench", "methods", "tests/methods"):
        shutil.copytree(ROOT / folder, house / folder, ignore=unwanted)
    for file in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / file, house / file)
    name = read_cards(example(tmp_path))[0].name
    shutil.move(example(tmp_path), house / "methods" / f"{name}.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/methods/test_contract.py", "-k", name],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
