"""Commands that check, repeat and hand in results."""

import sys
from pathlib import Path

import click

from bench.cli.dialect import Dialect, data_root_option, json_option, store_option
from bench.cli.output import print_json
from bench.cli.stack import training_stack
from bench.errors import UserError


@click.command(cls=Dialect, short_help="check records as CI does")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@store_option
@click.option(
    "--against",
    metavar="REF",
    default=None,
    help="commit whose records must stay as they are; by default where HEAD left main",
)
@click.option(
    "--checkout", type=click.Path(path_type=Path), default=None, help="validate another checkout; none of its code runs"
)
@json_option
def validate(
    paths: tuple[Path, ...], store: Path | None, against: str | None, checkout: Path | None, as_json: bool
) -> None:
    """Check records exactly as CI does. Without a path, check all of results/.

    \b
    bench validate                                         every record, and every reproduction
    bench validate results/nano-v2/pcgrad                  one method; it is compared with the rest of the suite
    bench validate store=runs                              another store

    Each problem names file, field, reason and remedy. Warnings and notices do not fail validation; errors
    exit with 1.
    """
    from bench.cli.displays import verdicts as display
    from bench.cli.displays.terminal import console
    from bench.places import checkout as the_checkout
    from bench.validation.checkout import Checkout
    from bench.validation.verdict import validate as judge

    root = checkout or the_checkout("bench validate")
    folder = store or root / "results"
    verdict = judge(folder, paths, against, Checkout(root))
    if as_json:
        print_json(display.verdict_json(verdict))
    else:
        for line in display.lines(verdict):
            click.echo(line)
        console().print(display.table(verdict, folder))
        for line in display.summary(verdict):
            click.echo(line)
    sys.exit(0 if verdict.good else 1)


@click.command(cls=Dialect, short_help="repeat a record's run and compare")
@click.argument("words", nargs=-1, metavar="[RECORD] [store=DIR] [data_root=DIR]")
@store_option
@data_root_option
@click.option("--sample", type=int, metavar="N", help="draw N records that are new since main, in place of RECORD")
@click.option("--seed", type=int, default=0, show_default=True, help="seed of the draw")
@click.option("--against", metavar="REF", help="commit whose records are not new; by default where HEAD left main")
@click.option("--out", type=click.Path(path_type=Path), help="folder for reproductions, by default reproductions/")
@click.option("--anyway", is_flag=True, help="run even where this checkout has other code; nothing is written then")
@json_option
def reproduce(
    words: tuple[str, ...],
    sample: int | None,
    seed: int,
    against: str | None,
    out: Path | None,
    anyway: bool,
    as_json: bool,
) -> None:
    """Repeat a record's run on this machine, and say whether the outcome is the same.

    \b
    bench reproduce results/nano-v2/pcgrad/0.json               the rerun goes to a temporary store
    bench reproduce results/nano-v2/pcgrad/0.json store=again   and stays in a store of its own
    bench reproduce --sample 2 --seed 417                       two records of a pull request, drawn by a seed

    Bitwise: the outcome digests are equal, as they must be on the same packages and hardware. Within tolerance: no
    score and no gain differs by more than other samples or another seed would make it; the rule is fixed in
    bench/records/reproductions.py. Writes a reproduction, a small JSON file. Exit code 1: not reproduced.
    """
    from bench.cli.displays.reproductions import again_json, show_again
    from bench.cli.displays.runs import make_watcher
    from bench.cli.displays.terminal import console
    from bench.contributing.reproduce import REPRODUCTIONS
    from bench.contributing.reproduce import reproduce as run_again
    from bench.run.story import run

    verdicts = list[str]()
    records, given = _asked(words, sample, seed, against)
    for record in records:
        with make_watcher() as watcher, training_stack():
            watcher.phase("start")
            again = run_again(record, given, out or REPRODUCTIONS, watcher, run, anyway)
        if again is None:  # a process beside the first one of a run
            continue
        print_json(again_json(again)) if as_json else show_again(again, console())
        verdicts.append(again.reproduction.verdict)
    sys.exit(1 if "not reproduced" in verdicts else 0)


def _asked(
    words: tuple[str, ...], sample: int | None, seed: int, against: str | None
) -> tuple[list[Path], tuple[str, ...]]:
    """The records to run again, and the words that go with each of them."""
    from bench.contributing.sample import drawn
    from bench.request.request import RESULTS

    if sample is not None:
        return drawn(RESULTS, sample, seed, against), words
    if not words or "=" in words[0]:
        raise UserError("which record? Give its file, or draw some of a pull request with --sample N --seed S.")
    return [Path(words[0])], words[1:]


@click.command(cls=Dialect, short_help="prepare a pull request of results")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dry-run/--no-dry-run", default=True, show_default=True, help="only say what would be done")
@click.option("--branch", help="name of the branch that is made")
@click.option("--text", type=click.Path(path_type=Path), help="file for the text, by default runs/pull-request.md")
@json_option
def submit(paths: tuple[Path, ...], dry_run: bool, branch: str | None, text: Path | None, as_json: bool) -> None:
    """Prepare a pull request of results, reproductions and methods: check, list, compare; push nothing.

    \b
    bench submit                              all that differs from HEAD: what would be handed in, and the text
    bench submit results/nano-v2/mine         only this
    bench submit --no-dry-run --branch mine   make a branch with one commit of these files, and write the text

    Exit code 1: something is wrong with a file, and nothing was done.
    """
    from bench.cli.displays.submissions import contribution_json, pull_request, show_contribution, show_done
    from bench.contributing.submit import commit, contribution
    from bench.places import checkout

    root = checkout("bench submit")
    found = contribution(root, paths)
    body = pull_request(found)
    name = branch or found.branch
    where = text or root / "runs" / "pull-request.md"
    if not as_json:
        show_contribution(found, name, body if dry_run else "")
    if not found.problems and not dry_run:
        commit(found, name, body, where)
        if not as_json:
            show_done(found, name, where)

    if as_json:
        print_json(contribution_json(found, name, body, done=not dry_run and not found.problems))
    sys.exit(1 if found.problems else 0)
