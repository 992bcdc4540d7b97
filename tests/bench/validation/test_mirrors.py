"""What validation computes without torch is what the harness computes with it."""

from typing import Any

import pytest

from bench.engine import probe, sampling
from bench.models.files import model_digest
from bench.records.schema import CURVE_GENERATIONS
from bench.records.windows import numbers_a_step, window_ends
from bench.request.pinned import pinned_digest
from bench.request.suite import PINNED, load_suite
from bench.validation.checkout import Checkout
from bench.validation.mixture import blind_order
from methods import SampleWeighting
from methods._declared import defaults, source_of
from methods._registry import cards, load


def test_the_blind_order_is_the_harnesss():
    names = [f"task_{index}" for index in range(20)]
    for count in range(1, 21):
        for seed in range(8):
            assert blind_order(names[:count], seed) == sampling.blind_order(names[:count], seed)


@pytest.mark.parametrize("name", PINNED)
def test_a_pinned_models_digest_is_the_harnesss(name: str):
    assert pinned_digest(name) == model_digest(name)


@pytest.mark.parametrize("tasks", [1, 2, 5, 12])
def test_windows_end_where_the_probe_puts_them(tasks: int):
    """The probe is given steps of the right number of numbers; only their count decides."""
    for kept_curves in range(len(CURVE_GENERATIONS) + 1):
        numbers = numbers_a_step(tasks, kept_curves)
        kept = probe.Probe()
        for count in range(1, 400, 7):
            kept._steps = [{"numbers": [0.0] * numbers}] * count
            assert window_ends(count, numbers) == [end for _, end in kept._windows()]


def test_the_numbers_of_a_step_are_the_probes(real_steps: dict[str, list[float]]):
    assert numbers_a_step(3, len(CURVE_GENERATIONS)) == sum(map(len, real_steps.values()))


@pytest.fixture
def real_steps() -> dict[str, list[float]]:
    """What the probe keeps of a step of three tasks."""
    import torch

    from methods import Gramian, Signals

    each = torch.ones(3, dtype=torch.float64)
    names = ("losses", "rewards", "mean_abs_advantage", "lengths", "prompt_lengths", "silent", "shares")
    gramian = torch.eye(3, dtype=torch.float64)
    kept = probe.Probe()
    signals = Signals(step=0, gramian=Gramian(gramian), cross_gramian=gramian, **dict.fromkeys(names, each))
    kept.add(signals, each, 1.0, clipped=False)
    kept.amend(each, 1.0, 1.0)
    return kept._steps[0]


@pytest.mark.parametrize("name", list(cards()))
def test_settings_read_from_the_file_are_those_of_the_class(name: str):
    card, kind = cards()[name], load(name)
    source = source_of(card.path, card.class_name)
    assert source.settings is not None
    assert defaults(source.settings) == kind.Settings().model_dump(mode="json")
    for key, field in kind.Settings.model_fields.items():
        stored: Any = field.json_schema_extra
        declared = source.settings[key]
        assert (declared.low, declared.high, declared.per_task) == (stored["low"], stored["high"], stored["per_task"])
        assert declared.fault(defaults(source.settings)[key], tasks=5) == ""
    own = issubclass(kind, SampleWeighting) and kind.token_weights is not SampleWeighting.token_weights
    assert source.weighs_tokens == own


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("decay", 1.5, "allowed is 0.0 to 0.999"),
        ("decay", 1, "not of type float"),
        ("decay", True, "not of type float"),
        ("decay", "0.5", "not of type float"),
        ("warm_up", 2.0, "not of type int"),
        ("warm_up", 10**400, "allowed is 1 to 1000"),
        ("warm_up", None, "not of type int"),
    ],
)
def test_a_value_that_a_method_cannot_have(setting: str, value: Any, said: str):
    card = cards()["gradient_proportional"]
    settings = source_of(card.path, card.class_name).settings
    assert settings is not None
    assert said in settings[setting].fault(value, tasks=5)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], ""),
        ([1.0, 2.0], ""),
        ([1.0], "1 entries for 2 tasks"),
        ([1.0, -1.0], "allowed is 0.0"),
        ([1.0, 2], "not a list of numbers"),
        (3.0, "not a list of numbers"),
    ],
)
def test_values_per_task(value: Any, said: str):
    card = cards()["static"]
    settings = source_of(card.path, card.class_name).settings
    assert settings is not None
    fault = settings["weights"].fault(value, tasks=2)
    assert (said in fault) if said else fault == ""


def test_choices():
    card = cards()["mgda"]
    settings = source_of(card.path, card.class_name).settings
    assert settings is not None
    assert settings["normalise"].fault("l2", tasks=2) == ""
    assert "not one of 'none', 'l2'" in settings["normalise"].fault("l3", tasks=2)


def test_suites_are_read_as_the_harness_reads_them():
    for name, suite in Checkout().suites.items():
        assert suite == load_suite(name)
