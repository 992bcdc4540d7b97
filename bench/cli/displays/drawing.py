"""The suites of a hidden round, on the terminal or in a folder."""

from pathlib import Path

import click

from bench.errors import UserError
from bench.request.drawing import drawn, to_yaml


def write_drawn(number: int, seed: int, count: int, out: Path | None) -> None:
    """Print the suites of a round, or write them. UserError where a file exists; the rest is not written then."""
    for suite in drawn(number, seed, count):
        if out is None:
            click.echo(f"# {suite.name}.yaml\n{to_yaml(suite)}")
            continue

        path = out / f"{suite.name}.yaml"
        if path.exists():
            raise UserError(f"{path} exists; a suite is never overwritten. Say another --out.")
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(to_yaml(suite), encoding="utf-8")
        click.echo(f"Written: {path}")
