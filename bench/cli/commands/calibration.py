"""The command that judges whether a suite can tell methods apart."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.dialect import Dialect, json_option
from bench.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.analysis.gate import Gate
    from bench.tuning.gate import Asked, Labelled, Stage
    from bench.tuning.statics import Weights

PAGE = Path(__file__).parents[3] / "docs" / "suites.md"


@click.command(cls=Dialect, short_help="test whether a suite may be frozen")
@click.argument("suite")
@click.argument("words", nargs=-1, metavar="[seeds=N] [workers=N] [factors=X,...] [store=DIR]...")
@click.option(
    "--page", type=click.Path(path_type=Path), default=PAGE, help="file for the figures, by default docs/suites.md"
)
@click.option("--points", is_flag=True, help="write the static points into the suite's file, for method=frontier")
@json_option
def calibrate(suite: str, words: tuple[str, ...], page: Path, points: bool, as_json: bool) -> None:
    """Put a suite to the gate: test in four stages of runs whether it may be frozen, and print the figures.

    \b
    bench calibrate nano-v2                       about sixty runs, two at once
    bench calibrate nano-v2 seeds=5 scan_seeds=3  more seeds for the panel, for rates and weights
    bench calibrate nano-v2 factors=0.5,2,4       other learning rates, as multiples of the suite's
    bench calibrate nano-v2 --points              then: bench sweep method=frontier suite=nano-v2 seed=all

    It runs uniform at four learning rates or more, about sixteen points of static weights, two of them between the
    best of the others, and eight methods that work in different ways. All runs use tuning seeds, and held-out items
    that are never reported. The figures are also written into docs/suites.md. Repeat the command to resume after a
    crash or an interrupt. Exit code 1: a run is missing, or the suite does not pass.
    """
    from bench.analysis.gate import markdown, on_page
    from bench.tuning.gate import asked

    wanted = asked(suite, words)
    gate, grid = _measured(wanted)
    lines = list(markdown(gate))
    if as_json:
        print_json({"suite": wanted.suite.name, "passed": gate.passed, "table": lines})
    say = partial(click.echo, err=as_json)
    say("\n".join(lines))
    if page.exists():
        page.write_text(on_page(page.read_text(encoding="utf-8"), wanted.suite.name, lines), encoding="utf-8")
        say(f"\nWritten: {page}")
    if points:
        say(f"Written: {_kept(wanted.suite.name, grid)}")
    sys.exit(0 if gate.passed else 1)


def _kept(suite: str, grid: "Mapping[str, Weights]") -> Path:
    """The suite's file, which names the static points from here on: no part of its digest."""
    from bench.places import checkout
    from bench.tuning.statics import in_suite

    path = checkout("bench calibrate --points") / "suites" / f"{suite}.yaml"
    path.write_text(in_suite(path.read_text(encoding="utf-8"), suite, grid), encoding="utf-8")
    return path


def _measured(wanted: "Asked") -> "tuple[Gate, Mapping[str, Weights]]":
    """The stages one after the other, each needs the one before; the gate, and its points of static weights."""
    from bench.analysis.gate import REFERENCE, gate_of, mean_gain, task_lines
    from bench.tuning.gate import panel_words, rate_words, rates, static_words
    from bench.tuning.statics import designed, refined

    by_label = _stage(wanted, "learning rates", rate_words(wanted), wanted.scan_seeds).records
    by_rate = {rate: by_label[label] for rate, label in rates(wanted).items()}
    own = by_rate[wanted.suite.recipe.learning_rate]
    tasks = task_lines(own)

    grid = designed(wanted.suite, [task.reply_tokens for task in tasks], [task.squared_norm for task in tasks])
    statics = _stage(wanted, "static weights", static_words(grid), wanted.scan_seeds).records
    gains = {label: mean_gain(runs) for label, runs in {REFERENCE: own, **statics}.items()}
    between = refined(wanted.suite, grid, gains)
    more = _stage(wanted, "between the best", static_words(between), wanted.scan_seeds).records

    panel = _stage(wanted, "panel", panel_words(wanted), wanted.seeds).records
    rate, seeds = wanted.suite.recipe.learning_rate, len(wanted.suite.seeds)
    return gate_of(rate, seeds, by_rate, {**statics, **more}, panel), {**grid, **between}


def _stage(wanted: "Asked", title: str, labelled: "Labelled", seeds: "Sequence[int]") -> "Stage":
    """Run a stage, and end the command if a run is missing."""
    from bench.cli.displays.sweeps import reporter, show_summary
    from bench.tuning.gate import planned, settled

    plan = planned(wanted, labelled, seeds)
    click.echo(f"{title}: {len(plan.entries)} runs", err=True)
    with reporter(plan) as watching:
        stage = settled(wanted, labelled, seeds, plan, watching)
    if stage.summary.exit_code:
        show_summary(stage.summary, plan)
        sys.exit(1)
    return stage
