"""A tuning from its runs: what has no record is run, the best is chosen and written, nothing is done twice."""

import sys
from itertools import chain

import pytest

from bench.cli.main import main
from bench.errors import UserError
from bench.records.store import read as read_record
from bench.records.store import to_text, write
from bench.records.tuning import place_of, read
from bench.tuning import tune as tuning_story
from bench.tuning.tune import plan_of, trials_of, tune
from bench.tuning.words import asked

DIES = (sys.executable, "-c", "raise SystemExit('bench: it died')")
"""Stands in for `bench run`."""


class Events:
    """A reporter that counts what is begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def started(self, run, attempt):
        self.begun.append(f"{run.method}/{run.seed}")

    def again(self, run, reason): ...
    def ended(self, outcome): ...
    def look(self, active, waiting): ...


@pytest.fixture
def story(tmp_path, make_record):
    """`story.deliver(trial, gains)` writes the record of a trial's run; `story.tune()` goes on."""

    class Story:
        events = Events()

        def __init__(self) -> None:
            self.words = ["method=static", "suite=smoke-v1", "trials=3", f"tuned={tmp_path}"]
            self.path = tmp_path / "smoke-v1" / "static.json"
            self.ask()

        def ask(self, *words: str) -> None:
            self.asked = asked([*self.words, *words])
            self.trials = trials_of(self.asked)

        def deliver(self, trial: int, gains: list[int], seed: int = 0, **fields) -> None:
            run, point = self.trials[0].runs[trial][seed], self.trials[0].draft.points[trial]
            suite = {"name": run.suite, "digest": run.digest, "overrides": {"evaluation.skip": 40}}
            record = make_record(
                method="static", seed=run.seed, suite=run.suite, gains=gains, use={"settings": point.settings}, **fields
            )
            record = record.model_copy(update={"identity": run.identity})
            write(run.path, to_text(record.model_copy(update={"suite": record.suite.model_copy(update=suite)})))

        def tune(self):
            return tune(self.asked, self.events, DIES, self.trials)

    return Story()


def test_the_best_of_the_trials_is_written(story):
    for trial, gains in enumerate(([4, 4, 4], [9, 0, 6], [1, 1, 1])):
        story.deliver(trial, gains)
    summary, (found,) = story.tune()
    assert summary.exit_code == 0
    assert story.events.begun == []
    written = read(story.path)
    assert written == found.tuning
    assert (written.chosen, [round(trial.gain, 6) for trial in written.trials]) == (1, [0.1, 0.125, 0.025])
    assert written.best.settings == story.trials[0].draft.points[1].settings
    assert [len(written.trials), written.seeds, written.items, written.skip] == [3, [1000], 40, 40]
    for trial, runs in zip(written.trials, story.trials[0].runs, strict=True):
        (run,) = runs
        assert run.path == story.path.parents[1] / "trials" / place_of(written, trial, 1000)
        assert trial.runs[0].outcome == read_record(run.path).outcome_digest


def test_what_has_no_record_is_run_and_without_it_nothing_is_written(story):
    story.deliver(0, [4, 4, 4])
    story.deliver(2, [1, 1, 1])
    summary, (found,) = story.tune()
    assert (summary.exit_code, found.tuning, len(found.missing)) == (1, None, 1)
    assert len(story.events.begun) == 1
    assert not story.path.exists()
    story.deliver(1, [9, 9, 9])
    assert story.tune()[1][0].tuning
    assert len(story.events.begun) == 1
    assert read(story.path).chosen == 1


def test_a_failed_trial_is_a_trial_without_gain_and_is_not_run_again(story):
    story.deliver(0, [-4, -4, -4])
    story.deliver(1, [9, 9, 9], status="failed", reason="step 3: it diverged.")
    story.deliver(2, [-1, -1, -1])
    story.tune()
    assert story.events.begun == []
    written = read(story.path)
    assert [trial.runs[0].status for trial in written.trials] == ["done", "failed", "done"]
    assert (written.trials[1].gain, written.chosen) == (0.0, 2)


def test_more_trials_and_seeds_repeat_none(story):
    for trial in range(3):
        story.deliver(trial, [4, 4, 4])
    before = set(chain(*story.trials[0].runs))
    story.words.remove("trials=3")
    story.ask("trials=5", "seeds=2")
    runs = set(chain(*story.trials[0].runs))
    assert before < runs
    assert len(runs) == 10
    assert [entry.wanted for entry in plan_of(story.asked, story.trials).entries].count(True) == 7


def test_a_committed_tuning_stays(story, monkeypatch):
    for trial in range(3):
        story.deliver(trial, [4, 4, 4])
    story.tune()
    monkeypatch.setattr(tuning_story, "is_tracked", lambda path: True)
    story.ask()
    story.words.remove("trials=3")
    with pytest.raises(UserError, match=r"committed, with 3 trials .* say tuned=DIR"):
        story.ask("trials=4")


def test_a_dry_run_shows_the_points_and_runs_nothing(story, monkeypatch, capsys):
    words = [*story.words, "dry_run=true"]
    monkeypatch.setattr(sys, "argv", ["bench", "tune", *words])
    main()
    shown = capsys.readouterr().out
    assert "static on smoke-v1: 3 trials, seeds 1000, 40 items after the first 40" in shown
    assert "3 runs left" in shown
    assert shown.count("to do") == 3
    assert f"{story.trials[0].draft.points[1].learning_rate:.4g}" in shown
    assert not story.path.exists()


def test_misuse_is_exit_code_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "tune", "method=uniform"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "how many trials" in capsys.readouterr().err
