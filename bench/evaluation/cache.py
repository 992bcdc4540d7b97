"""Scores that were measured once are read from a file, as those of a base model that many runs share.

Nothing heavy is loaded: a run whose base model was measured before asks lm-eval only at its end.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from bench.errors import UserError
from bench.records.fields import Digest, Frozen
from bench.records.schema import Score
from bench.records.store import digest_of, write

One = TypeVar("One", bound=Frozen)
"""A task's score."""


class _Cached(Frozen, Generic[One]):
    scores: dict[str, One]
    digest: Digest
    """Digest of the key and the scores: a file that was damaged or renamed does not match."""


def base_scores(
    evaluate_now: Callable[[], dict[str, Score]], key: Mapping[str, object], cache: Path
) -> dict[str, Score]:
    """Scores of the base model, as `measured_once`.

    key: everything the scores depend on, as JSON: model digest, task revisions and data hashes, evaluation
    settings, package versions, threads.
    """
    return measured_once(evaluate_now, Score, key, cache)


def measured_once(
    measure: Callable[[], dict[str, One]], kind: type[One], key: Mapping[str, object], cache: Path
) -> dict[str, One]:
    """What `measure()` returns, from the folder `cache` if it was computed before under this `key`.

    A file that cannot be trusted is computed again and replaced; one that cannot be written is computed every time.
    """
    path = cache / f"{digest_of(key)}.json"
    form = _Cached[kind]  # type: ignore[valid-type]

    try:
        cached = form.model_validate_json(path.read_bytes())
        if cached.digest == _digest(key, cached.scores):
            return cached.scores
    except (OSError, ValueError):  # absent, unreadable, or not such a document
        pass

    scores = measure()
    with suppress(UserError):  # a folder that cannot be written to costs the next run its evaluation, and nothing else
        write(path, form(scores=scores, digest=_digest(key, scores)).model_dump_json())
    return scores


def _digest(key: Mapping[str, object], scores: Mapping[str, Frozen]) -> str:
    return digest_of([dict(key), {name: one.model_dump() for name, one in scores.items()}])
