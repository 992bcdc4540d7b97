"""Gradients that leave the device: when, and that the run is the same."""

from pathlib import Path

import pytest

import bench.run.session
from bench.models.shapes import shape_of
from bench.records.schema import Record
from bench.records.store import read
from bench.request.request import parse_request
from bench.run.forecast import forecast, parts_of_memory, peak_of
from bench.run.placing import gradients_leave
from bench.run.prepare import prepare
from bench.run.story import run

SMOKE = ("suite=smoke-v1", "recipe.steps=2", "evaluation.items=8")


class Silent:
    def phase(self, name: str) -> None: ...

    def step(self, *_: object) -> None: ...


def finished(store: Path, *words: str) -> Record:
    return read(run(parse_request([*SMOKE, f"store={store}", *words]), Silent()).path)


@pytest.mark.parametrize(
    "words", [("method=pcgrad",), ("method=static", "wrapper=cr_mogm", "regime=sft", "recipe.validation_rows=64")]
)
def test_the_run_is_the_same_to_rounding(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stayed = finished(tmp_path / "stayed", *words)
    monkeypatch.setattr(bench.run.session, "memory", lambda: 1)
    gone = finished(tmp_path / "gone", *words)
    assert "They wait in the host's memory" in capsys.readouterr().err

    assert gone.identity == stayed.identity
    assert gone.ledger.backward_passes == stayed.ledger.backward_passes
    assert gone.curves.squared_norm == [pytest.approx(row, rel=1e-3) for row in stayed.curves.squared_norm]
    assert gone.curves.weights == [pytest.approx(row, rel=1e-3) for row in stayed.curves.weights]


@pytest.mark.parametrize(
    ("words", "leaves"),
    [
        (("method=pcgrad",), True),
        (("method=uniform",), True),
        (("method=pcgrad", "wrapper=cr_mogm"), True),
        (("method=pcgrad", "wrapper=sparse_training"), False),
        (("method=graddrop",), False),
        (("method=ties",), False),
    ],
)
def test_methods_that_act_on_weights_can_do_without(words: tuple[str, ...], leaves: bool, tmp_path: Path) -> None:
    request = parse_request([*SMOKE, f"store={tmp_path}", *words])
    assert gradients_leave(prepare(request), 1) is leaves
    assert (forecast(request).least is not None) is leaves


def test_they_stay_where_they_fit(tmp_path: Path) -> None:
    request = parse_request([*SMOKE, f"store={tmp_path}", "method=pcgrad"])
    found = forecast(request)
    assert found.least is not None
    assert not gradients_leave(prepare(request), None), "a processor has no other memory"
    assert not gradients_leave(prepare(request), int(found.peak) + 1)
    assert gradients_leave(prepare(request), int(found.peak) - 1)


def test_one_gradient_is_left_of_all_tasks() -> None:
    suite = parse_request(["method=pcgrad", "suite=small-v1", "lora.r=0"]).suite
    shape = shape_of(suite)
    assert shape is not None
    stays, leaves = (peak_of(parts_of_memory(suite, shape, 256, away)) for away in (False, True))
    assert stays - leaves == len(suite.tasks) * 4 * shape.parameters
