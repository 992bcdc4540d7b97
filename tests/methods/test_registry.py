"""Finding methods, reading their cards, and holding their versions."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import UserError
from methods import _base, _cards
from methods._registry import cards, freeze, not_frozen, source_digest

GOOD = '''"""Halving: each task gets half.

Source     a paper, equation 3
Differs    nothing
           at all
Costs      none

Free text may follow.
"""
from methods import LossWeighting, TaskSampling

class Helper:
    pass

class Halving(LossWeighting, TaskSampling):
    """Halves."""
    name = "halving"
    version = 1

    def weights(self, signals):
        return signals.losses * 0 + 0.5  # a comment
'''
MakeFolder = Callable[..., Path]


def test_hooks_are_those_of_the_contract() -> None:
    assert [hook.__name__ for hook in _base.HOOKS] == list(_cards.HOOKS)


def test_a_card_is_read_from_the_source(folder: MakeFolder) -> None:
    card = cards(folder(halving=GOOD, _private="not a method"))["halving"]
    assert (card.title, card.summary) == ("Halving", "each task gets half.")
    assert (card.source, card.differs, card.costs) == ("a paper, equation 3", "nothing at all", "none")
    assert card.acts_on == ("TaskSampling", "LossWeighting")
    assert (card.class_name, card.version) == ("Halving", 1)


@pytest.mark.parametrize("sign", ["\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\r"])
@pytest.mark.parametrize("place", ["gets half", "equation 3", "Free text"])
def test_a_card_hides_no_character(folder: MakeFolder, sign: str, place: str) -> None:
    """A terminal would obey it, and a page would turn around; the file may spell it as an escape."""
    escaped = "".join(f"\\u{ord(each):04x}" for each in sign)
    with pytest.raises(UserError, match=rf"U\+{ord(sign):04X}, which nobody can see"):
        cards(folder(halving=GOOD.replace(place, f"{place}{escaped}")))


GRAMIAN = GOOD.replace("none\n", "none\nConflicts  never\n", 1).replace("LossWeighting", "GramianWeighting")


def test_a_claim_about_conflicts_is_read(folder: MakeFolder) -> None:
    assert cards(folder(halving=GRAMIAN))["halving"].conflicts == "never"
    rate = "in 31 % of strongly conflicting\n           gradients"
    assert cards(folder(halving=GRAMIAN.replace("never", rate)))["halving"].conflicts == " ".join(rate.split())
    assert cards(folder(halving=GOOD))["halving"].conflicts == ""


def test_a_formula_and_the_free_text_are_read(folder: MakeFolder) -> None:
    written = GOOD.replace("Costs      none\n", "Costs      none\nFormula    w = a ;\n           a = 1\n")
    card = cards(folder(halving=written))["halving"]
    assert card.formula == "w = a ; a = 1"
    assert card.detail.startswith("Free text")
    assert cards(folder(halving=GOOD))["halving"].formula == ""


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
    "no name": (GOOD.replace('name = "halving"', ""), "needs `name"),
    "odd name": (GOOD.replace('"halving"', '"Halving!"'), "needs `name"),
    "no version": (GOOD.replace("version = 1", ""), "needs `version"),
    "version zero": (GOOD.replace("version = 1", "version = 0"), "needs `version"),
    "syntax": (GOOD + "\nclass\n", "is not Python"),
    "order": (
        GOOD.replace("Source ", "Zource ").replace("Costs ", "Source ").replace("Zource", "Costs"),
        "in the order",
    ),
    "conflicts of a loss": (GOOD.replace("Costs      none", "Costs      none\nConflicts  never"), "take it out"),
    "odd conflicts": (
        GRAMIAN.replace("never", "sometimes"),
        "'never, of independent gradients' or 'in N % of ...', not 'sometimes'",
    ),
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


def test_a_changed_method_has_a_new_version() -> None:
    """Records name a method by its version: the same version must give the same answers."""
    missing = not_frozen()
    remedy = "To enter new methods and versions: bench freeze [NAME]..."
    assert not missing, "\n".join([*missing, remedy])


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


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """An empty folder of golden files."""
    made = tmp_path / "golden"
    made.mkdir()
    return made


def texts(golden: Path) -> list[str]:
    return [(golden / file).read_text() for file in ("method_sources.json", "trajectories.json")]


def test_freezing_enters_new_versions_and_never_changes_an_old_one(
    folder: MakeFolder, golden: Path, halving: str
) -> None:
    methods = folder(halving=halving)
    assert not_frozen(golden, methods) == ["halving: version 1 is not in method_sources.json, nor in trajectories.json"]
    freeze(golden, methods)
    assert not_frozen(golden, methods) == []
    first = texts(golden)
    assert [json.loads(text)["halving"]["version"] for text in first] == [1, 1]
    assert len(first[1].splitlines()) == 3  # one line a method

    changed = halving.replace("return signals.shares", "return signals.shares * 2")
    methods = folder(halving=changed)
    assert not_frozen(golden, methods)[0].startswith("halving: its source changed under version 1; raise")
    with pytest.raises(UserError, match="differs from version 1 as frozen; raise its version"):
        freeze(golden, methods)
    assert texts(golden) == first

    freeze(golden, folder(halving=changed.replace("version = 1", "version = 2")))
    assert [json.loads(text)["halving"]["version"] for text in texts(golden)] == [2, 2]
    with pytest.raises(UserError, match="raise its version"):
        freeze(golden, folder(halving=halving))


def test_answers_that_change_with_a_shared_solver_are_refused(folder: MakeFolder, golden: Path, halving: str) -> None:
    """The file is the same, and so is its version, but what it gives is not."""
    methods = folder(halving=halving)
    freeze(golden, methods)
    answers = json.loads((golden / "trajectories.json").read_text())
    answers["halving"]["answers"]["three of a size"]["weights"][2][1] = 0.3
    (golden / "trajectories.json").write_text(json.dumps(answers))
    before = texts(golden)
    with pytest.raises(
        UserError, match=r"weights of step 3, three of a size: 0\.3 is now 0\.333.* differs from version 1"
    ):
        freeze(golden, methods)
    assert texts(golden) == before


def test_code_rewritten_without_a_change_of_answers_keeps_its_version(
    folder: MakeFolder, golden: Path, halving: str
) -> None:
    methods = folder(halving=halving)
    freeze(golden, methods)
    before = json.loads(texts(golden)[0])["halving"]["digest"]

    same = halving.replace("return signals.shares", "shares = signals.shares\n        return shares")
    assert freeze(golden, folder(halving=same), rewritten=True) == ["halving"]
    entry = json.loads(texts(golden)[0])["halving"]
    assert entry["version"] == 1
    assert entry["digest"] != before
    assert entry["earlier"] == {"1": [before]}

    other = halving.replace("return signals.shares", "return signals.shares * 2")
    after = texts(golden)
    with pytest.raises(UserError, match="differs from version 1 as frozen; raise its version"):
        freeze(golden, folder(halving=other), rewritten=True)
    assert texts(golden) == after


def test_freezing_some_leaves_the_others(folder: MakeFolder, golden: Path, halving: str) -> None:
    methods = folder(halving=halving, other=halving.replace("halving", "other"))
    freeze(golden, methods, ["other"])
    assert [list(json.loads(text)) for text in texts(golden)] == [["other"], ["other"]]
    with pytest.raises(UserError, match=r"no method 'halvng'. Did you mean 'halving'"):
        freeze(golden, methods, ["halvng"])


def test_freezing_keeps_the_names_of_methods_that_are_gone(folder: MakeFolder, golden: Path, halving: str) -> None:
    (golden / "method_sources.json").write_text('{"gone": {"version": 3, "digest": "0"}}')
    freeze(golden, folder(halving=halving))
    assert list(json.loads(texts(golden)[0])) == ["gone", "halving"]
