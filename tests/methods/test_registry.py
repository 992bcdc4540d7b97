"""Finding methods, reading their cards, parsing their settings, and holding their versions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from methods import _base, _cards
from methods._registry import cards, freeze, in_blind_order, load, settings_of, source_digest
from methods.gradient_proportional import GradientProportional
from methods.static import Static, StaticSettings
from methods.uniform import Uniform

GOLDEN = Path(__file__).parents[1] / "golden" / "method_sources.json"
TASKS = ["arithmetic", "lookup", "steps"]
GOOD = '''"""Halving: each task gets half.

Source     a paper, equation 3
Differs    nothing
           at all
Costs      none

Free text may follow.
"""
from typing import ClassVar
from methods._base import LossWeighting, TaskSampling

class Helper:
    pass

class Halving(LossWeighting, TaskSampling):
    """Halves."""
    name: ClassVar[str] = "halving"
    version: ClassVar[int] = 1

    def weights(self, signals):
        return signals.losses * 0 + 0.5  # a comment
'''
MakeFolder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> MakeFolder:
    """Writes method files: folder(halving=source, ...) -> their folder."""

    def write(**sources: str) -> Path:
        for stem, source in sources.items():
            (tmp_path / f"{stem}.py").write_text(source)
        return tmp_path

    return write


def test_hooks_are_those_of_the_contract() -> None:
    assert [hook.__name__ for hook in _base.HOOKS] == list(_cards.HOOKS)


def test_a_card_is_read_from_the_source(folder: MakeFolder) -> None:
    card = cards(folder(halving=GOOD, _private="not a method"))["halving"]
    assert (card.title, card.summary) == ("Halving", "each task gets half.")
    assert (card.source, card.differs, card.costs) == ("a paper, equation 3", "nothing at all", "none")
    assert card.acts_on == ("TaskSampling", "LossWeighting")
    assert (card.class_name, card.version) == ("Halving", 1)


MALFORMED = {
    "no docstring": ("", "Title: sentence."),
    "no sentence": (GOOD.replace("Halving: each", "Halving each"), "Title: sentence."),
    "no full stop": (GOOD.replace("half.", "half", 1), "Title: sentence."),
    "missing field": (GOOD.replace("Costs      none\n", ""), "must also say Costs"),
    "empty field": (GOOD.replace("Costs      none\n", "Costs\n"), "must also say Costs"),
    "no fields": ('"""Halving: half."""\n' + GOOD.split('"""', 2)[2], "must also say Source, Differs, Costs"),
    "unknown field": (GOOD.replace("Costs ", "Price "), "'Price      none' must begin with Source"),
    "field twice": (GOOD.replace("Costs ", "Source "), "each once"),
    "no class": (GOOD.split("class Halving")[0], "found none"),
    "two classes": (GOOD + "\n\nclass Other(Halving):\n    pass\n", "found Halving and Other"),
    "no name": (GOOD.replace('name: ClassVar[str] = "halving"', ""), "needs `name"),
    "odd name": (GOOD.replace('"halving"', '"Halving!"'), "needs `name"),
    "no version": (GOOD.replace("version: ClassVar[int] = 1", ""), "needs `version"),
    "version zero": (GOOD.replace("int] = 1", "int] = 0"), "needs `version"),
    "syntax": (GOOD + "\nclass\n", "is not Python"),
}


@pytest.mark.parametrize(("source", "rule"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_named_with_the_rule(source: str, rule: str, folder: MakeFolder) -> None:
    with pytest.raises(UserError) as caught:
        cards(folder(halving=source))
    assert "/halving.py: " in str(caught.value)
    assert rule in str(caught.value)


def test_a_private_base_in_the_same_file_is_followed(folder: MakeFolder) -> None:
    source = GOOD.replace("class Helper:", "class _Half(_base.LossWeighting):")
    card = cards(folder(halving=source.replace("Halving(LossWeighting, TaskSampling)", "Halving(_Half)")))
    assert card["halving"].acts_on == ("LossWeighting",)


def test_two_methods_of_one_name_are_refused(folder: MakeFolder) -> None:
    with pytest.raises(UserError, match=r"other\.py: the name 'halving' is taken by halving\.py"):
        cards(folder(halving=GOOD, other=GOOD))


def test_load_gives_the_class() -> None:
    assert load("static") is Static


def test_an_unknown_method_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no method 'sttic'. Did you mean 'static'\? `bench methods` lists all"):
        load("sttic")


def test_a_missing_package_is_answered_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {absent!r}", name=absent)

    monkeypatch.setattr("importlib.import_module", missing)
    absent = "torch"
    with pytest.raises(UserError, match=r"needs the package 'torch': run `pip install -e '\.\[train,peers\]'`"):
        load("static")
    absent = "methods._bas"
    with pytest.raises(ModuleNotFoundError):
        load("static")


PER_TASK = [
    ("20,1,1", (20.0, 1.0, 1.0)),
    (" 20, 1 ,1e0", (20.0, 1.0, 1.0)),
    ([20, 1, 1], (20.0, 1.0, 1.0)),
    ((20, 1, 1), (20.0, 1.0, 1.0)),
    ({"lookup": 3}, (1.0, 3.0, 1.0)),
    ("arithmetic:20,steps:0.5", (20.0, 1.0, 0.5)),
    ("", ()),
    ([], ()),
]


@pytest.mark.parametrize(("value", "expected"), PER_TASK, ids=repr)
def test_per_task_settings(value: Any, expected: tuple[float, ...]) -> None:
    settings = settings_of(Static, {"weights": value}, TASKS)
    assert isinstance(settings, StaticSettings)
    assert settings.weights == expected


def test_settings_take_strings_and_json_values() -> None:
    given = settings_of(GradientProportional, {"exponent": "-1", "decay": 0, "warm_up": "7"}, TASKS)
    assert given.model_dump() == {"exponent": -1.0, "decay": 0.0, "floor": 0.05, "warm_up": 7}
    assert settings_of(GradientProportional, given.model_dump(mode="json"), TASKS) == given


REFUSED = [
    (Static, "weights", [1, 2], "it takes 3 values, one a task: arithmetic, lookup, steps"),
    (Static, "weights", "1,2,3,4", "it takes 3 values"),
    (Static, "weights", 2, "it takes 3 values"),
    (
        Static,
        "weights",
        {"lokup": 2},
        "no task 'lokup' in this suite for static.weights. Did you mean 'lookup'?",
    ),
    (Static, "weights", "lookup:2,3", "write every task once"),
    (Static, "weights", "lookup:2,lookup:3", "write every task once"),
    (Static, "weights", "1,x,3", "static.weights cannot be 'x': every entry must be a finite number"),
    (Static, "weights", [1, True, 3], "every entry must be a finite number"),
    (Static, "weights", [1, float("inf"), 3], "every entry must be a finite number"),
    (Static, "weights", [1, -2, 3], "cannot be -2: an entry is out of bounds. It can be from 0 up to 1e+06."),
    (Static, "weights", "0,0,0", "static.weights cannot be '0,0,0': at least one weight must be positive"),
    (GradientProportional, "exponent", 3, "cannot be 3: input should be less than or equal to 2"),
    (GradientProportional, "exponent", 3, "It can be from -2 up to 2. Left out, it is 0.5."),
    (GradientProportional, "exponent", "x", "gradient_proportional.exponent cannot be 'x'"),
    (GradientProportional, "exponent", "nan", "it must be a finite number"),
    (GradientProportional, "exponent", True, "it must be a finite number"),
    (GradientProportional, "exponent", [1], "it must be a finite number"),
    (GradientProportional, "warm_up", 2.5, "valid integer"),
    (
        GradientProportional,
        "warmup",
        2,
        "no setting 'warmup' of gradient_proportional. Did you mean 'warm_up'?",
    ),
    (GradientProportional, "zzz", 2, "There is: exponent, decay, floor, warm_up."),
    (Uniform, "weights", 2, "no setting 'weights' of uniform. There is: none; leave it out."),
]


@pytest.mark.parametrize(("method", "key", "value", "message"), REFUSED)
def test_wrong_settings_are_refused(method: type[_base.Method], key: str, value: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        settings_of(method, {key: value}, TASKS)
    assert message in str(caught.value)


def test_per_task_settings_follow_the_blind_order() -> None:
    settings = settings_of(Static, {"weights": "20,1,3"}, TASKS)
    assert in_blind_order(settings, [2, 0, 1]) == StaticSettings(weights=(3.0, 20.0, 1.0))
    assert in_blind_order(StaticSettings(), [2, 0, 1]) == StaticSettings()
    with pytest.raises(AssertionError, match="does not permute"):
        in_blind_order(settings, [0, 0, 1])


def test_a_changed_method_has_a_new_version() -> None:
    """Records name a method by its version: the same version must give the same answers."""
    frozen = json.loads(GOLDEN.read_text())
    found = {name: {"version": c.version, "digest": source_digest(c.path)} for name, c in cards().items()}
    stale = [name for name in found if found[name] != frozen.get(name)]
    assert not stale, f"raise the version of {stale} if it is frozen; `python -m methods._registry --freeze`"


def test_the_digest_sees_answers_and_nothing_else(folder: MakeFolder) -> None:
    path = folder(halving=GOOD) / "halving.py"
    digest = source_digest(path)
    for text in (
        GOOD.replace("Halves.", "It halves."),
        GOOD.replace("a comment", "why"),
        GOOD.replace("at all", "whatever"),
        GOOD.replace("* 0 + 0.5", "* 0 + (0.50)"),
    ):
        path.write_text(text)
        assert source_digest(path) == digest
    path.write_text(GOOD.replace("0.5", "0.4"))
    assert source_digest(path) != digest


def test_the_words_about_a_setting_are_not_its_meaning(folder: MakeFolder) -> None:
    digests = {
        words: source_digest(folder(words=f"x = setting(0.5, {words})") / "words.py")
        for words in ("doc='share'", "doc='a share'", "low=0.1", "low=0.2")
    }
    assert digests["doc='share'"] == digests["doc='a share'"]
    assert len(set(digests.values())) == 3


def test_freezing_enters_new_versions_and_never_changes_an_old_one(folder: MakeFolder, tmp_path: Path) -> None:
    golden = tmp_path / "golden.json"
    methods = folder(halving=GOOD)
    freeze(golden, methods)
    first = golden.read_text()
    assert json.loads(first)["halving"]["version"] == 1

    changed = GOOD.replace("0.5", "0.4")
    with pytest.raises(UserError, match="differs from version 1 as frozen; raise its version"):
        freeze(golden, folder(halving=changed))
    assert golden.read_text() == first

    freeze(golden, folder(halving=changed.replace("int] = 1", "int] = 2")))
    assert json.loads(golden.read_text())["halving"]["version"] == 2
    with pytest.raises(UserError, match="raise its version"):
        freeze(golden, folder(halving=GOOD))


def test_freezing_keeps_the_names_of_methods_that_are_gone(folder: MakeFolder, tmp_path: Path) -> None:
    golden = tmp_path / "golden.json"
    golden.write_text('{"gone": {"version": 3, "digest": "0"}}')
    freeze(golden, folder(halving=GOOD))
    assert list(json.loads(golden.read_text())) == ["gone", "halving"]
