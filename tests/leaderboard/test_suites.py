"""The home page over several suites: regrets by hand, and nothing where there is nothing to compare."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leaderboard.build import build

GAINS = {
    "nano-v1": {"uniform": [8, 8], "good": [16, 16], "odd": [4, 4], "only_here": [20, 20]},
    "smoke-v1": {"uniform": [9, 9], "good": [8, 8], "odd": [10, 10]},
}
"""Items of 40 on one task, by suite, method and seed."""
Make = Callable[..., Any]


def home(save: Make, make_record: Make, folder: Path, suites: dict[str, dict[str, list[int]]]) -> str:
    store = folder / "store"
    for suite, methods in suites.items():
        for method, gains in methods.items():
            for seed, gain in enumerate(gains):
                save(store, make_record(1, method, seed, suite, gains=[gain]))
    build(store, folder / "out")
    return (folder / "out/index.html").read_text(encoding="utf-8")


def test_methods_of_most_suites_stand_by_their_largest_regret(save: Make, make_record: Make, tmp_path: Path) -> None:
    """good loses a fifth of the best gain in both, uniform 12 of 20 items in the first, odd 16."""
    page = home(save, make_record, tmp_path, GAINS)
    section = page[page.index('id="across"') :]
    order = re.findall(r'<tr><th scope="row"><a href="methods/(\w+)\.html">', section)
    assert order == ["good", "uniform", "odd"]
    assert re.findall(r">(\d+)\u00a0%<", section) == ["20", "60", "80"]
    assert "nano-v1 and smoke-v1 -1.00" in section
    assert "in 0 of 1 pairs of suites, and below 0 in\n1." in section


def test_one_suite_is_not_compared(save: Make, make_record: Make, tmp_path: Path) -> None:
    assert 'id="across"' not in home(save, make_record, tmp_path, {"nano-v1": GAINS["nano-v1"]})
