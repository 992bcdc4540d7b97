"""A record that was cut off, is empty or holds anything else: one remedy, whoever meets it, and it helps."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.analysis.loading import load
from bench.cli.main import cli
from bench.errors import BrokenRecord, UserError
from bench.records.rules import problems_in
from bench.records.store import DAMAGED, read
from bench.request.request import RESULTS
from bench.validation.checkout import Checkout
from bench.validation.verdict import validate

WHOLE = (RESULTS / "nano-v1/uniform/0.json").read_bytes()
DAMAGES = {
    "empty": b"",
    "cut off": WHOLE[: len(WHOLE) // 2],
    "binary": bytes(range(256)),
    "a wrong type": b'{"schema_version": 1, "seed": []}',
    "too large": b" " * 70_000,
    "no record": b'{"schema_version": 1}',
    "a control character": WHOLE.replace(b"uniform", b"uni\\u001bform", 1),
}


@pytest.fixture(params=DAMAGES)
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The record of a run on nano-v1, damaged, in a store that is in no repository."""
    path = tmp_path / "results/nano-v1/uniform/0.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(DAMAGES[request.param])
    return path


def store_of(path: Path) -> Path:
    return path.parents[2]


def test_the_reader_says_the_remedy(damaged: Path):
    with pytest.raises(UserError) as caught:
        read(damaged)
    assert str(caught.value).endswith(DAMAGED)


def test_the_site_and_the_verdict_say_the_same_remedy(damaged: Path):
    with pytest.raises(BrokenRecord) as caught:
        load(store_of(damaged))
    assert DAMAGED in str(caught.value)
    assert [problem.remedy for problem in problems_in(damaged)] == [DAMAGED]
    found = validate(store_of(damaged), checkout=Checkout()).of("error")
    assert DAMAGED in {problem.remedy for problem in found if problem.file == damaged}


@pytest.mark.parametrize("command", ["run", "plan", "sweep"])
def test_run_plan_and_sweep_say_the_same_remedy_and_no_other(damaged: Path, command: str):
    words = [f"store={store_of(damaged)}", "suite=nano-v1", "method=uniform", "seed=0"]
    done = CliRunner().invoke(cli, [command, *words])
    said = f"{done.output} {done.exception}"
    assert DAMAGED in " ".join(said.split())
    assert "committed and stays" not in said
    assert damaged.is_file()


def test_the_remedy_helps(damaged: Path):
    damaged.unlink()
    done = CliRunner().invoke(cli, ["plan", f"store={store_of(damaged)}", "suite=nano-v1", "method=uniform", "seed=0"])
    assert "unreadable" not in done.output
    assert done.exit_code == 0
