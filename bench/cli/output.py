"""What reaches standard output: JSON in one form, and an end without a traceback where nothing can be written."""

import codecs
import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

PLAIN = {"\u00b1": "+-", "\u2212": "-", "\u2013": "-", "\u2014": "-", "\u2026": "...", "\u00b7": ".", "\u00d7": "x"}
"""Signs of ours, spelt for terminals that cannot show them."""
NO_READER = {errno.EPIPE}
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def print_json(data: object) -> None:
    """Print a value as JSON, in ASCII; a number that is not finite is a bug of ours."""
    click.echo(json.dumps(data, indent=2, allow_nan=False))


@contextmanager
def writing() -> Iterator[None]:
    """Write to standard output in the block: in any encoding, and with a clean end where that is closed or full."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain")

    try:
        try:
            yield
        finally:  # also where the command ends by an exit code
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in NO_READER | NO_ROOM:
            raise
        _let_go()
        if error.errno in NO_ROOM:
            click.echo(f"bench: cannot write the output: {error.strerror}. Free some space.", err=True)
        sys.exit(1)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Spell what an encoding cannot show."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def _let_go() -> None:
    """Send what is still in the buffer nowhere, so that the interpreter does not fail on it as it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
