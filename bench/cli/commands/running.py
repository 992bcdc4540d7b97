"""Commands that train."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.completion import run_words
from bench.cli.dialect import Dialect, data_root_option, dry_run_option, json_option, store_option, suite_option
from bench.cli.keys import KeysHelp, check_keys
from bench.cli.output import print_json
from bench.cli.stack import training_stack
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.request.request import Request


def _asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command that trains has; they are words as well."""
    return suite_option(store_option(data_root_option(command)))


def _note_changes(official: bool, store: Path) -> None:
    """Say, before anything is trained, that a record would be refused because the code is not that of a commit."""
    from bench.records.provenance import changed
    from bench.request.request import RESULTS

    if official and store.resolve() == RESULTS.resolve() and (files := changed()):
        more = f" and {len(files) - 3} more" if len(files) > 3 else ""
        click.echo(
            f"Note: not committed: {', '.join(files[:3])}{more}. `bench validate` refuses records that are made now; "
            "commit first, or keep them elsewhere with store=DIR.",
            err=True,
        )


@click.command(cls=KeysHelp, short_help="train, evaluate and record one method")
@click.argument("words", nargs=-1, metavar="method=M [suite=S] [seed=N] [key=value]...", shell_complete=run_words)
@_asking
@dry_run_option
@json_option
def run(words: tuple[str, ...], as_json: bool) -> None:
    """Train, evaluate and record one method on a suite.

    \b
    bench run method=pcgrad                              the default suite, nano-v2, seed 0
    bench run method=uniform suite=smoke-v1 seed=1       seconds instead of minutes
    bench run method=static method.weights=lookup:20    a method's own setting
    bench run method=pcgrad recipe.learning_rate=1e-4    a changed suite: exploratory, not ranked
    bench run method=pcgrad budget.sampled_tokens=50000  stop when a counter is used up
    bench run method=pcgrad store=runs                   keep the record in runs/ instead of results/
    bench run method=pcgrad save_model=trained           keep the trained model, too
    bench run method=pcgrad suite=small-v1 --dry-run     what it would do, spend and hold in memory

    A method is a name, or the path of a file that ends in .py. A finished run is shown, not repeated. Exit code 1:
    the run failed, and its record says why.
    """
    from bench.cli.displays.runs import make_watcher, show_record
    from bench.records.store import to_text
    from bench.request.request import parse_request, surroundings
    from bench.run.story import run as run_story
    from methods._registry import find

    check_keys(words)
    request = parse_request(words)
    surroundings(request)
    for spec in filter(None, (request.method, request.wrapper)):
        find(spec)
    if request.dry_run:
        _forecast(request, as_json)
        return

    _note_changes(not request.exploratory, request.store)
    with make_watcher() as watcher, training_stack():
        watcher.phase("start")
        finished = run_story(request, watcher)
    if finished is None:  # another process of this run writes the record
        return

    if as_json:
        click.echo(to_text(finished.record), nl=False)
    else:
        if not finished.fresh:
            click.echo("Already done; this is the existing record. Pass store=DIR to train again.\n")
        show_record(finished.record, finished.path)
        if request.save_model and finished.record.status != "failed":
            click.echo(f"Model: {request.save_model}")
    sys.exit(1 if finished.record.status == "failed" else 0)


@click.command(cls=Dialect, short_help="score a checkpoint on a suite")
@click.argument("words", nargs=-1, metavar="MODEL [suite=S] [key=value]...", shell_complete=run_words)
@suite_option
@data_root_option
@json_option
def evaluate(words: tuple[str, ...], as_json: bool) -> None:
    """Score any checkpoint on the held-out items of a suite, in the same way as a run's model. Nothing is recorded.

    \b
    bench evaluate nano2 suite=nano-v2                     the base model of a suite
    bench evaluate trained suite=nano-v2                   what save_model=trained kept, whole or an adapter
    bench evaluate Qwen/Qwen2.5-0.5B suite=mixture.yaml    any causal language model, on a mixture of your own
    bench evaluate trained evaluation.items=50 --json      fewer items

    The suite says tasks, items, temperature and the longest reply; its model and its training are ignored.
    """
    from bench.cli.displays.runs import make_watcher, show_scores
    from bench.request.request import parse_request

    if not words or "=" in words[0]:
        raise UserError("which model? Say `bench evaluate MODEL suite=S`, with a folder, nano2, nano or a hub's id.")
    check_keys(words[1:])
    request = parse_request(["method=uniform", *words[1:]])
    with make_watcher() as watcher, training_stack():
        from bench.run.scoring import scored

        watcher.phase("evaluate")
        found = scored(words[0], request)

    if as_json:
        scores = {name: score.model_dump(mode="json") for name, score in found.items()}
        print_json({"model": words[0], "suite": request.suite.name, "tasks": scores})
    else:
        show_scores(found, f"{words[0]} on {request.suite.name}")


@click.command(cls=Dialect, short_help="time a method's step beside uniform's")
@click.argument("words", nargs=-1, metavar="method=M [suite=S] [key=value]...", shell_complete=run_words)
@click.option("--rounds", type=click.IntRange(1, 1000), default=9, show_default=True, help="pairs of steps")
@_asking
@json_option
def cost(words: tuple[str, ...], rounds: int, as_json: bool) -> None:
    """Time the step of a method beside that of uniform: in turns, on the same batches, in processor seconds.

    \b
    bench cost method=pcgrad                    on the default suite
    bench cost method=uniform wrapper=samo      what a wrapper adds
    bench cost method=upgrad suite=smoke-v1 --rounds 30

    Nothing is trained and nothing is recorded. Rollouts, which cost every method the same, are left out.
    """
    from dataclasses import asdict

    from bench.cli.displays.runs import make_watcher
    from bench.request.request import parse_request, surroundings

    check_keys(words)
    request = parse_request(words)
    surroundings(request)
    with make_watcher() as watcher, training_stack():
        from bench.run.cost import step_cost

        found = step_cost(request, rounds, watcher)

    if as_json:
        print_json(asdict(found))
        return
    click.echo(
        f"A step of {found.method} on {found.suite} takes {found.ratio:.2f} of the processor time of uniform's "
        f"({found.least:.2f} to {found.most:.2f} in {found.rounds} pairs); uniform's takes {found.seconds:.3f} s."
    )


def _forecast(request: "Request", as_json: bool) -> None:
    """Print what a run would do, without training."""
    from bench.cli.displays.forecasts import forecast_json, show_forecast
    from bench.cli.displays.terminal import console
    from bench.run.forecast import forecast

    found = forecast(request)
    print_json(forecast_json(found)) if as_json else show_forecast(found, console())


@click.command(cls=Dialect, short_help="list runs: done, failed, to do; their cost")
@click.argument(
    "words", nargs=-1, metavar="method=M,... [suite=S,...] [seed=N,...|all] [key=value]...", shell_complete=run_words
)
@_asking
@json_option
@click.option("--slurm", "folder", type=click.Path(path_type=Path), help="write a Slurm job array into this folder")
def plan(words: tuple[str, ...], as_json: bool, folder: Path | None) -> None:
    """List runs: which are done, running, failed or to do, and what the rest will cost. Nothing is run.

    \b
    bench plan method=pcgrad,mgda suite=nano-v2 seed=all   two methods, all seeds of the suite
    bench plan method=all suite=smoke-v1 seed=0..2         every method but peers
    bench plan method=uniform wrapper=none,samo seed=0     without and with a wrapper
    bench plan method=all seed=all workers=8               when eight workers would be done
    bench plan method=all seed=all --slurm jobs            jobs/array.sh and the list of its runs

    The other arguments are those of `bench run`, and apply to every run. Costs are taken from the ledgers of earlier
    runs, in the store and in results/.
    """
    from bench.cli.displays.sweeps import show_plan
    from bench.sweeps.plan import plan as planned
    from bench.sweeps.plan import plan_json

    if not folder and any(word.startswith("slurm.") for word in words):
        raise UserError("slurm.* options are for a job array; say where to write it: --slurm DIR.")
    found = planned(words)
    if folder:
        from bench.sweeps.slurm import write_array

        paths = write_array(found, folder)
        click.echo("".join(f"Written: {path}\n" for path in paths) + f"Submit with `sbatch {paths[-1]}`.", err=as_json)
    if as_json:
        print_json(plan_json(found))
    else:
        show_plan(found)


@click.command(cls=Dialect, short_help="run what `bench plan` lists as not done")
@click.argument(
    "words", nargs=-1, metavar="method=M,... [suite=S,...] [seed=N,...|all] [key=value]...", shell_complete=run_words
)
@_asking
@json_option
def sweep(words: tuple[str, ...], as_json: bool) -> None:
    """Run everything that `bench plan` lists as not done, each run in its own process.

    \b
    bench sweep method=pcgrad,mgda suite=nano-v2 seed=all  two runs at once, on this machine
    bench sweep method=all seed=all workers=8 store=runs   eight at once
    bench sweep method=frontier suite=nano-v2 seed=all     every static point that the suite names under sweep
    bench sweep method=all timeout=3600 retries=1          kill runs after an hour; retry crashed runs once
    bench sweep method=all seed=all backend=ray            on a Ray cluster, or a Ray of this machine
    bench sweep method=all backend=ray ray.address=HOST:6379 ray.cpus=4 ray.gpus=1

    To resume after a crash or an interrupt, repeat the command: finished runs are skipped. Several sweeps may share
    a store and a plan. Exit code 1: a run failed; failures are listed at the end, with the command that retries each.
    """
    from bench.cli.displays.sweeps import reporter, show_summary, summary_json
    from bench.sweeps.plan import plan as planned
    from bench.sweeps.sweep import carry_out

    found = planned(words)
    if found.wanted:
        first = found.wanted[0].run
        _note_changes("~" not in first.suite, first.store)
    with reporter(found) as watching:
        summary = carry_out(found, watching)
    print_json(summary_json(summary)) if as_json else show_summary(summary, found)
    sys.exit(summary.exit_code)


@click.command(cls=Dialect, short_help="choose settings by trials")
@click.argument("words", nargs=-1, metavar="method=M,... suite=S trials=N [key=value]...", shell_complete=run_words)
@_asking
@dry_run_option
@json_option
def tune(words: tuple[str, ...], as_json: bool) -> None:
    """Choose settings and a learning rate for each method of the tuned track, all by the same number of trials.

    \b
    bench tune method=pcgrad,uniform suite=nano-v2 trials=8  the defaults, and seven points of the search space
    bench tune method=all suite=nano-v2 trials=8 workers=4   every method but peers, four runs at once
    bench tune method=pcgrad trials=8 seeds=2                every point on two tuning seeds, 1000 and 1001
    bench tune method=pcgrad trials=8 --dry-run              only the points, and what they will cost
    bench tune method=pcgrad trials=8 tuned=mine             write to mine/ instead of tuned/
    bench run method=pcgrad suite=nano-v2 track=tuned        then: a run with what was chosen

    Trials never use the seeds and the held-out items that are reported: they run on seeds from 1000 up, and are
    measured on the items after the suite's (items=N: on fewer, where a task has no more). To resume
    after a crash or an interrupt, repeat the command. Exit code 1: a trial has no record, and its method is not tuned.
    """
    from bench.cli.displays.sweeps import reporter
    from bench.cli.displays.tuned import points_json, tuned_json
    from bench.cli.displays.tuning import show_points, show_tuned
    from bench.tuning.tune import plan_of, trials_of
    from bench.tuning.tune import tune as carry_out
    from bench.tuning.words import asked

    wanted = asked(words)
    trials = trials_of(wanted)
    plan = plan_of(wanted, trials)
    if wanted.dry_run:
        print_json(points_json(trials, plan)) if as_json else show_points(wanted, trials, plan)
        return

    with reporter(plan) as watching:
        summary, found = carry_out(wanted, watching, trials=trials)
    if as_json:
        print_json(tuned_json(found))
        sys.exit(0 if all(each.tuning for each in found) else 1)
    sys.exit(show_tuned(found, summary, plan))
