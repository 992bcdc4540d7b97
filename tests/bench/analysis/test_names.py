"""Names that people read in place of hexadecimal digits."""

import pytest

from bench.analysis.names import readable


@pytest.mark.parametrize(
    ("method", "folder", "settings", "said"),
    [
        ("pcgrad", "pcgrad", {}, "pcgrad"),
        ("static", "static", {"weights": []}, "static"),
        ("static", "static+0a09563d", {"weights": [1.0, 20.0, 1.0]}, "static, task_b \u00d720"),
        ("static", "static+1", {"weights": [3.5, 26.0, 2.0]}, "static, weights 1.8 : 13 : 1"),
        ("static", "static+2", {"weights": [0.0, 1.0, 1.0]}, "static, none on task_a"),
        ("static", "static+2", {"weights": [0.0, 0.5, 0.0]}, "static, none on task_a and task_c"),
        ("static", "static+2", {"weights": [0.0, 2.0, 1.0]}, "static, weights 0 : 2 : 1"),
        ("pike", "pike+3", {"exponent": -0.5, "floor": 0.1}, "pike, exponent = -0.5, floor = 0.1"),
    ],
)
def test_a_name_says_what_the_settings_do(make_run, method, folder, settings, said):
    assert readable(make_run(method, folder=folder, use={"settings": settings})) == said


def test_a_wrapper_is_named(make_run):
    card = make_run().record.method.card.model_dump()
    wrapper = {"name": "samo", "version": 1, "settings": {}, "source_digest": "0" * 64, "card": card}
    assert readable(make_run("pcgrad", use={"wrapper": wrapper})) == "pcgrad in samo"


def test_long_settings_are_cut(make_run):
    settings = {f"setting_{number}": 0.123456 for number in range(9)}
    assert len(readable(make_run("m", folder="m+4", use={"settings": settings}))) == len("m, ") + 60
