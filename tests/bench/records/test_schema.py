"""What readers of a record refuse."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bench.errors import UserError
from bench.records.attempts import attempts_of
from bench.records.schema import MAX_BYTES, Record, Score
from bench.records.store import parse, read


def as_json(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json")


def put(data: dict[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    """Sets a nested entry; parts that are numbers index lists."""
    *parents, last = [int(part) if part.isdecimal() else part for part in dotted.split(".")]
    target: Any = data
    for part in parents:
        target = target[part]
    target[last] = value
    return data


def test_the_json_form_of_a_record_is_that_record(make_record):
    record = make_record()
    assert parse(json.loads(json.dumps(as_json(record))), "here") == record


@pytest.mark.parametrize("field", ["extra", "ledger.extra", "tasks.0.before.extra", "curves.extra"])
def test_an_unknown_field_is_refused_by_name(make_record, field):
    with pytest.raises(UserError, match=rf"here: field {field}: "):
        parse(put(as_json(make_record()), field, 1), "here")


@pytest.mark.parametrize("version", [2, "1", None, 1.5])
def test_another_schema_is_refused(make_record, version):
    with pytest.raises(UserError, match=r"here: schema_version is .*; this harness reads 1"):
        parse(put(as_json(make_record()), "schema_version", version), "here")


@pytest.mark.parametrize("field", ["ledger.wall_seconds", "curves.gramian.0.0", "curves.squared_norm.1.2"])
@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused_by_name(make_record, tmp_path: Path, field, text):
    written = json.dumps(put(as_json(make_record()), field, "PLACE")).replace('"PLACE"', text)
    path = tmp_path / "0.json"
    path.write_text(written)
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("value", ["5", 5.5, True, -1])
def test_a_counter_of_another_type_or_sign_is_refused(make_record, value):
    with pytest.raises(UserError, match=r"field ledger\.steps"):
        parse(put(as_json(make_record()), "ledger.steps", value), "here")


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"count": 44}, "44 rewards need 11"), ({"mean": 0.9}, "mean says"), ({"items": "zz"}, "pattern")],
)
def test_item_outcomes_must_add_up(make_record, change, reason):
    data = as_json(make_record())
    data["tasks"][0]["before"] |= change
    with pytest.raises(UserError, match=reason):
        parse(data, "here")


def scored(**fields: Any) -> Score:
    return Score.model_validate({"mean": 0.5, "items": "b0", "count": 3, "samples": 2, **fields})


def test_a_score_of_one_sample_does_not_name_it(make_record):
    """Records keep their bytes, whether or not the harness knows of samples."""
    assert "samples" not in as_json(make_record())["tasks"][0]["before"]
    assert scored().model_dump()["samples"] == 2


@pytest.mark.parametrize("change", [{"samples": 1}, {"count": 6}, {"samples": 3}, {"mean": 0.25}, {"items": "b4"}])
def test_every_sample_of_every_item_is_counted(change):
    with pytest.raises(ValidationError):
        scored(**change)


def test_the_standard_error_is_over_items():
    """Item means 1/2, 1 and 0: their deviation is 1/2. Six independent replies would promise an error of 0.22."""
    assert scored().standard_error == pytest.approx(0.5 / 3**0.5)
    assert scored(items="cc", count=4, samples=2).standard_error == pytest.approx((1 / 3) ** 0.5 / 2)
    assert scored(items="cc", count=8, samples=1).standard_error == pytest.approx((2 / 7) ** 0.5 / 8**0.5)
    assert scored(items="8", count=1, samples=2).standard_error == 0


def test_attempts_of_the_base_model_are_optional_and_leave_no_trace(make_record):
    data = as_json(make_record())
    assert "attempts" not in data["tasks"][0]
    data["tasks"][0]["attempts"] = attempts_of([0, 1, 8, 8], 8).model_dump()
    assert parse(data, "here").tasks[0].attempts == attempts_of([0, 1, 8, 8], 8)


def test_curves_have_one_length(make_record):
    data = as_json(make_record())
    data["curves"]["reward"].pop()
    with pytest.raises(UserError, match="one common length"):
        parse(data, "here")


def test_a_key_given_twice_is_refused(tmp_path: Path):
    path = tmp_path / "0.json"
    path.write_text('{"seed": 0, "seed": 1}')
    with pytest.raises(UserError, match="'seed' appears twice"):
        read(path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path):
    path = tmp_path / "0.json"
    path.write_text(" " * (MAX_BYTES + 1))
    with pytest.raises(UserError, match="has 65,537 bytes; a record has at most 65,536"):
        read(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 20_000, '{"seed": "\udc80"}'])
def test_what_is_no_record_is_a_user_error(tmp_path: Path, text):
    path = tmp_path / "0.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(UserError, match=r"0\.json"):
        read(path)


def test_gain_is_after_minus_before_and_nothing_for_a_run_that_is_not_done(make_record):
    record = make_record(tasks=2, gains=[4, -2])
    assert [task.gain for task in record.tasks] == pytest.approx([0.1, -0.05])
    assert record.mean_gain == pytest.approx(0.025)
    assert make_record(tasks=2, gains=[4, -2], status="failed", reason="diverged").mean_gain == 0


def test_a_task_that_is_not_scored_is_in_the_record_and_in_no_mean(make_record):
    record = make_record(tasks=2, gains=[4, -2])
    data = put(as_json(record), "tasks.1.scored", False)
    assert parse(data, "here").mean_gain == pytest.approx(0.1)
    assert as_json(parse(data, "here"))["tasks"][1]["scored"] is False
    with pytest.raises(UserError, match="at least one task must be scored"):
        parse(put(data, "tasks.0.scored", False), "here")


def test_a_record_does_not_write_that_a_task_is_scored(make_record):
    """Records from before there was anything else keep their bytes and their digests."""
    assert all("scored" not in task for task in as_json(make_record())["tasks"])


@pytest.mark.parametrize("sign", ["\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\x00", "\r"])
@pytest.mark.parametrize(
    "field", ["reason", "normaliser", "method.card.title", "provenance.hardware", "method.settings.x"]
)
def test_no_text_of_a_record_hides_a_character(make_record, sign: str, field: str):
    """Whatever stands in a record is shown in a terminal and on a page."""
    data = as_json(make_record())
    with pytest.raises(ValidationError, match=r"pattern|unicode"):
        Record.model_validate(put(data, field, f"a{sign}b"))
    assert Record.model_validate(put(data, field, "a\tb"))
