"""The scale on which differences are drawn beside each other."""

from pathlib import Path

import pytest

from bench.analysis.board import board
from bench.analysis.runs import Run
from leaderboard.shown import span


def drawn(make_record, gains: dict[str, list[int]]) -> float:
    """The half-width for methods with these gains, one seed each, in items of 40; `uniform` gains nothing."""
    runs = [
        Run(Path(f"r/nano-v1/{method}/{seed}.json"), make_record(2, method, seed, gains=[gain, gain]))
        for method, own in {"uniform": [0, 0], **gains}.items()
        for seed, gain in enumerate(own)
    ]
    return span(board(runs))


def test_a_few_odd_methods_do_not_squeeze_the_rest(make_record):
    """Every difference is the same with both seeds, so that its ends are its mean."""
    near = {f"method{place}": [place, place] for place in (1, 2, 3)}
    assert drawn(make_record, near) == pytest.approx(3 / 40)
    assert drawn(make_record, {**near, "odd": [24, 24]}) == pytest.approx(3 / 40)


def test_what_is_common_is_within_the_scale(make_record):
    far = {"method1": [1, 1], "method2": [20, 20], "method3": [-4, -4], "method4": [24, 24]}
    assert drawn(make_record, far) == pytest.approx(20 / 40)


def test_where_nothing_differs_there_is_a_scale(make_record):
    assert drawn(make_record, {"same": [0, 0]}) == 1
    assert drawn(make_record, {}) == 1
