"""When a run is saved, and what the next attempt finds."""

import time

import pytest

from bench.errors import UserError
from bench.training.checkpoint.keeper import PATIENCE, SECONDS, VARIABLE, Checkpoints

KEY = {"identity": "a"}


class Clock:
    """Seconds that pass when told."""

    def __init__(self, monkeypatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    return Clock(monkeypatch)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "suite" / "method" / "1.safetensors"


def keeper(path, notes=None, key=KEY) -> Checkpoints:
    made = Checkpoints(path, lambda: key, (notes if notes is not None else []).append)
    made.find()
    return made


def test_it_saves_every_ten_seconds(path, clock):
    checkpoints, values = keeper(path), []
    checkpoints.keep("value", lambda: values.append(clock.now) or len(values))
    for _ in range(100):
        checkpoints.offer()
        clock.now += 1
    assert values == [1000 + SECONDS * (1 + save) for save in range(9)]
    assert keeper(path).take("value") == 9


def test_a_save_that_cannot_take_its_place_is_left_out(path, clock):
    """Something else lies where the checkpoint belongs: the run goes on, and the user is told once."""
    (path / "in the way").mkdir(parents=True)
    notes: list[str] = []
    checkpoints = Checkpoints(path, lambda: KEY, notes.append)
    checkpoints.keep("value", lambda: 1)
    for _ in range(3):
        clock.now += SECONDS
        checkpoints.offer()
    assert len(notes) == 1
    assert "No checkpoint could be written" in notes[0]
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_it_never_takes_more_than_a_twentieth_of_the_time(path, clock):
    """A save that takes 3 s is followed by a minute without."""
    checkpoints, saved = keeper(path), []

    def slow() -> int:
        saved.append(clock.now)
        clock.now += 3
        return 0

    checkpoints.keep("value", slow)
    end = clock.now + 1000
    while clock.now < end:
        checkpoints.offer()
        clock.now += 1
    assert 3 * len(saved) <= 1000 / PATIENCE + 3
    assert saved[1] - saved[0] == pytest.approx(3 + 3 * PATIENCE, abs=1)


def test_parts_are_taken_once_and_dropped_when_they_are_over(path, clock, monkeypatch):
    monkeypatch.setenv(VARIABLE, "0")
    first = keeper(path)
    assert first.take("a") is None
    first.keep("a", lambda: 1)
    first.keep("b", lambda: (2.5, "x"))
    first.offer()
    first.drop("a", "never kept")
    second = keeper(path)
    assert second.waits("b")
    assert (second.take("a"), second.take("b"), second.take("b")) == (1, (2.5, "x"), None)
    first.offer()
    assert keeper(path).take("a") is None


def test_a_checkpoint_of_another_run_is_named_and_left_out(path, clock, monkeypatch):
    monkeypatch.setenv(VARIABLE, "0")
    first = keeper(path)
    first.keep("a", lambda: 1)
    first.offer()
    notes: list[str] = []
    assert keeper(path, notes, {"identity": "b"}).take("a") is None
    assert len(notes) == 1
    assert "made with another identity: the run starts afresh" in notes[0]


def test_what_cannot_be_saved_is_said_once(path, clock, monkeypatch):
    monkeypatch.setenv(VARIABLE, "0")
    notes: list[str] = []
    checkpoints = keeper(path, notes)
    checkpoints.keep("a", lambda: {1, 2})
    checkpoints.offer()
    checkpoints.offer()
    assert len(notes) == 1
    assert "builtins.set cannot be saved" in notes[0]
    assert list(path.parent.glob("*")) == []
    checkpoints.drop("a")
    checkpoints.offer()
    assert path.exists()


def test_a_run_that_is_over_leaves_nothing_and_takes_nothing_of_others(path, clock, monkeypatch):
    monkeypatch.setenv(VARIABLE, "0")
    other = path.with_name("10.safetensors")
    for each in (path, other):
        keeper(each).offer()
    path.with_suffix(".part").mkdir()
    (path.with_suffix(".part") / ".tmp1234").write_text("half")
    path.with_suffix(".0.safetensors").write_text("of several processes")
    keeper(path).remove()
    assert list(path.parent.iterdir()) == [other]
    Checkpoints().remove()


@pytest.mark.parametrize("said", ["-1", "inf", "nan", "soon", ""])
def test_an_interval_that_is_none(path, monkeypatch, said):
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(UserError, match=rf"{VARIABLE}={said} is no interval; say seconds, 0 for every step, or never"):
        Checkpoints(path)


def test_never(path, clock, monkeypatch):
    monkeypatch.setenv(VARIABLE, "never")
    checkpoints = keeper(path)
    clock.now += 1e6
    checkpoints.offer()
    checkpoints.close_training()
    assert not path.exists()
