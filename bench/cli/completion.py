"""Completion in the shell: words of `bench run`, names of methods, suites and tasks. Nothing heavy is imported.

Click asks the functions here for what may follow; they import what they need when they are called. Bash cuts words at
`=`, which Click's own script does not know, so bash has a script of its own; zsh and fish do not cut, and use Click's.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from bench.places import DEFAULT_SUITE

if TYPE_CHECKING:
    from bench.request.suite import Suite

SHELLS = ("bash", "zsh", "fish")
PROGRAM, VARIABLE = "bench", "_BENCH_COMPLETE"
LISTS = ("method", "suite", "seed", "wrapper")
"""Keys whose values may be comma lists in `bench plan` and `bench sweep`."""
SETTINGS = ("method.SETTING", "wrapper.SETTING")
"""Keys that only a loaded method knows, which takes torch and seconds."""
NAME = re.compile(r"^    name(?:: ClassVar\[str\])? = \"(\w+)\"$", re.MULTILINE)
FAMILY = re.compile(r"^    variants(?:: .*)? = ", re.MULTILINE)
WRAPPER = re.compile(r"^class \w+\(.*\bStepWrapper\b.*\):$", re.MULTILINE)

BASH = """\
_bench_completion() {
    local line=${COMP_LINE:0:COMP_POINT} response type value word=
    local -a words
    read -ra words <<< "$line"
    if [[ $line == *[[:space:]] ]]; then words+=(""); fi
    word=${words[${#words[@]}-1]}
    COMPREPLY=()
    response=$(env COMP_WORDS="$line" COMP_CWORD=$((${#words[@]} - 1)) VARIABLE=bash_complete "$1" 2> /dev/null)
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                # Bash replaces what follows the last break, and "=" is one.
                if [[ $COMP_WORDBREAKS == *=* && $word == *=* ]]; then value=${value#"${word%"${word##*=}"}"}; fi
                if [[ $value == *= ]]; then compopt -o nospace; fi
                COMPREPLY+=("$value") ;;
        esac
    done <<< "$response"
}
complete -o nosort -F _bench_completion PROGRAM
"""


def script(shell: str) -> str:
    """The script that a shell reads to complete `bench`; shell: one of SHELLS."""
    if shell == "bash":
        return BASH.replace("PROGRAM", PROGRAM).replace("VARIABLE", VARIABLE)
    found = get_completion_class(shell)
    assert found is not None, shell
    return found(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source()


def run_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What may follow in `bench run`: keys that are not given yet, each with its `=`; after it, the values known.

    `bench plan` and `bench sweep` have keys of their own, and take `all`.
    """
    from bench.request.request import RUN_KEYS, keys

    words = context.params.get(parameter.name or "") or ()
    given = dict(word.partition("=")[::2] for word in words)
    key, equals, value = incomplete.partition("=")
    many = context.command.name != "run"
    if equals:
        return _values(key, value, given, many)
    known = [name for name in (*RUN_KEYS, *keys(), *(_options() if many else ())) if name not in SETTINGS]
    return _starting(incomplete, [f"{name}=" for name in known if name not in given])


def method_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of methods, wrappers among them; also files that end in .py."""
    found = _starting(incomplete, _methods())
    return found or [CompletionItem(incomplete, type="file")]


def suite_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of suites."""
    from bench.request.suite import suite_names

    return _starting(incomplete, suite_names())


def fetched_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of base models that can be fetched."""
    from bench.request.suite import FETCHED

    return _starting(incomplete, FETCHED)


def task_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of tasks."""
    return _starting(incomplete, _tasks())


def label_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Rows of the published board of the suite that is named, and `suite=`."""
    from bench.request.request import RESULTS

    key, equals, value = incomplete.partition("=")
    if equals:
        return _values(key, value, {}, False)
    words = context.params.get(parameter.name or "") or ()
    suites = [word.removeprefix("suite=") for word in words if word.startswith("suite=")]
    folder = RESULTS / (suites[-1] if suites else DEFAULT_SUITE)
    rows = {path.parent.relative_to(folder).as_posix() for path in folder.glob("**/*.json")}
    return _starting(incomplete, [*sorted(rows - set(words)), "suite="])


def _values(key: str, value: str, given: dict[str, str], many: bool) -> list[CompletionItem]:
    """Whole words `key=value`; of a comma list, the last entry is completed. many: runs, not one."""
    if key in ("store", "data_root"):
        return [CompletionItem(value, type="dir")]
    front, comma, last = value.rpartition(",") if key == "tasks" or (many and key in LISTS) else ("", "", value)
    named = front.split(",")
    known = [name for name in _known(key, given) if name not in named]
    if many and not front and key in ("method", "seed", "wrapper"):
        known += ["all", *(["frontier"] if key == "method" else [])]
    return _starting(f"{key}={front}{comma}{last}", [f"{key}={front}{comma}{name}" for name in known])


def _known(key: str, given: dict[str, str]) -> Sequence[str]:
    from bench.request.suite import suite_names

    if key == "suite":
        return suite_names()
    if key == "method":
        return [name for name in _methods() if name not in _wrappers()]
    if key == "wrapper":
        return _wrappers()
    if key == "tasks":
        return _tasks()
    suite = _suite(given.get("suite", DEFAULT_SUITE))
    return [str(seed) for seed in suite.seeds] if key == "seed" and suite else _choices(key)


def _options() -> list[str]:
    """Keys of `bench plan` and `bench sweep` that `bench run` does not have."""
    from dataclasses import fields

    from bench.sweeps.words import Options

    return [field.name.replace("_", ".") for field in fields(Options) if field.name != "slurm"]


def _suite(name: str) -> "Suite | None":
    from bench.request.suite import load_suite, suite_names

    return load_suite(name) if name in suite_names() else None


def _choices(key: str) -> list[str]:
    """The values of a key of the suite that is a choice or a switch."""
    from typing import Literal, get_args, get_origin

    from pydantic import BaseModel

    from bench.request.request import Request
    from bench.request.suite import Suite

    section, _, name = key.rpartition(".")
    part = Suite.model_fields[section].annotation if section in Suite.model_fields else Suite
    fields = part.model_fields if isinstance(part, type) and issubclass(part, BaseModel) else {}
    kind = fields[name].annotation if name in fields else None
    if kind is bool or (key in Request.model_fields and Request.model_fields[key].annotation is bool):
        return ["true", "false"]
    return list(map(str, get_args(kind))) if get_origin(kind) is Literal else []


def _methods() -> list[str]:
    return sorted(_named())


def _wrappers() -> list[str]:
    return sorted(name for name, text in _named().items() if WRAPPER.search(text))


def _named() -> dict[str, str]:
    """Texts of the methods' files by name, found by pattern: parsing all takes a second. Families are parsed."""
    from methods._cards import read_cards
    from methods._loading import FOLDER

    found = {}
    for path in sorted(FOLDER.glob("[!_]*.py")):
        text = path.read_text("utf-8")
        name = NAME.search(text)
        if name and not FAMILY.search(text):
            found[name[1]] = text
        else:
            found |= dict.fromkeys((card.name for card in read_cards(path)), text)
    return found


def _tasks() -> list[str]:
    from tasks._registry import all_tasks

    return list(all_tasks())


def _starting(incomplete: str, known: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(word) for word in known if word.startswith(incomplete)]
