"""What the terminal shows of a reproduction: the verdict, the figures, the differences, nothing interpreted."""

from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.cli.displays.reproductions import show_again, unexplained
from bench.contributing.reproduce import Again
from bench.records.reproductions import Spread, compare
from bench.records.schema import Record

MakeRecord = Callable[..., Record]


@pytest.fixture
def make_again(make_record: MakeRecord) -> Callable[..., Again]:
    """A rerun of one record with other gains and another origin."""

    def make(gains: Sequence[int] = (4, 5, 6), other_code: Sequence[str] = (), **made: Any) -> Again:
        record, rerun = make_record(), make_record(gains=list(gains), provenance=made)
        found = compare(record, rerun, "uniform", Spread(0.01))
        return Again(record, rerun, found, other_code, None if other_code else Path("reproductions/x.json"))

    return make


def shown(again: Again) -> str:
    out = StringIO()
    show_again(again, Console(file=out, width=200))
    return out.getvalue()


def test_a_bitwise_reproduction(make_again: Callable[..., Again]) -> None:
    text = shown(make_again())
    assert "seed 0: bitwise" in text
    assert "reproductions/x.json" in text
    assert "should be" not in text


def test_figures_then_and_now_with_what_is_allowed(make_again: Callable[..., Again]) -> None:
    """14 and 30 of 40: a difference of 0.4 where 0.354 is allowed; the mean differs by 0.133 where 0.045 is."""
    text = shown(make_again([20, 5, 6]))
    assert "not reproduced" in text
    for part in ("task_a", "0.350", "0.750", "+0.400", "0.355", "+0.133", "0.045", "no"):
        assert part in text
    assert "the bits should be" in text


def test_differences_of_the_environment_are_named_and_escaped(make_again: Callable[..., Again]) -> None:
    again = make_again([4, 5, 7], hardware="[red]x", packages={"numpy": "2.4.0", "torch": "9"})
    text = shown(again)
    assert "hardware: a processor in the record, [red]x here." in text
    assert "torch: 2.13.0 in the record, 9 here." in text
    assert not unexplained(again)


def test_commit_and_system_explain_no_bits(make_again: Callable[..., Again]) -> None:
    """Neither is a reason for another outcome of the same identity."""
    assert unexplained(make_again([4, 5, 7], commit="1" * 40, platform="another kernel"))


def test_other_code_comes_first(make_again: Callable[..., Again]) -> None:
    text = shown(make_again(other_code=["version of [b]mine[/b]: 1 in the record, 2 here"]))
    assert text.startswith("Different code: another version of [b]mine[/b]")
    assert "Nothing was written" in text
