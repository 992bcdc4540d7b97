"""What the terminal shows of plans and sweeps."""

from pathlib import Path

import pytest

from bench.cli.displays.sweeps import LiveReporter, PlainReporter, duration, seeds_text, show_plan, show_summary
from bench.sweeps.estimates import Estimate
from bench.sweeps.plan import Entry, Plan
from bench.sweeps.runs import Run, Status
from bench.sweeps.scheduler import Active, Outcome
from bench.sweeps.sweep import Summary
from bench.sweeps.words import Options

UNKNOWN = Estimate(None, None, "nothing known")


def entry(method, seed=0, status=None, estimate=UNKNOWN):
    path = Path("runs", "demo", method, f"{seed}.json")
    words = (f"method={method}", "suite=demo", f"seed={seed}", "store=my runs")
    run = Run(words, "demo", "0" * 64, method, seed, 1, Path("runs"), path, "0" * 64)
    return Entry(run, status or Status("to do"), estimate)


@pytest.mark.parametrize(
    ("seeds", "text"), [([], ""), ([3], "3"), ([0, 1, 2], "0-2"), ([4, 0, 1, 7, 8], "0-1 4 7-8"), ([0, 2], "0 2")]
)
def test_neighbouring_seeds_are_joined(seeds, text):
    assert seeds_text(seeds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5940, "99 min"), (6000, "1 h 40 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_plan_shows_seeds_by_state_reasons_and_what_is_left(capsys):
    known = Estimate(90.0, 2**30, "3 earlier of it")
    entries = [entry("pcgrad", seed, Status("done"), known) for seed in range(3)]
    entries += [entry("pcgrad", 3, estimate=known), entry("pcgrad", 4, estimate=known)]
    entries += [
        entry("mgda", 0, Status("failed", "it [diverged]")),
        entry("mgda", 1, Status("other version", "v1", True)),
    ]
    show_plan(Plan(entries, ["x takes no wrapper"], Options()))
    said = " ".join(capsys.readouterr().out.split())
    for text in ("0-2", "3-4", "~90 s", "it [diverged]", "stays", "left out: x takes no wrapper"):
        assert text in said
    assert "7 runs: 3 done, 1 failed, 1 other version, 2 to do." in said
    assert "3 runs left, about 3 min for one worker, 3 min for 2, and up to 2.0 GiB of memory" in said
    assert "1 of them are not known" in said


def test_a_plan_of_which_nothing_is_left_or_known_says_so(capsys):
    show_plan(Plan([entry("pcgrad", 0, Status("done"))], [], Options()))
    assert "Nothing is left to run." in capsys.readouterr().out
    show_plan(Plan([entry("pcgrad")], [], Options()))
    assert "not known before one of the suite is done" in capsys.readouterr().out


def test_a_summary_has_reasons_logs_and_commands_that_a_shell_takes(capsys):
    found, failed, stays = (
        entry("a", 0, Status("done")),
        entry("b"),
        entry("c", 0, Status("unreadable", "no JSON", True)),
    )
    outcomes = [Outcome(failed.run, "failed", "killed by [SIGKILL]"), Outcome(entry("d").run, "done")]
    summary = Summary([found], [stays], outcomes, 2, "cannot write x.", interrupted=True)
    show_summary(summary, Plan([found, failed, stays, entry("d"), entry("e"), entry("f")], [], Options()))
    said = capsys.readouterr().out
    for text in (
        "failed: b on demo, seed 0: killed by [SIGKILL]",
        "log: runs/.logs/demo/b/0.log",
        "again: bench run method=b suite=demo seed=0 'store=my runs'",
        "failed: c on demo, seed 0: unreadable: no JSON",
        "6 runs: 1 done before, 1 done, 1 failed, 2 not begun, 1 not run: their records stay.",
        "cannot write x.",
        "To resume, repeat the command.",
    ):
        assert text in said


class Job:
    """A run that is half done."""

    def progress(self):
        return "train 12/60"


@pytest.mark.parametrize("kind", [PlainReporter, LiveReporter])
def test_what_happens_is_told(kind, capsys, monkeypatch):
    monkeypatch.setattr("bench.cli.displays.sweeps.EVERY", 0.0)
    plan = Plan([entry("a", estimate=Estimate(60.0, 0, "")), entry("b", estimate=Estimate(60.0, 0, ""))], [], Options())
    first, second = (each.run for each in plan.entries)
    with kind(plan) as reporter:
        reporter.started(first, 2)
        reporter.again(first, "it died")
        reporter.look([Active(first, Job(), None, 0.0)], [second])
        reporter.ended(Outcome(first, "done", seconds=12.3))
        reporter.ended(Outcome(second, "failed", "no luck"))
    said = capsys.readouterr().err
    assert "started: a on demo, seed 0 (attempt 2)" in said
    assert "retry: a on demo, seed 0: it died" in said
    assert "done (1/2): a on demo, seed 0, 12 s" in said
    assert "failed (2/2): b on demo, seed 0, 0 s: no luck" in said


def test_the_live_table_has_progress_and_the_time_left():
    plan = Plan([entry(name, estimate=Estimate(60.0, 0, "")) for name in "ab"], [], Options())
    reporter = LiveReporter(plan)
    active = Active(plan.entries[0].run, Job(), None, reporter._drawn - 20)
    assert reporter._title([active], [plan.entries[1].run]) == (
        "0 of 2 done, 0 failed, 1 running, 1 waiting, about 2 min left"  # 40 of the first, 60 of the second
    )
