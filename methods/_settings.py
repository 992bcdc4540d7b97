"""Settings of a method: how they are declared, and how they are read from what a user wrote."""

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from bench.errors import UserError


class Settings(BaseModel):
    """Settings of a method: defaults, bounds and search space in one place, by `setting`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def setting(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    log: bool = False,
    per_task: bool = False,
    search: tuple[float, float] | None = None,
    doc: str,
) -> Any:
    """A settings field. low, high: inclusive bounds of legal values (for per-task fields, of each entry).

    search: the range that tuning draws from, log-uniformly if `log`; per_task: one value a task, written in
    the suite's task order and handed to the method in its blind order.
    """
    stored: dict[str, Any] = {
        "per_task": per_task,
        "log": log,
        "search": list(search) if search else None,
        "low": low,
        "high": high,
    }
    bounds: dict[str, Any] = {} if per_task else {"ge": low, "le": high}
    return Field(default, description=doc, json_schema_extra=stored, **bounds)


def extra(field: FieldInfo, key: str) -> Any:
    """One of the values `setting` stored beside a field."""
    stored = field.json_schema_extra
    return stored.get(key) if isinstance(stored, dict) else None


class HasSettings(Protocol):
    """A method's class, or what its file declares (`methods._declared`)."""

    @property
    def name(self) -> str:
        """The method's."""

    @property
    def Settings(self) -> type[Settings]:
        """The class of its settings."""


def settings_of(method: HasSettings, values: Mapping[str, Any], tasks: Sequence[str]) -> Settings:
    """Settings of a method from overrides; what is left out has its default.

    values: JSON values, or strings as on the command line. A per-task setting takes a list or a string like
    '20,1,1' in the order of `tasks`, or a mapping or a string like 'arithmetic:20,lookup:1', where tasks that
    are not named get 1. Raises UserError for an unknown setting or task, a wrong type or count, or a value
    out of bounds.
    """
    fields = method.Settings.model_fields
    given: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            raise _stranger(f"setting {key!r} of {method.name}", key, list(fields))
        read = _entries if extra(fields[key], "per_task") else _scalar
        given[key] = read(f"{method.name}.{key}", value, fields[key], tasks)

    try:
        return method.Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        value = values[key] if key else dict(values)
        raise _refused(f"{method.name}.{key}", value, first["msg"], fields.get(key)) from None


def in_blind_order(settings: Settings, order: Sequence[int]) -> Settings:
    """Settings as the method gets them: entry k of a per-task setting is the suite's entry order[k].

    order: a permutation of 0..K-1, the suite's position of each blind task.
    """
    update: dict[str, Any] = {}
    for key, field in type(settings).model_fields.items():
        value = getattr(settings, key)
        if extra(field, "per_task") and value:
            assert sorted(order) == list(range(len(value))), f"{order} does not permute {key}={value}"
            update[key] = tuple(value[position] for position in order)
    return settings.model_copy(update=update)


def _scalar(label: str, value: Any, field: FieldInfo, tasks: Sequence[str]) -> Any:
    """A value for the model to parse, without what the model would take in silence: truth as 1, NaN."""
    if field.annotation in (int, float) and not math.isfinite(_number(value)):
        raise _refused(label, value, "it must be a finite number", field)
    return value


def _entries(label: str, value: Any, field: FieldInfo, tasks: Sequence[str]) -> tuple[float, ...]:
    """The entries of a per-task setting, in the order of `tasks`; may be empty if the default is."""
    if isinstance(value, str):
        value = _split(label, value, field)
    if isinstance(value, Mapping):
        for name in value:
            if name not in tasks:
                raise _stranger(f"task {name!r} in this suite for {label}", name, tasks)
        value = [value.get(name, 1) for name in tasks]

    if not isinstance(value, list | tuple):
        value = [value]
    if len(value) != len(tasks) and (value or field.default):
        raise _refused(label, value, f"it takes {len(tasks)} values, one a task: {', '.join(tasks)}", field)
    return tuple(_entry(label, item, field) for item in value)


def _split(label: str, text: str, field: FieldInfo) -> list[str] | dict[str, str]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not any(":" in part for part in parts):
        return parts
    pairs = [part.rpartition(":") for part in parts]
    named = {name.strip(): value for name, _, value in pairs}
    if "" in named or len(named) < len(parts):
        raise _refused(label, text, "write every task once, like 'arithmetic:20,lookup:1'", field)
    return named


def _entry(label: str, value: Any, field: FieldInfo) -> float:
    number = _number(value)
    if not math.isfinite(number):
        raise _refused(label, value, "every entry must be a finite number", field)

    low, high = extra(field, "low"), extra(field, "high")
    if (low is not None and number < low) or (high is not None and number > high):
        raise _refused(label, value, "an entry is out of bounds", field)
    return number


def _number(value: Any) -> float:
    """What a user wrote as a number; NaN if it is none."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _refused(label: str, value: Any, why: str, field: FieldInfo | None) -> UserError:
    why = why.removeprefix("Value error, ")
    low, high = (extra(field, key) if field else None for key in ("low", "high"))
    low_text = "" if low is None else f" from {low:g}"
    high_text = "" if high is None else f" up to {high:g}"
    bounds = f" It can be{low_text}{high_text}." if low_text or high_text else ""
    default = f" Left out, it is {field.default!r}." if field else ""
    return UserError(f"{label.strip('.')} cannot be {value!r}: {why[:1].lower()}{why[1:]}.{bounds}{default}")


def _stranger(what: str, name: str, known: Sequence[str]) -> UserError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UserError(f"there is no {what}.{hint} There is: {', '.join(known) or 'none; leave it out'}.")
