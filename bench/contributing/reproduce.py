"""Make a recorded run again, here, and say how close it comes. The rule is in `bench.records.reproductions`."""

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.analysis.runs import method_label
from bench.errors import UserError
from bench.places import HOME
from bench.records.reproduction_files import FOLDER, path_of, to_text
from bench.records.reproductions import Reproduction, Spread, compare, spread
from bench.records.schema import MethodUse, Record, WrapperUse
from bench.records.store import identity_of, outcome_digest, read, record_files, write
from bench.records.track import base_suite
from bench.request.request import RESULTS, Request, parse_request

if TYPE_CHECKING:
    from bench.run.progress import Watcher
    from bench.run.story import Finished

REPRODUCTIONS = HOME / FOLDER
ALLOWED = ("store", "data_root", "unsafe_code")
"""Words beside the record: they say where a run happens, not which run it is."""
Run = Callable[[Request, "Watcher"], "Finished | None"]


@dataclass(frozen=True)
class Again:
    """A rerun beside its record."""

    record: Record
    rerun: Record
    reproduction: Reproduction
    other_code: Sequence[str]
    """What the rerun had that the record had not; then it is a comparison, and no reproduction."""
    path: Path | None
    """Where the reproduction was written."""


def words_of(record: Record) -> list[str]:
    """The words of `bench run` that ask for the record's run: every setting and override is named."""
    method = record.method
    wrapper = record.method.wrapper
    words = [f"method={method.name}", f"suite={base_suite(record.suite.name)}", f"seed={record.seed}"]
    words += [f"{key}={_word(value)}" for key, value in record.suite.overrides.items()]
    words += [f"method.{key}={_word(value)}" for key, value in method.settings.items() if value not in ([], None)]

    if wrapper:
        given = {key: value for key, value in wrapper.settings.items() if value not in ([], None)}
        words += [f"wrapper={wrapper.name}", *(f"wrapper.{key}={_word(value)}" for key, value in given.items())]

    return words


def request_of(record: Record, words: Iterable[str], store: Path) -> Request:
    """The request that makes the record's run again. UserError for a word that would ask for another run."""
    extra = list(words)
    for word in extra:
        if word.partition("=")[0] not in ALLOWED:
            raise UserError(f"{word!r}: the record says which run it is; only {', '.join(ALLOWED)} may be given.")
    if not any(word.startswith("store=") for word in extra):
        extra.append(f"store={store}")
    return parse_request([*words_of(record), *extra])


def differing_code(record: Record, request: Request) -> list[str]:
    """What this checkout would run otherwise than the record: one sentence each; empty if it is the same run."""
    from bench.protocol import PROTOCOL
    from bench.run.prepare import prepare

    prepared = prepare(request)
    if prepared.identity == record.identity:
        return []

    found = list(_method_changes(record.method, prepared.use))
    here = [(task["name"], task["revision"], task["data_hash"]) for task in prepared.data]
    pairs: list[tuple[str, Any, Any]] = [
        ("protocol of the harness", record.protocol, PROTOCOL),
        ("digest of the suite", record.suite.digest[:12], request.suite.digest[:12]),
        ("digest of the model", record.model.digest[:12], prepared.model[:12]),
        ("set of task revisions and rows", [(t.name, t.revision, t.data_hash) for t in record.tasks], here),
    ]

    for what, recorded, now in pairs:
        if recorded != now:
            found.append(f"{what}: {_brief(recorded)} in the record, {_brief(now)} here")

    return found or [f"identity: {record.identity[:12]} in the record, {prepared.identity[:12]} here"]


def reproduce(
    path: Path, words: Iterable[str], out: Path, watcher: "Watcher", run: Run, anyway: bool = False
) -> Again | None:
    """Rerun the record in a file and compare; a reproduction is written below `out`.

    words: store=DIR keeps the rerun's record, otherwise it is dropped; run: `bench.run.story.run`. None where that
    gives None. UserError if this checkout would run other code, unless `anyway`: then nothing is written,
    because it says nothing of the record.
    """
    record = _read_unedited(path)

    with tempfile.TemporaryDirectory(prefix="bench-reproduce-") as temporary:
        request = request_of(record, words, Path(temporary))
        other_code = differing_code(record, request)
        if other_code and not anyway:
            raise UserError(
                f"{path} cannot be made again here: this checkout has another {'; another '.join(other_code)}. Check "
                f"out commit {record.provenance.commit[:12]}, or say --anyway to compare different code."
            )
        finished = run(request, watcher)

    # A process that trains along with the first writes no record, and has nothing to compare.
    if finished is None:
        return None
    if not finished.fresh:
        raise UserError(f"{finished.path} holds this run already, so nothing was rerun. Give an empty store=DIR.")

    return _compared(path, record, finished.record, other_code, out)


def _read_unedited(path: Path) -> Record:
    """The record in a file. UserError if its digests are not those of its contents: it would be compared by them."""
    record = read(path)
    data = record.model_dump(mode="json")
    if (identity_of(data), outcome_digest(data)) != (record.identity, record.outcome_digest):
        raise UserError(f"{path} was edited: its digests are not those of its contents. See `bench validate {path}`.")
    return record


def _compared(path: Path, record: Record, rerun: Record, other_code: Sequence[str], out: Path) -> Again:
    # Another identity is compared as if it were the same run; its outcome digest, which holds it, differs anyway.
    same = rerun.model_copy(update={"identity": record.identity})
    reproduction = compare(record, same, method_label(path, record), between_seeds(record))
    written = None if other_code else path_of(out, reproduction)
    if written:
        write(written, to_text(reproduction))
    return Again(record, rerun, reproduction, other_code, written)


def between_seeds(record: Record, results: Path = RESULTS) -> Spread:
    """The spread between seeds of the record's suite, from the published runs of the same digest."""
    published = (read(path) for path in record_files(results / record.suite.name))
    return spread(found for found in published if found.suite.digest == record.suite.digest)


def _method_changes(recorded: MethodUse, here: MethodUse) -> Iterable[str]:
    pairs: list[tuple[MethodUse | WrapperUse, MethodUse | WrapperUse]] = [(recorded, here)]
    if recorded.wrapper and here.wrapper:
        pairs.append((recorded.wrapper, here.wrapper))

    for one, other in pairs:
        if one.version != other.version:
            yield f"version of {one.name}: {one.version} in the record, {other.version} here"
        elif one.source_digest != other.source_digest:
            yield f"source of {one.name} under the same version"
        if one.settings != other.settings:
            yield f"set of settings of {one.name}: {one.settings} in the record, {other.settings} here"


def _word(value: Any) -> str:
    """A setting or an override as the command line takes it."""
    if isinstance(value, list):
        return ",".join(map(_word, value))
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _brief(value: Any) -> str:
    return "another list" if isinstance(value, list) else str(value)
