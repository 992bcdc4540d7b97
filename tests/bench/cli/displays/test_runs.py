"""The reference beside a run: the published `uniform` run that it can be paired with, or none."""

from bench.cli.displays.runs import reference_of
from bench.records.store import read
from bench.request.request import RESULTS

RECORD = RESULTS / "nano-v1" / "pcgrad" / "0.json"


def test_a_published_run_has_the_published_reference():
    record = read(RECORD)
    reference = reference_of(record)
    assert reference is not None
    assert (reference.method.name, reference.seed) == ("uniform", record.seed)


def test_a_run_under_another_protocol_has_none():
    """The same seed meets other noise there: a difference would compare two noises."""
    record = read(RECORD)
    assert reference_of(record.model_copy(update={"protocol": record.protocol + 1})) is None


def test_a_run_of_a_changed_suite_has_none():
    record = read(RECORD)
    changed = record.suite.model_copy(update={"digest": "0" * 64})
    assert reference_of(record.model_copy(update={"suite": changed})) is None
