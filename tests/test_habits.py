"""Files that other tools read: they parse, and say what the project says elsewhere."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
PINS = [line for line in (ROOT / "constraints-lowest.txt").read_text("utf-8").splitlines() if line[:1].isalpha()]


def test_the_lowest_versions_are_those_that_the_project_allows() -> None:
    """Each core dependency, at its own lower bound."""
    bounds = {(need := Requirement(text)).name: next(iter(need.specifier)) for text in PROJECT["dependencies"]}
    assert {bound.operator for bound in bounds.values()} == {">="}
    for pin in map(Requirement, PINS):
        (exact,) = pin.specifier
        bound = bounds.pop(pin.name)
        padded = f"{bound.version}.0" if bound.version.count(".") == 1 else bound.version
        assert (exact.operator, exact.version) == ("==", padded), pin.name
    assert bounds == {}


def test_the_citation_is_of_this_version_and_licence() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert (cited["version"], cited["license"]) == (PROJECT["version"], PROJECT["license"])
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_is_one(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    assert {"name", "description", "body"} <= form.keys()
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids) > 1
    assert all(field["attributes"]["label"] for field in form["body"])


def test_forms_were_found() -> None:
    assert {path.stem for path in FORMS} == {"bug", "method", "result"}


def test_hooks_call_what_make_check_calls() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    called = {hook["entry"].removeprefix(".venv/bin/") for hook in repo["hooks"]}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert {"ruff format", "ruff check", "bench freeze --check"} == called
    assert all(f"$(BIN)/{command}" in makefile for command in called if command.startswith("ruff"))


def test_editors_are_told_the_width_that_ruff_holds() -> None:
    width = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["line-length"]
    assert re.search(rf"^max_line_length = {width}$", (ROOT / ".editorconfig").read_text("utf-8"), re.MULTILINE)
