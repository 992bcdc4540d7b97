"""What the terminal shows of a contribution, and the commands that follow. Nothing that is shown is interpreted."""

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from bench.cli.displays.boards import board_of
from bench.contributing.pull_request import text_of
from bench.contributing.submit import Contribution
from bench.records.rules import Problem, printable

MOST = 40
"""Files and problems that are listed."""
FEW = 8
"""So many files are named in a command; of more, their folders."""


def pull_request(found: Contribution) -> str:
    """The text of the pull request; empty if the contribution cannot be handed in."""
    return "" if found.problems else text_of(found, partial(board_of, found.root / "results"))


def contribution_json(found: Contribution, branch: str, text: str, done: bool) -> dict[str, Any]:
    """The files, what is wrong with them, and the text. done: whether the branch was made."""
    return {
        "files": dict(found.files),
        "problems": [_line(found, problem) for problem in found.problems],
        "remarks": [_line(found, remark) for remark in found.remarks],
        "branch": branch,
        "done": done,
        "text": text,
    }


def show_contribution(found: Contribution, branch: str, text: str) -> None:
    """The files, then what is wrong with them, or else what would be done and the text, if there is one."""
    click.echo(f"{len(found.files)} files differ from HEAD:")
    _list([f"{mark:8} {printable(file)}" for file, mark in found.files.items()])
    if found.remarks:
        click.echo("\nValidation remarks:")
        _list([f"{remark.level}: {_line(found, remark)}" for remark in found.remarks])

    if found.problems:
        click.echo(f"\n{len(found.problems)} problems, so nothing can be handed in:")
        _list([_line(found, problem) for problem in found.problems])
    elif text:
        click.echo(f"\nThe text of the pull request:\n\n{text}")
        click.echo(f"Nothing was changed. With --no-dry-run: a branch {branch} with one commit of these files.")


def show_done(found: Contribution, branch: str, where: Path) -> None:
    """What was made, the next two commands, and how to undo it."""
    title = shlex.quote(found.title)
    name = shlex.quote(branch)
    files = shlex.join(
        found.files if len(found.files) <= FEW else sorted({str(Path(file).parent) for file in found.files})
    )
    click.echo(
        f"\nBranch {branch} has one commit of these files, and the text is in {where}. Nothing was pushed. Next:"
    )
    click.echo(f"    git push -u origin {name}")
    click.echo(f"    gh pr create --head {name} --title {title} --body-file {shlex.quote(str(where))}")

    click.echo("Your files and your branch are as they were. To move to the other one, or to undo it:")
    click.echo(f"    git add -- {files} && git switch {name}")
    click.echo(f"    git branch -D {name}")


def _list(lines: list[str]) -> None:
    for line in lines[:MOST]:
        click.echo(f"    {line}")
    if len(lines) > MOST:
        click.echo(f"    ... and {len(lines) - MOST} more")


def _line(found: Contribution, problem: Problem) -> str:
    inside = problem.file.is_relative_to(found.root)
    return printable(str(replace(problem, file=problem.file.relative_to(found.root)) if inside else str(problem)))
