"""Commands that train."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from bench.errors import UserError

if TYPE_CHECKING:
    from bench.config import Request
    from bench.run import Finished, Watcher


@click.command()
@click.argument("words", nargs=-1, metavar="method=M [suite=S] [seed=N] [key=value]...")
def run(words: tuple[str, ...]) -> None:
    """Train, evaluate and record one method on a suite.

    \b
    bench run method=pcgrad                              the default suite, nano-v1, seed 0
    bench run method=uniform suite=smoke-v1 seed=1       seconds instead of minutes
    bench run method=static method.weights=lookup:20    a method's own setting
    bench run method=pcgrad recipe.learning_rate=1e-4    a changed suite: exploratory, not ranked
    bench run method=pcgrad budget.sampled_tokens=50000  stop when a counter is used up
    bench run method=pcgrad store=runs                   keep the record elsewhere than in results/

    A method is a name, or the path of a file that ends in .py. A finished run is shown, not repeated. Exit code 1:
    the run failed, and its record says why.
    """
    from bench.config import parse_request
    from bench.display import make_watcher, show_record
    from methods._registry import find

    request = parse_request(words)
    for spec in filter(None, (request.method, request.wrapper)):
        find(spec)
    with make_watcher() as watcher:
        watcher.phase("start")
        finished = _run_function()(request, watcher)
    if not finished.fresh:
        click.echo("This run is finished already; here is its record. Train it again with store=DIR.\n")
    show_record(finished.record, finished.path)
    sys.exit(1 if finished.record.status == "failed" else 0)


def _run_function() -> "Callable[[Request, Watcher], Finished]":
    """`bench.run.run`, whose import brings in the training stack. UserError if that is not installed."""
    try:
        from bench.run import run
    except ModuleNotFoundError as error:
        raise UserError(f"training needs {error.name}, which is not installed. Run `make install`.") from None
    return run
