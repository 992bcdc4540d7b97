"""Sweeps: every run once, failures told and survived, shared work, and nothing left running."""

import os
import signal

import pytest

from bench.errors import UserError
from bench.records.claims import claim, claimed
from bench.records.store import read
from bench.sweeps.local import LocalBackend, log_of
from bench.sweeps.scheduler import Scheduler


def sweep(bench, events, runs, retries=0, workers=2, timeout=None):
    return Scheduler(runs, LocalBackend(workers, timeout, bench.command), events, retries).execute()


def results(outcomes):
    return {str(outcome.run): outcome.result for outcome in outcomes}


def test_every_run_is_run_once_and_recorded(bench, events):
    runs = [bench.run("good", seed) for seed in range(5)]
    outcomes = sweep(bench, events, runs)
    assert {outcome.result for outcome in outcomes} == {"done"}
    assert all(outcome.fresh and outcome.seconds > 0 for outcome in outcomes)
    assert [read(run.path).identity for run in runs] == [run.identity for run in runs]
    assert len(bench.notes()) == 5
    assert not any(claimed(run.path, run.store) for run in runs)


def test_the_same_sweep_again_runs_nothing(bench, events):
    runs = [bench.run("good", seed) for seed in range(3)]
    sweep(bench, events, runs)
    again = sweep(bench, events, runs)
    assert [outcome.fresh for outcome in again] == [False] * 3
    assert len(bench.notes()) == 3


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("fails", "the loss is not a number"),
        ("raises", "ValueError: a bug of ours"),
        ("misused", "there is no such key."),
        ("silent", "it ended without a record of this run"),
        ("dies", "killed by SIGKILL, perhaps out of memory"),
    ],
)
def test_a_failure_has_its_reason_and_the_others_go_on(bench, events, kind, said):
    runs = [bench.run(kind), *(bench.run("good", seed) for seed in range(2))]
    outcomes = {outcome.run.method: outcome for outcome in sweep(bench, events, runs, workers=1)}
    assert (outcomes[kind].result, outcomes[kind].reason) == ("failed", said)
    assert outcomes["good"].result == "done"
    assert len(bench.notes()) == 3
    assert f"method={kind} " in log_of(runs[0]).read_text().splitlines()[0]


def test_a_failed_run_is_run_again_and_its_old_record_explains_no_new_crash(bench, events):
    run = bench.run("raises")
    bench.save(bench.store, bench.make_record(method="raises", suite="demo", status="failed", reason="long ago"))
    (outcome,) = sweep(bench, events, [run])
    assert outcome.reason == "ValueError: a bug of ours"


def test_a_run_out_of_time_is_killed_with_all_that_it_started(bench, events):
    outcomes = sweep(bench, events, [bench.run("hangs"), bench.run("good")], timeout=1.0)
    assert results(outcomes) == {"hangs on demo, seed 0": "failed", "good on demo, seed 0": "done"}
    (reason,) = [outcome.reason for outcome in outcomes if outcome.reason]
    assert reason == "killed after 1 s, which was its timeout"
    ((child, *_),) = bench.notes("child")
    bench.wait(lambda: not bench.is_alive(child))


def test_what_died_is_started_again_as_often_as_is_said(bench, events):
    outcomes = sweep(bench, events, [bench.run("once"), bench.run("dies"), bench.run("raises")], retries=1)
    assert results(outcomes) == {
        "once on demo, seed 0": "done",
        "dies on demo, seed 0": "failed",
        "raises on demo, seed 0": "failed",
    }
    methods = [method for method, *_ in bench.notes()]
    assert {method: methods.count(method) for method in methods} == {"once": 2, "dies": 2, "raises": 1}
    assert len(events.repeated) == 2


def test_progress_is_read_from_what_a_run_prints(bench, events):
    sweep(bench, events, [bench.run("slow")])
    assert "train 1/2" in events.seen


def test_a_run_may_hold_its_own_claim_while_the_sweep_waits_for_it(bench, events):
    (outcome,) = sweep(bench, events, [bench.run("claims")])
    assert outcome.result == "done"


def test_a_run_that_another_process_has_is_waited_for(bench, events):
    run = bench.run("refused")
    (outcome,) = sweep(bench, events, [run])
    assert (outcome.result, outcome.fresh) == ("done", False)
    assert len(bench.notes()) == 1


def test_a_claimed_run_is_begun_only_when_it_is_free(bench, events):
    """Free runs go first."""
    taken, free = bench.run("good", 0), bench.run("slow", 1)
    with claim(taken.path, taken.store) as mine:
        assert mine
        scheduler = Scheduler([taken, free], LocalBackend(1, None, bench.command), events)
        scheduler._fill()
        assert [active.run for active in scheduler.active] == [free]
    assert len(scheduler.execute()) == 2
    assert events.begun == [("slow", 1), ("good", 1)]


def test_two_sweeps_share_the_work(bench):
    runs = [bench.run("slow", seed) for seed in range(6)]
    both = [bench.sweeping(runs), bench.sweeping(runs)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(int(seed) for _, seed, _ in bench.notes()) == list(range(6))
    assert all("started" in text for text in said), "one did it all"
    assert all(text.count("done slow") == 6 for text in said)


def test_a_killed_run_is_told_and_the_same_sweep_completes(bench, events):
    runs = [bench.run("later"), *(bench.run("good", seed) for seed in range(3))]
    process = bench.sweeping(runs)
    ((_, _, number),) = [note for note in bench.wait_for(4) if note[0] == "later"]
    os.kill(int(number), signal.SIGKILL)
    said, _ = process.communicate(timeout=30)
    assert "failed later on demo, seed 0 True killed by SIGKILL" in said
    assert said.count("done good") == 3
    again = sweep(bench, events, runs)
    assert [(str(outcome.run), outcome.result) for outcome in again if outcome.fresh] == [
        ("later on demo, seed 0", "done")
    ]
    assert len(again) == 4


def test_a_killed_sweep_takes_its_runs_with_it_and_the_same_sweep_completes(bench, events):
    runs = [bench.run("good"), bench.run("later", 0), bench.run("later", 1)]
    process = bench.sweeping(runs)
    begun = bench.wait_for(3)
    process.kill()
    process.communicate()
    for *_, number in begun:
        bench.wait(lambda number=number: not bench.is_alive(number))
    assert not any(claimed(run.path, run.store) for run in runs)
    again = sweep(bench, events, runs)
    assert [outcome.result for outcome in again] == ["done"] * 3
    assert len(bench.notes()) == 5


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_lets_its_runs_end_and_leaves_nothing_running(bench, how):
    process = bench.sweeping([bench.run("obeys_0"), bench.run("obeys_1"), bench.run("good")])
    children = bench.wait_for(2, "child")
    process.send_signal(how)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert said.count("interrupted obeys") == 2
    assert "good" not in said, "nothing is begun after an interrupt"
    assert len(bench.notes("interrupted")) == 2
    for number, *_ in [*children, *[[note[-1]] for note in bench.notes()]]:
        bench.wait(lambda number=number: not bench.is_alive(number))


def test_what_does_not_obey_is_killed_at_the_second_interrupt(bench):
    process = bench.sweeping([bench.run("deaf")], before="")
    ((*_, number),) = bench.wait_for(1, "deaf")
    process.send_signal(signal.SIGINT)
    bench.wait_for(1, "told")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    bench.wait(lambda: not bench.is_alive(number))


def test_a_store_that_cannot_be_written_is_one_sentence(bench, events):
    run = bench.run("good")
    bench.store.write_text("a file")
    with pytest.raises(UserError, match=r"cannot claim the run .* store=DIR"):
        sweep(bench, events, [run])


def test_a_full_disk_is_found_before_a_run_is_begun(bench):
    """No file may grow: what the kernel says then is what it says of a full disk, but for the number."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    process = bench.sweeping([bench.run("good", seed) for seed in range(2)], before=limit)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.startswith("refused: cannot write")
    assert said.count("\n") == 1
    assert bench.notes() == []


def test_a_disk_that_fills_ends_the_sweep_with_a_sentence_and_keeps_what_is_done(bench, events):
    """After the first run, the log of the second cannot be written."""
    first, second = bench.run("good", 0), bench.run("other", 0)
    (bench.store / ".logs" / "demo").mkdir(parents=True)
    (bench.store / ".logs" / "demo" / "other").write_text("a file where a folder should be")
    scheduler = Scheduler([first, second], LocalBackend(1, None, bench.command), events)
    assert results(scheduler.execute()) == {"good on demo, seed 0": "done"}
    assert "cannot write" in scheduler.trouble
