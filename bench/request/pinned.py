"""Base models whose files are known beforehand, by digests that lie in assets/: embedded, fetched, or adapted."""

import json
from functools import cache

from bench.records.store import digest_of
from bench.request.suite import ADAPTED, ASSETS

DIGESTS = "DIGESTS.json"
"""In assets/<model>/: the SHA-256 of each file of the model."""


@cache
def pinned_digest(name: str) -> str:
    """Digest of a model of PINNED, from the list of its files' digests; its files need not be at hand."""
    files = json.loads((ASSETS / name / DIGESTS).read_text(encoding="utf-8"))
    return digest_of({**files, "base": pinned_digest(ADAPTED[name])} if name in ADAPTED else files)
