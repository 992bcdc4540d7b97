"""A run on files of the user's own: it trains, its record carries their digests, and nothing official takes it."""

from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records.rules import problems_in
from bench.records.store import read
from bench.request.request import parse_request
from bench.request.suite import load_suite, suite_names
from bench.run.story import run

EXAMPLE = Path(__file__).parents[3] / "examples" / "own_mixture" / "mixture.yaml"
SHORT = ["recipe.steps=1", "recipe.prompts_per_task=2", "recipe.rollouts_per_prompt=2", "evaluation.items=8"]


class Silent:
    def phase(self, name: str) -> None: ...
    def step(self, *_: object) -> None: ...


def test_the_example_runs_and_its_record_says_what_it_was(tmp_path: Path) -> None:
    text = (
        EXAMPLE.read_text().replace("steps: 20", "steps: 1").replace("rollouts_per_prompt: 8", "rollouts_per_prompt: 2")
    )
    for file in EXAMPLE.parent.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "mixture.yaml"
    path.write_text(text.replace("items: 100", "items: 8"))

    store = tmp_path / "runs"
    done = run(parse_request(["method=uniform", f"suite={path}", f"store={store}"]), Silent())
    assert done is not None
    record = read(done.path)
    suite = load_suite(str(path))
    assert record.suite.file == suite.file
    assert {task.name: task.file for task in record.tasks} == {
        name: suite.files[name].digest if name in suite.files else None for name in suite.tasks
    }
    assert str(tmp_path) not in done.path.read_text()

    suites = {name: load_suite(name).model_dump(mode="json") for name in suite_names()}
    assert problems_in(done.path) == []
    assert [problem.field for problem in problems_in(done.path, suites)] == ["suite.file"]


def test_a_verdict_that_is_none_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("def score(reply, row): return 0.5")
    rows = "".join(f'{{"prompt": "{number}+1=", "answer": "{number + 1}"}}\n' for number in range(80))
    (tmp_path / "sums.jsonl").write_text(rows)
    words = ["method=uniform", "suite=smoke-v1", f"tasks={tmp_path / 'sums.jsonl'}:{tmp_path / 'check.py'}:score"]
    with pytest.raises(UserError, match=r"task .sums.: its verifier returned 0\.5"):
        run(parse_request([*words, *SHORT, f"store={tmp_path}"]), Silent())
