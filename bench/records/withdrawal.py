"""A withdrawal: a record is never taken away; a document beside it says that it no longer counts, and why.

`<suite>/<method>/<seed>.withdrawn.json` withdraws `<seed>.json`, which stays where it is. The site leaves the run out
of its tables and lists it with the reason; the method's row lacks a seed, and is preliminary.

Who withdraws a published run may be its rival: a second person agrees in `<seed>.second.withdrawn.json`.
"""

import json
import unicodedata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bench.errors import UserError
from bench.records import store
from bench.records.fields import Digest, Frozen, Text
from bench.records.schema import MAX_BYTES, Record

SECOND = ".second"
"""Before the ending of a withdrawal: the second person's word on it."""


class Withdrawal(Frozen):
    """Why a run no longer counts."""

    schema_version: Literal[1] = 1
    identity: Digest
    """Identity of the record; a document that names another run withdraws nothing."""
    outcome_digest: Digest
    reason: Annotated[Text, Field(min_length=10)]
    """For readers of the site: what is wrong with the run."""
    by: Annotated[Text, Field(min_length=1)]
    """Who withdraws it."""
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Second(Frozen):
    """A second person's word that a published run no longer counts."""

    schema_version: Literal[1] = 1
    withdrawal: Digest
    """Digest of the withdrawal's contents: another reason needs another word."""
    by: Annotated[Text, Field(min_length=1)]
    """Who agrees; not who withdraws."""
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


def second_path(path: Path) -> Path:
    """The place of a second person's word on the withdrawal of a record."""
    return path.with_name(f"{path.stem}{SECOND}{store.WITHDRAWN}")


def check_seconded(path: Path, withdrawal: Withdrawal) -> None:
    """UserError unless another person agrees, in a file of its own, that the record at `path` no longer counts."""
    file = second_path(path)
    if file.is_symlink() or not file.is_file():
        raise UserError(
            f"{withdrawal_path(path)}: withdraws a published run, and {file.name} is not there. "
            "A second person adds it; docs/validation.md says how"
        )
    found = store.read_document(file, Second, "second person's word")
    if found.withdrawal != digest_of_withdrawal(withdrawal):
        raise UserError(f"{file}: field withdrawal: is not the digest of {withdrawal_path(path).name} beside it.")
    if _person(found.by) == _person(withdrawal.by):
        raise UserError(f"{file}: field by: is who withdraws the run; the second person is another.")


def digest_of_withdrawal(withdrawal: Withdrawal) -> str:
    """SHA-256 of a withdrawal's contents, which the second person's word names."""
    return store.digest_of(withdrawal.model_dump(mode="json"))


def _person(name: str) -> str:
    """A name without what one person writes now and then: case, spaces, points, and an address behind it."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).partition("<")[0].casefold() if sign.isalnum())


def withdrawal_path(path: Path) -> Path:
    """The place of a record's withdrawal."""
    return path.with_name(f"{path.stem}{store.WITHDRAWN}")


def withdrawal_of(path: Path, record: Record) -> Withdrawal | None:
    """The withdrawal of a record, None if it counts. UserError if there is a document that withdraws nothing."""
    file = withdrawal_path(path)
    if not file.exists() and not file.is_symlink():
        return None

    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_BYTES:
            raise UserError(f"{file}: is not a file of a withdrawal's size.")
        found = Withdrawal.model_validate(store.parsed_json(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UserError(f"{file}: field {'.'.join(map(str, first['loc'])) or '(whole)'}: {first['msg']}.") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: is not a withdrawal: {error}.") from None

    for field in ("identity", "outcome_digest"):
        if getattr(found, field) != getattr(record, field):
            raise UserError(f"{file}: field {field}: is not that of {path.name} beside it.")

    return found


def text_of(withdrawal: Withdrawal) -> str:
    """The document's text."""
    return json.dumps(withdrawal.model_dump(mode="json"), indent=1) + "\n"
