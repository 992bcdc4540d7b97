"""The terminal and the JSON of an explanation: the same numbers, names escaped."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.analysis.board import board
from bench.analysis.explain import Explanation, explain
from bench.analysis.runs import Run
from bench.cli.displays.explanations import explanation_json, show_explanation


@pytest.fixture
def found(make_record: Callable[..., Any]) -> Explanation:
    """The first is ahead in everything, from its first step on."""
    runs = [
        Run(
            Path(f"results/nano-v1/{method}/{seed}.json"),
            make_record(method=method, seed=seed, gains=[gain + seed] * 3, curves={"reward": [[reward] * 3] * 4}),
        )
        for method, gain, reward in (("first", 20, 0.5), ("uniform", 4, 0.25))
        for seed in range(3)
    ]
    return explain(board(runs), ["first", "uniform"])


def test_every_sentence_and_number_is_shown(found: Explanation) -> None:
    out = StringIO()
    show_explanation(found, Console(file=out, width=200))
    text = out.getvalue()
    for sentence in found.sentences:
        assert sentence in text
    for part in ("task_a", "+0.400", "weight, first", "share, uniform", "Steps 1 to 1 of 8", "0: +0.400"):
        assert part in text


def test_the_json_has_the_same(found: Explanation) -> None:
    data = json.loads(json.dumps(explanation_json(found), allow_nan=False))
    assert data["sentences"] == list(found.sentences)
    assert data["tasks"]["task_b"]["mean"] == pytest.approx(0.4)
    assert data["parting"]["mean"]["reward"]["mean"] == pytest.approx(0.25)
    assert data["log_cost_ratio"]["prompts"]["mean"] == 0
