"""Where things lie: in a checkout, side by side in its root; in an installation, what is embedded lies in the package.

What a user makes goes to the checkout, or, from an installation, to the current folder.
"""

import os
from pathlib import Path

from bench.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
"""What holds the packages: the root of a checkout, or the place where packages are installed."""
CHECKOUT = ROOT if (ROOT / "pyproject.toml").is_file() and (ROOT / "suites").is_dir() else None
"""The checkout that this is; None for an installation."""
EMBEDDED = CHECKOUT or Path(__file__).resolve().parent / "_embedded"
"""Holds suites/, assets/ and the published results/; `setup.py` copies them into a wheel."""
HOME = CHECKOUT or Path()
"""Holds what commands write where no folder is named."""
CACHE = (
    CHECKOUT / ".cache"
    if CHECKOUT
    else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "balancebench"
)
"""Scores of base models, measured once."""
DEFAULT_SUITE = "nano-v2"
"""What a command means where no suite is named."""


def checkout(what: str) -> Path:
    """The checkout. UserError, which names the command `what`, in an installation: it works on files of the project."""
    if CHECKOUT is None:
        raise UserError(
            f"{what} works on the project's own files, and this is an installed package. Clone the repository, run "
            f"`make install` in it, and use {what} there."
        )
    return CHECKOUT
