"""The workflows of GitHub: pinned, without rights they do not need, and without text of strangers in a shell."""

import re
import shlex
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.cli.main import cli

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.iterdir())
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40}")
every_workflow = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def read(path: Path) -> dict[Any, Any]:
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(path)["jobs"]
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


def test_the_workflows_were_found() -> None:
    assert {path.name for path in FILES} == {"checks.yml", "records.yml", "rerun.yml", "site.yml", "weekly.yml"}


@every_workflow
def test_a_workflow_is_well_formed(path: Path) -> None:
    """What GitHub would refuse, or would do by default: hours of time-out, write access."""
    found = read(path)
    assert {"name", True, "permissions", "jobs"} <= found.keys()  # YAML reads the key `on` as truth
    for name, job in jobs(path).items():
        assert re.fullmatch(r"[a-z][a-z-]*", name)
        assert {"runs-on", "timeout-minutes", "steps"} <= job.keys()
        assert job["runs-on"] == "ubuntu-24.04"
        assert set([job["needs"]] if "needs" in job else []) <= jobs(path).keys()
    for step in steps(path):
        assert ("uses" in step) != ("run" in step)


@every_workflow
def test_every_action_is_pinned_by_commit_and_its_version_is_named(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    named = re.findall(r"uses: (\S+) # v\d+\.\d+\.\d+$", path.read_text("utf-8"), re.MULTILINE)
    assert used
    assert named == used
    assert all(PINNED.fullmatch(action) for action in used)


def test_an_action_has_one_version_everywhere() -> None:
    text = "".join(path.read_text("utf-8") for path in FILES)
    pins = set(re.findall(r"uses: (\S+ # \S+)", text))
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


@every_workflow
def test_only_the_job_that_publishes_may_write(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}
    granted = {name: job["permissions"] for name, job in jobs(path).items() if "permissions" in job}
    publishing = {"publish": {"pages": "write", "id-token": "write"}}
    assert granted == (publishing if path.name == "site.yml" else {})


def test_the_job_that_publishes_runs_no_code_of_the_repository_and_only_on_main() -> None:
    job = jobs(FOLDER / "site.yml")["publish"]
    assert [step["uses"].partition("@")[0] for step in job["steps"]] == ["actions/deploy-pages"]
    assert job["if"] == "github.ref == 'refs/heads/main'"


@every_workflow
def test_nothing_runs_with_the_rights_of_the_base_branch_and_no_secret_is_named(path: Path) -> None:
    triggers = read(path)[True]
    assert set(triggers) <= {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert "secrets" not in re.sub(r"#.*", "", path.read_text("utf-8"))


@every_workflow
def test_no_expression_is_pasted_into_a_command(path: Path) -> None:
    """A title or a branch called `$(...)` would be run; values come through the environment, in quotes."""
    for step in steps(path):
        command = step.get("run", "")
        assert "${{" not in command
        for name in step.get("env", {}):
            assert len(re.findall(rf"\${name}\b", command)) == command.count(f'"${name}"') > 0


@every_workflow
def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert checkouts or path.name == "none"


@every_workflow
def test_commands_exist(path: Path) -> None:
    """Targets of make, and commands of bench with options they have."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    lines = [line for step in steps(path) for line in step.get("run", "").splitlines()]
    seen = 0
    for words in map(shlex.split, lines):
        if words[0] == "make":
            assert set(words[1:]) <= targets
        elif Path(words[0]).name == "bench":
            assert words[1] in cli.commands, words[1]
            options = {option for parameter in cli.commands[words[1]].params for option in parameter.opts}
            assert {word for word in words[2:] if word.startswith("--")} <= options
        else:
            continue
        seen += 1
    assert seen


def test_contributed_records_are_judged_by_the_base_branch() -> None:
    """The harness is the base branch's, and whatever is run lies in it; the contribution is only ever an argument."""
    (job,) = jobs(FOLDER / "records.yml").values()
    harness, contribution = (
        step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")
    )
    assert harness["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert (harness["path"], contribution["path"]) == ("harness", "contribution")
    for step in job["steps"]:
        if "make" in step.get("run", "") or "bench" in step.get("run", ""):
            assert step["working-directory"] == "harness"
        elif "run" in step:
            programs = {shlex.split(line)[0] for line in step["run"].splitlines()}
            assert programs == {"mkdir", "find", "if"}


def test_a_rerun_is_of_the_base_branchs_harness_and_drawn_by_what_nobody_chooses() -> None:
    """The contribution lays records and methods over it, and nothing that the harness consists of."""
    (job,) = jobs(FOLDER / "rerun.yml").values()
    harness, contribution = (
        step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")
    )
    assert harness["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert contribution["sparse-checkout"].split() == ["results", "tuned", "methods"]
    (laid,) = [step["run"] for step in job["steps"] if "cp --parents" in step.get("run", "")]
    assert re.findall(r"-name '?([^' ]+)'?", laid) == ["*.json", "[a-z]*.py", "torchjd.py"]

    (again,) = [step for step in job["steps"] if "bench" in step.get("run", "")]
    assert again["env"] == {"BASE": harness["ref"], "SEED": "${{ github.run_id }}"}
    assert again["working-directory"] == "harness"


def test_what_a_contribution_lays_over_the_harness_is_no_part_of_it(tmp_path: Path) -> None:
    """The commands themselves, on a contribution with more than it should have."""
    (laid,) = [step["run"] for step in steps(FOLDER / "rerun.yml") if "cp --parents" in step.get("run", "")]
    given = ("results/nano-v2/mine/0.json", "methods/mine.py")
    refused = ("results/x.py", "methods/_signals.py", "methods/torchjd.py", "methods/_battery/more.py", "bench/git.py")
    for name in (*given, *refused):
        path = tmp_path / "contribution" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")

    (tmp_path / "harness").mkdir()
    (tmp_path / "contribution" / "methods" / "link.py").symlink_to("/etc/hostname")
    subprocess.run(["bash", "-e", "-c", laid], cwd=tmp_path / "contribution", check=True)
    found = {str(path.relative_to(tmp_path / "harness")) for path in (tmp_path / "harness").rglob("*.*")}
    assert found == set(given)


def test_the_security_page_names_what_there_is() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    for path in FILES:
        assert f"`{path.name}`" in text
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / link).is_file(), link
    for span in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", text):
        assert (ROOT / span).exists(), span
    for command in re.findall(r"`bench (\w+)`", text):
        assert command in cli.commands, command


CONTRIBUTED = ("results", "reproductions", "tuned", "suites", "methods", "tests/golden")
"""Where a contribution of results, tunings or methods lies."""


def test_everything_that_is_judged_starts_the_judge_and_is_checked_out() -> None:
    found = read(FOLDER / "records.yml")
    assert found[True]["pull_request"]["paths"] == [f"{place}/**" for place in CONTRIBUTED]
    (sparse,) = [step["with"]["sparse-checkout"] for step in steps(FOLDER / "records.yml") if "sparse" in str(step)]
    assert sparse.split() == list(CONTRIBUTED)


def owners_of(path: str) -> list[str]:
    """Owners by the last pattern that fits, as GitHub reads the file; patterns here are folders, files and endings."""
    owners: list[str] = []
    for line in (ROOT / ".github/CODEOWNERS").read_text("utf-8").splitlines():
        pattern, *named = line.partition("#")[0].split() or [""]
        anchored = pattern.startswith("/")
        glob = pattern.lstrip("/") + ("*" if pattern.endswith("/") else "")
        if pattern and fnmatch(path if anchored else path.rpartition("/")[2], glob):
            owners = named
    return owners


@pytest.mark.parametrize(
    "path", [".github/workflows/site.yml", ".github/CODEOWNERS", "bench/validation/verdict.py", "methods/_signals.py",
             "methods/torchjd.py", "suites/nano-v1.yaml", "tests/test_workflows.py", "constraints.txt",
             "results/nano-v1/pcgrad/0.withdrawn.json", "results/.gitattributes", "tasks/math/gsm8k.py"],
)  # fmt: skip
def test_what_judges_others_has_an_owner(path: str) -> None:
    assert owners_of(path)


@pytest.mark.parametrize(
    "path", ["results/nano-v1/pcgrad/0.json", "methods/pcgrad.py", "tests/golden/trajectories.json"]
)
def test_what_is_judged_needs_none(path: str) -> None:
    assert not owners_of(path)
