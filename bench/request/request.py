"""What a run is asked to do: a suite, `key=value` overrides, a method and a seed. Nothing here is heavy to import."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench import places
from bench.errors import UserError, close_to
from bench.places import DEFAULT_SUITE
from bench.records import tuning
from bench.records.store import digest_of
from bench.records.tuning import Tuning
from bench.request.network import offline_if_unreachable
from bench.request.own import STORE, resolved
from bench.request.suite import (
    PINNED,
    SUITES,
    Evaluation,
    Lora,
    Recipe,
    Sampling,
    Suite,
    load_suite,
    suite_names,
    validated,
)

__all__ = [
    "RESULTS",
    "SUITES",
    "TUNED",
    "Evaluation",
    "Lora",
    "Recipe",
    "Request",
    "Sampling",
    "Suite",
    "keys",
    "load_suite",
    "override",
    "parse_request",
    "suite_names",
    "surroundings",
]

BY_TASK = ("advantage_scale", "rows")
"""Fields of a suite that have a value by task."""
FIXED = ("name", "summary", "seeds", "sweep", "files", "file")
"""Fields of a suite that the command line does not change."""
RUN_KEYS = (
    "method", "method.SETTING", "wrapper", "wrapper.SETTING", "suite", "seed", "store",
    "data_root", "dry_run", "unsafe_code", "shard", "track", "tuned", "save_model",
)  # fmt: skip
"""Words of `bench run` that are not keys of the suite."""
RESULTS = places.EMBEDDED / "results"
"""The published records."""
OUT = places.HOME / "results"
"""Where records go; in a checkout that is where the published ones are."""
TUNED = places.HOME / tuning.FOLDER


class Request(BaseModel):
    """One run, fully resolved."""

    model_config = ConfigDict(frozen=True)
    suite: Suite
    method: str
    settings: dict[str, Any]
    """The method's settings as given on the command line, unchecked until the method is loaded."""
    wrapper: str | None = None
    wrapper_settings: dict[str, Any] = {}
    seed: int
    overrides: dict[str, Any]
    """What differs from the suite's file; empty for an official run, but for the learning rate of a tuned one."""
    store: Path
    data_root: Path | None = None
    """A folder with the data sets in their published form, in place of a hub."""
    dry_run: bool = False
    """Only say what the run would do and cost."""
    unsafe_code: bool = False
    """Run model-written code also where nothing can confine it."""
    shard: bool = False
    """Keep a part of the model in each process (FSDP2)."""
    save_model: Path | None = None
    """The folder that gets the trained model."""
    tuning: Tuning | None = None
    """Where settings and learning rate are from, in the tuned track."""

    @property
    def exploratory(self) -> bool:
        """Whether the suite is not one of the project's as it stands: any seed may run, and the run is not ranked."""
        return (bool(self.overrides) or self.suite.own) and self.tuning is None


def parse_request(words: Iterable[str]) -> Request:
    """The run that words like `method=pcgrad suite=nano-v2 recipe.steps=40` ask for."""
    given = _pairs(words)
    if "method" not in given:
        raise UserError("which method? Say `bench run method=NAME`; `bench methods` lists all.")

    method = given.pop("method")
    suite = load_suite(given.pop("suite", DEFAULT_SUITE))
    store = given.pop("store", None)
    seed = given.pop("seed", "0")
    if not seed.isdecimal():
        raise UserError(f"seed={seed} is not a whole number of 0 or more.")

    wrapper = given.pop("wrapper", None)
    settings = _taken(given, "method.")
    wrapper_settings = _taken(given, "wrapper.")
    if wrapper_settings and wrapper is None:
        raise UserError(f"wrapper.{next(iter(wrapper_settings))} is a setting of a wrapper; say which: wrapper=NAME.")

    root = given.pop("data_root", None)
    switches = {name: _switch(name, given.pop(name, "false")) for name in ("dry_run", "unsafe_code", "shard")}
    track = given.pop("track", "default")
    tuned = Path(given.pop("tuned", TUNED))
    if track not in ("default", "tuned"):
        raise UserError(f"track={track} is neither default nor tuned.")

    kept = given.pop("save_model", None)
    if kept and switches["shard"]:
        raise UserError("save_model needs the whole model in one process, and shard=true divides it: leave one out.")

    suite, overrides = override(suite, given)
    request = Request(
        suite=suite,
        method=method,
        settings=settings,
        wrapper=wrapper,
        wrapper_settings=wrapper_settings,
        seed=int(seed),
        overrides=overrides,
        store=_store(store, suite),
        data_root=_folder(root) if root else None,
        save_model=Path(kept).expanduser() if kept else None,
        **switches,
    )
    return in_tuned_track(request, tuned) if track == "tuned" else request


def in_tuned_track(request: Request, folder: Path) -> Request:
    """The request with the settings and the learning rate that `bench tune` chose.

    folder: of the tuning files. UserError if there is none for the method and the suite as it is, or if the words ask
    for something else than what it chose.
    """
    suite = request.suite
    changed = [*(f"method.{name}" for name in request.settings), *request.overrides]
    if request.wrapper or changed:
        said = f"wrapper={request.wrapper}" if request.wrapper else changed[0]
        raise UserError(f"{said} goes with track=default; `bench tune` has chosen all of track=tuned. Leave it out.")

    name = Path(request.method).stem if request.method.endswith(".py") else request.method
    path = tuning.path_of(folder, suite.name, name)
    again = f"bench tune method={request.method} suite={suite.name}"
    if not path.is_file():
        raise UserError(f"there is no {path}: {name} is not tuned on {suite.name}. Say `{again} trials=N` first.")

    found = tuning.read(path)
    if (found.suite, found.suite_digest) != (suite.name, suite.digest):
        raise UserError(f"{path} is of another version of suite {suite.name}. Tune again: `{again} trials=N`.")

    return request.model_copy(
        update={
            "suite": suite.tuned(found.best.learning_rate),
            "settings": found.best.settings,
            "overrides": found.overrides,
            "tuning": found,
        }
    )


def _switch(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise UserError(f"{name}={text} is neither true nor false.")
    return text == "true"


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise UserError(f"data_root={text} is no folder. Give the folder that holds the data sets, one a subfolder.")
    return Path(text).resolve()


def _store(text: str | None, suite: Suite) -> Path:
    """The folder of records. UserError for the published one, if the suite has a file of the user's own."""
    if text is None:
        return STORE if suite.own else OUT
    store = Path(text)
    if suite.own and store.resolve() == RESULTS.resolve():
        raise UserError(
            f"store={text} holds the published results, and {suite.name} is of your own files: say store={STORE}."
        )
    return store


def _taken(given: dict[str, str], prefix: str) -> dict[str, str]:
    """Take the words that begin with the prefix out, without it."""
    return {key.removeprefix(prefix): given.pop(key) for key in list(given) if key.startswith(prefix)}


def override(suite: Suite, given: Mapping[str, str]) -> tuple[Suite, dict[str, Any]]:
    """The suite with `key=value` changes, and those that do change something, typed.

    Tasks that are files are named in the changes as the tasks are, and count by their content.
    """
    known = keys()
    data = suite.model_dump(mode="json")

    for key, text in given.items():
        if key not in known:
            near = close_to(key, [*known, *RUN_KEYS])
            raise UserError(f"no key {key!r}.{near} Keys: {', '.join([*RUN_KEYS, *known])}.")
        section, _, field = key.rpartition(".")
        target = data[section] if section else data
        target[field] = _value(field, text)
    if "tasks" in given:
        data["tasks"], data["files"] = resolved(data["tasks"], Path.cwd(), suite.files)

    changed = validated(Suite, data, "the command line")
    before = _flat(suite)
    after = _flat(changed)
    other_files = changed.files != suite.files
    overrides = {key: after[key] for key in given if before[key] != after[key] or (key == "tasks" and other_files)}
    if overrides:
        files = {"files": {name: file.digest for name, file in changed.files.items()}} if other_files else {}
        changed = changed.model_copy(update={"name": f"{suite.name}~{digest_of({**overrides, **files})[:8]}"})
    return changed, overrides


def keys() -> list[str]:
    """All dotted keys of a suite that the command line may change."""
    found = []

    for name, field in Suite.model_fields.items():
        if name in FIXED:
            continue
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += [f"{name}.{inner}" for inner in kind.model_fields]
        else:
            found.append(name)

    return found


def _value(field: str, text: str) -> Any:
    """A field's value as the command line spells it."""
    if field in ("tasks", "targets", "standard", "scored"):
        return _list(text)
    return _by_task(field, text) if field in BY_TASK else _scalar(text)


def _by_task(field: str, text: str) -> dict[str, Any]:
    """Values by task, from `task:value` between commas."""
    pairs = [word.partition(":") for word in _list(text)]
    if not all(colon for _, colon, _ in pairs):
        raise UserError(f"{field}={text} is not of the form task:value,task:value.")
    return {task: _scalar(value) for task, _, value in pairs}


def _list(text: str) -> list[str]:
    """Words between commas; [] for 'none'."""
    return [] if text == "none" else text.split(",")


def _scalar(text: str) -> int | float | str | None:
    """A number, None for 'none', or the text."""
    if text == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _flat(suite: Suite) -> dict[str, Any]:
    data = suite.model_dump(mode="json")
    for field in BY_TASK:
        data[field] = [f"{task}:{value}" for task, value in data[field].items()]
    return {key: data[key.split(".")[0]][key.split(".")[1]] if "." in key else data[key] for key in keys()}


def _pairs(words: Iterable[str]) -> dict[str, str]:
    given: dict[str, str] = {}

    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key or not value:
            raise UserError(f"{word!r} is not of the form key=value, as in method=pcgrad or recipe.steps=40.")
        if key in given:
            raise UserError(f"{key} is given twice: {given[key]} and {value}. Give it once.")
        given[key] = value

    return given


def surroundings(request: Request) -> None:
    """Tell the tasks, and all processes that are started from here, where data is and what code may do."""
    if request.data_root:
        os.environ["BALANCEBENCH_DATA_ROOT"] = str(request.data_root)
    if request.unsafe_code:
        os.environ["BALANCEBENCH_UNSAFE_CODE"] = "true"
    if request.suite.model not in PINNED:
        offline_if_unreachable()
