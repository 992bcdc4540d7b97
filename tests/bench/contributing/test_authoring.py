"""Authors of methods: `bench check`, `bench new method`, `bench methods NAME`, and what they say of mistakes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.commands.catalogue import PLACES
from bench.cli.displays.methods import PLACES as SHOWN
from bench.cli.main import cli
from bench.contributing import authoring, templates
from bench.contributing.authoring import examine, next_commands, write_method
from bench.errors import UserError
from methods._base import HOOKS
from methods._registry import cards, find

ROOT = Path(__file__).parents[3]
CODE = "import sys; from bench.cli.main import main; sys.argv[0] = 'bench'; main()"


def bench(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-c", CODE, *words, cwd=cwd)


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(cwd if (cwd / "methods").exists() else ROOT), "COLUMNS": "120"}
    return subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=cwd, env=env, check=False)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a fresh method of every template and its test."""
    house = tmp_path_factory.mktemp("house")
    for folder in ("bench", "methods", "tests/methods"):
        shutil.copytree(ROOT / folder, house / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / file, house / file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authoring, "METHODS", house / "methods")
        patch.setattr(authoring, "TESTS", house / "tests" / "methods")
        for place in PLACES:
            first, second = write_method(f"fresh_{place}", place)
            assert (first.parent.name, second.name) == ("methods", f"test_fresh_{place}.py")
    return house


def test_every_place_of_action_has_a_template() -> None:
    assert set(PLACES) == set(templates.TEMPLATES)
    bases = {template.base for template in templates.TEMPLATES.values()}
    assert bases == {hook.__name__ for hook in HOOKS} == set(SHOWN)


def test_a_fresh_method_is_formatted_and_linted(house: Path) -> None:
    files = [str(path) for path in house.rglob("*fresh_*.py")]
    assert len(files) == 2 * len(PLACES)
    for words in (("format", "--check"), ("check",)):
        done = run(sys.executable, "-m", "ruff", *words, *files, cwd=house)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_fresh_method_is_typed(house: Path) -> None:
    files = [str(path) for path in (house / "methods").glob("fresh_*.py")]
    done = run(sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *files, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_a_fresh_test_passes(house: Path) -> None:
    files = [str(path) for path in (house / "tests").rglob("test_fresh_*.py")]
    done = run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *files, cwd=house)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("." * len(PLACES))


@pytest.mark.parametrize("place", PLACES)
def test_a_fresh_method_keeps_the_contract(place: str, house: Path) -> None:
    report = examine(str(house / "methods" / f"fresh_{place}.py"))
    assert [verdict for verdict in report.verdicts if verdict.violations] == []
    assert len(report.verdicts) > 12
    assert templates.MARK in find(str(house / "methods" / f"fresh_{place}.py")).source
    assert any("8 tasks of 64 parameters takes" in fact for fact in report.facts)


def test_a_file_of_its_own_folder_needs_no_checkout(tmp_path: Path) -> None:
    """The walk that the command prints: write, check, look, in any folder."""
    done = bench("new", "method", "mine", "--acts-on", "loss", "--dir", "some/where", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.py"]
    assert "bench check some/where/mine.py" in done.stdout
    checked = bench("check", "some/where/mine.py", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "mine keeps all" in checked.stdout
    shown = bench("methods", "some/where/mine.py", cwd=tmp_path)
    for text in ("TODO paper", "LossWeighting", "memory of the mean reward gap", "0.999"):
        assert text in shown.stdout


def test_a_broken_method_is_told_what_it_breaks(tmp_path: Path) -> None:
    (path,) = write_method("mine", "loss", tmp_path)
    path.write_text(path.read_text().replace("return self.gap / self.gap.sum()", "return self.gap"))
    done = bench("check", str(path))
    assert done.returncode == 1
    words = " ".join(done.stdout.replace("│", " ").split())
    assert "K identical gradients give that gradient" in words
    assert "Given 2 identical gradients of norm 7.7e-06, step 1: weights of sum 2. Allowed: their sum is 1." in words
    assert "mine breaks " in words
    assert "Traceback" not in done.stderr


def test_a_method_that_raises_is_told_where(tmp_path: Path) -> None:
    (path,) = write_method("mine", "gramian", tmp_path)
    path.write_text(path.read_text().replace("inverse.sum()", "inverse.sun()"))
    report = examine(str(path))
    line = 1 + path.read_text()[: path.read_text().index("inverse.sun()")].count("\n")
    assert f"AttributeError: 'Tensor' object has no attribute 'sun' (mine.py, line {line})" in str(report.verdicts)
    assert "Not measured" in str(report.facts)


def test_facts_tell_the_line_a_card_lacks(tmp_path: Path) -> None:
    (path,) = write_method("mine", "gramian", tmp_path)
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("Conflicts")))
    facts = examine(str(path)).facts
    assert facts[0] == "Its update opposes a task in 91.0 % of 200 matrices of strongly conflicting gradients."
    assert facts[1].endswith("after Costs: Conflicts  in 91 % of strongly conflicting gradients")
    assert not any("frozen" in fact for fact in facts)


def test_progress_names_every_property() -> None:
    begun: list[tuple[str, int]] = []
    report = examine("uniform", lambda name, total: begun.append((name, total)))
    assert begun == [(verdict.name, len(report.verdicts)) for verdict in report.verdicts]
    assert report.broken == 0


def test_a_peer_is_held_to_what_binds_it() -> None:
    report = examine("torchjd/Mean")
    assert report.broken == 0
    skipped = {verdict.name for verdict in report.verdicts if verdict.skipped}
    assert {"scale", "identical tasks"} <= skipped
    assert {"answers", "chance", "continues"}.isdisjoint(skipped)


NAMES = {
    "RewardGap": "'reward_gap' would do",
    "2nd-try": "'nd_try' would do",
    "lambda": "'lambda_method' would do",
    "_mine": "'mine' would do",
    "§": "no word of Python.",
    "pcgrad": "is there already; edit it, or choose another name",
}


@pytest.mark.parametrize(("name", "said"), NAMES.items())
def test_illegal_and_taken_names_are_refused_with_a_remedy(name: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        write_method(name, "loss")
    assert said in str(caught.value)


def test_nothing_is_overwritten_or_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authoring, "METHODS", tmp_path / "methods")
    monkeypatch.setattr(authoring, "TESTS", tmp_path)
    (tmp_path / "test_mine.py").write_text("kept")
    with pytest.raises(UserError, match=r"test_mine\.py is there already"):
        write_method("mine", "loss")
    assert not (tmp_path / "methods").exists()
    for name in ("uniform", "torchjd"):
        with pytest.raises(UserError, match=rf"the name {name} belongs to methods/{name}\.py; choose another"):
            write_method(name, "loss", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*Say --dir DIR"):
        write_method("mine", "loss", tmp_path / "file")


def test_next_commands_are_commands() -> None:
    for place in PLACES:
        for folder in (None, Path("some/where")):
            for command in next_commands("mine", place, folder):
                program, name, *_ = command.split()
                assert (program, name) == ("pytest", "tests/methods") or name in cli.commands
    assert next_commands("mine", "wrapper")[2] == "bench run method=uniform wrapper=mine suite=smoke-v1 store=runs"
    assert next_commands("mine", "plan", Path("a"))[0] == "bench check a/mine.py"


MISTAKES = {
    ("check",): "which one? Say `bench check NAME`",
    ("check", "pcgrd"): "Did you mean 'pcgrad'",
    ("check", "nowhere.py"): "there is no file nowhere.py",
    ("check", "README.md"): "no method 'README.md'",
    ("methods", "statik"): "Did you mean 'static'",
    ("new", "method", "x", "--acts-on", "moon"): "'moon' is not one of 'gramian'",
    ("new", "method"): "Missing argument 'NAME'",
    ("run", "method=pcgrd"): "Did you mean 'pcgrad'",
    ("run", "method=nowhere.py"): "there is no file nowhere.py",
}


@pytest.mark.parametrize(("words", "said"), MISTAKES.items(), ids=[" ".join(words) for words in MISTAKES])
def test_a_mistake_is_one_sentence_and_exit_code_2(words: tuple[str, ...], said: str) -> None:
    done = bench(*words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_list_has_every_method_where_it_acts() -> None:
    done = bench("methods")
    assert done.returncode == 0, done.stderr
    for name in cards():
        assert name in done.stdout
    places = [line.partition(":")[0] for line in done.stdout.splitlines() if line.partition(":")[0] in SHOWN]
    assert places == [place for place in SHOWN if any(card.acts_on[0] == place for card in cards().values())]


def test_a_card_is_shown_in_full() -> None:
    done = bench("methods", "upgrad")
    card = find("upgrad")
    words = " ".join(done.stdout.split())
    for text in (card.title, card.summary, card.source, card.differs, card.costs, "conflicts never", "no settings"):
        assert text in words
