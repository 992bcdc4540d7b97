"""Listings as data: what `--json` prints of methods, settings and suites is complete, and is JSON."""

import json
from typing import Any

import pytest

from bench.cli.displays.listings import method_data, settings_data, suite_data
from bench.request.suite import load_suite, suite_names
from methods._registry import cards, load


def plain(data: Any) -> Any:
    """Through JSON and back; ValueError for a number that is not finite."""
    return json.loads(json.dumps(data, allow_nan=False))


def test_every_method_has_its_card() -> None:
    found = [plain(method_data(card)) for card in cards().values()]
    assert [each["name"] for each in found] == list(cards())
    assert len(found) > 50
    for each in found:
        assert all(each[name] for name in ("title", "summary", "source", "differs", "costs", "acts_on"))
        assert each["file"].endswith(".py")


@pytest.mark.parametrize("name", ["static", "famo", "uniform", "pcgrad"])
def test_settings_have_default_bounds_and_search_range(name: str) -> None:
    settings = load(name).Settings
    found = plain(settings_data(settings))
    assert [each["name"] for each in found] == list(settings.model_fields)
    for each in found:
        assert {"default", "doc", "low", "high", "search", "log", "per_task"} <= each.keys()


def test_a_setting_in_full() -> None:
    """As methods/static.py declares it."""
    (weights,) = settings_data(load("static").Settings)
    assert (weights["name"], weights["default"], weights["per_task"]) == ("weights", [], True)


def test_suites_have_every_field_and_their_digest() -> None:
    found = [plain(suite_data(load_suite(name))) for name in suite_names()]
    assert {"nano-v1", "smoke-v1"} <= {each["name"] for each in found}
    for each in found:
        assert each["digest"] == load_suite(each["name"]).digest
        assert each["recipe"]["steps"] > 0
