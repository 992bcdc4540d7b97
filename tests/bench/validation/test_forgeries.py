"""Forged figures of one record: each is found by its field, also where the forger recomputes the digests."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.records.attempts import attempts_of
from bench.records.rules import problems_in

Edit = Callable[[Any], Any]


def flipped(items: str, count: int) -> dict[str, Any]:
    """The outcomes with the first wrong items made right, and their mean."""
    value = int(items, 16)
    bits = len(items) * 4
    wrong = [bit for bit in range(bits - 1, -1, -1) if not value >> bit & 1][:count]
    value |= sum(1 << bit for bit in wrong)
    return {"count": 500, "items": f"{value:0{len(items)}x}", "mean": value.bit_count() / 500}


def put(path: str, value: Any) -> Edit:
    """Set a field by its dotted path; a callable gets the old value."""

    def change(data: Any) -> None:
        *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        for part in parents:
            data = data[part]
        data[last] = value(data[last]) if callable(value) else value

    return change


def add(number: float) -> Callable[[Any], Any]:
    return lambda old: old + number


def times(number: float) -> Callable[[Any], Any]:
    return lambda old: old * number


def both(*edits: Edit) -> Edit:
    def change(data: Any) -> None:
        for edit in edits:
            edit(data)

    return change


def swap_tasks(data: Any) -> None:
    first, second = data["tasks"][0]["position"], data["tasks"][1]["position"]
    data["tasks"][0]["position"], data["tasks"][1]["position"] = second, first


def half_as_long(data: Any) -> None:
    """Thirty steps that claim to be the whole run."""
    for name, points in data["curves"].items():
        data["curves"][name] = points[:30]
    for name in ("steps", "prompts", "rollouts", "reward_calls", "forward_passes", "backward_passes"):
        data["ledger"][name] //= 2


def fewer_windows(data: Any) -> None:
    """Every second point is left out."""
    for name, points in data["curves"].items():
        data["curves"][name] = points[1::2]


def as_failed(data: Any) -> None:
    data["status"], data["reason"] = "failed", "step 41: it diverged."
    data["model"]["final_digest"] = None
    for task in data["tasks"]:
        task["after"] = None


CAUGHT: dict[str, tuple[Edit, str]] = {
    # what is forged, and the field that names it once the digests are made to fit
    "more held-out items": (
        lambda data: data["tasks"][0]["after"].update(count=504, items=data["tasks"][0]["after"]["items"] + "0",
                                                      mean=data["tasks"][0]["after"]["mean"] * 500 / 504),
        "tasks.after",
    ),
    "half the items, each sampled twice": (
        lambda data: data["tasks"][0]["after"].update(count=250, samples=2),
        "tasks.after",
    ),
    "samples that the suite does not ask for": (
        lambda data: data["tasks"][0]["after"].update(samples=2, items=data["tasks"][0]["after"]["items"] * 2),
        "tasks.after",
    ),
    "a base model tried on its best items": (
        lambda data: data["tasks"][0].update(attempts=attempts_of([8] * 20, 8).model_dump()),
        "tasks.attempts",
    ),
    "a worse base model": (put("tasks.0.before", lambda old: flipped("0" * 125, 9)), "tasks.before"),
    "a better base model": (put("tasks.2.before", lambda old: flipped(old["items"], 1)), "tasks.before"),
    "a task's name": (put("tasks.0.name", "relation"), "tasks"),
    "a task's domain": (put("tasks.0.domain", "qa"), "tasks.domain"),
    "a task's revision": (put("tasks.0.revision", 2), "tasks.revision"),
    "a task's rows": (put("tasks.1.data_hash", "0" * 64), "tasks.data_hash"),
    "a task that no mean includes": (put("tasks.0.scored", False), "tasks.scored"),
    "the blind order": (swap_tasks, "tasks.position"),
    "a task left out": (lambda data: data["tasks"].pop(), "tasks"),
    "fewer tokens": (put("ledger.sampled_tokens", add(-10_000)), "ledger.sampled_tokens"),
    "more tokens than replies can have": (put("ledger.sampled_tokens", 14400 * 33), "ledger.sampled_tokens"),
    "fewer trained tokens": (put("ledger.trained_tokens", add(-1)), "ledger.trained_tokens"),
    "fewer steps": (put("ledger.steps", 59), "ledger.steps"),
    "half a run": (half_as_long, "ledger.steps"),
    "fewer prompts": (put("ledger.prompts", add(-30)), "ledger.prompts"),
    "fewer rollouts": (put("ledger.rollouts", add(-8)), "ledger.rollouts"),
    "fewer reward calls": (put("ledger.reward_calls", add(-1)), "ledger.reward_calls"),
    "fewer backward passes": (put("ledger.backward_passes", add(-240)), "ledger.backward_passes"),
    "more forward passes": (put("ledger.forward_passes", times(3)), "ledger.forward_passes"),
    "no time at all": (put("ledger.wall_seconds", 0.0), "ledger.wall_seconds"),
    "impossible speed": (put("ledger.wall_seconds", 0.5), "ledger.wall_seconds"),
    "more time than the run had": (put("ledger.wall_seconds", add(1e4)), "ledger.wall_seconds"),
    "no memory": (put("ledger.peak_memory_bytes", 1), "ledger.peak_memory_bytes"),
    "a budget of its own": (put("budget.sampled_tokens", 10**9), "budget.sampled_tokens"),
    "another seed": (put("seed", 3), "seed"),
    "a seed that is not prescribed": (put("seed", 17), "seed"),
    "another suite's digest": (put("suite.digest", "ab" * 32), "suite.digest"),
    "another suite": (put("suite.name", "smoke-v1"), "suite.name"),
    "a hidden override": (put("suite.overrides", {"recipe.steps": 90}), "suite.overrides"),
    "another protocol": (put("protocol", 2), "protocol"),
    "another model": (put("model.digest", "cd" * 32), "model.digest"),
    "a model's name": (put("model.name", "large"), "model.name"),
    "a model's size": (put("model.parameters", add(1)), "model.parameters"),
    "an adapter": (put("model.trained", 1000), "model.trained"),
    "no final model": (put("model.final_digest", None), "model.final_digest"),
    "another run's final model": (lambda data: data["model"].update(final_digest=OTHER["final"]), "tasks.after"),
    "another method's name": (put("method.name", "mgda"), "method.name"),
    "a method that nobody has": (put("method.name", "sorcery"), "method.name"),
    "changed code": (put("method.source_digest", "ef" * 32), "method.source_digest"),
    "a version to come": (put("method.version", 2), "method.version"),
    "a plan's freedom": (put("method.acts_on", ["RunPlan"]), "method.acts_on"),
    "a setting that is none": (put("method.settings", {"luck": 1.0}), "method.settings.luck"),
    "another normaliser": (put("normaliser", "token weights of pcgrad"), "normaliser"),
    "a wrapper that is none": (
        lambda data: data["method"].update(wrapper={key: data["method"][key] for key in (
            "name", "version", "settings", "source_digest", "card")}),
        "method.wrapper.name",
    ),
    "a good run as failed": (put("status", "failed"), "reason"),
    "a good run as failed, with a reason": (both(put("status", "failed"), put("reason", "late")), "tasks.after"),
    "a run over budget": (both(put("status", "over_budget"), put("reason", "tokens")), "status"),
    "norms below their products": (put("curves.naive_squared_norm.5.0", 1e-9), "curves.gramian"),
    "a norm": (put("curves.naive_squared_norm.5.0", times(1.5)), "curves.update_norm"),
    "an estimate above its norm": (put("curves.squared_norm.5.0", 1e3), "curves.squared_norm"),
    "a product": (put("curves.gramian.5.0", times(-1.5)), "curves.update_norm"),
    "weights": (put("curves.weights.7", [1.0, 0.0, 0.0, 0.0, 0.0]), "curves.update_norm"),
    "an update's norm": (put("curves.update_norm.9", times(0.5)), "curves.update_norm"),
    "clipping": (put("curves.clipped.3", 0.5), "curves.clipped"),
    "no clipping": (put("curves.clipped", [0.0] * 60), "curves.clipped"),
    "a training reward": (put("curves.reward.40.1", 0.97), "curves.reward"),
    "a silent share": (put("curves.silent.40.1", 0.3), "curves.silent"),
    "silence with an advantage": (
        both(put("curves.silent.40.1", 1.0), put("curves.mean_abs_advantage.40.1", 0.5)), "curves.silent",
    ),
    "shares of more than all": (put("curves.task_share.8.0", 0.4), "curves.task_share"),
    "shares of parts of prompts": (put("curves.task_share.8", [0.21, 0.19, 0.2, 0.2, 0.2]), "curves.task_share"),
    "shorter replies": (put("curves.reply_length", lambda old: [[1.0] * 5] * 60), "ledger.sampled_tokens"),
    "replies beyond the limit": (put("curves.reply_length.3.0", 33.0), "curves.reply_length"),
    "windows": (put("curves.steps", [*range(2, 62)]), "curves.steps"),
    "fewer windows": (fewer_windows, "curves.steps"),
    "huge numbers": (put("curves.squared_norm.0.0", 1e200), "curves.squared_norm"),
    "a future run": (
        both(put("provenance.started", "2126-01-01T00:00:00+00:00"),
             put("provenance.finished", "2126-01-01T01:00:00+00:00"), put("provenance.total_seconds", 3600.0)),
        "provenance.started",
    ),
    "an end before the start": (put("provenance.finished", "2020-01-01T00:00:00+00:00"), "provenance.finished"),
    "a time without a zone": (put("provenance.started", "2026-01-01T00:00:00"), "provenance.started"),
    "no time": (put("provenance.started", "yesterday"), "provenance.started"),
    "a shorter run": (put("provenance.total_seconds", times(0.5)), "provenance.total_seconds"),
    "local changes": (put("provenance.dirty", True), "provenance.dirty"),
    "no commit": (put("provenance.commit", "unknown"), "provenance.commit"),
    "more threads": (put("provenance.threads", 2), "provenance.threads"),
    "a standard task": (
        put("standard", [{"task": "gsm8k", "metric": "exact_match", "before": 0.1, "after": 0.9, "items": 10,
                          "fewshot": 5, "version": "3"}]),
        "standard",
    ),
}  # fmt: skip

OTHER: dict[str, str] = {}
"""The final model of an honest run."""


@pytest.fixture(autouse=True)
def _other(forger) -> None:
    OTHER["final"] = forger.load("nano-v1/mt_grpo/1.json")["model"]["final_digest"]


def named(verdict, forger) -> set[str]:
    """Fields of the errors that are found in the target, with all of its suite to compare with."""
    return {problem.field for problem in verdict(paths=[forger.path()])}


def test_the_honest_store_is_good(verdict):
    assert verdict() == []
    assert verdict("warning") == []


@pytest.mark.parametrize("name", CAUGHT)
def test_a_forger_who_recomputes_the_digests_is_caught(forger, verdict, name):
    change, field = CAUGHT[name]
    data = forger.load()
    data.setdefault("standard", [])
    data["model"].setdefault("trained", None)
    data["method"].setdefault("wrapper", None)
    before = str(data)
    change(data)
    assert str(data) != before, "nothing was forged"
    forger.save(data)
    assert field in named(verdict, forger)


@pytest.mark.parametrize(("right", "said"), [([3, 2, 1, 0], []), ([8, 8, 4, 4], ["tasks.attempts"])])
def test_a_base_model_that_does_better_when_tried_again_deserves_a_look(forger, right, said):
    """The base score is 0.25 over 500 items: 0.19 of the replies to 128 of them are a plausible share, 0.75 are not."""
    data = forger.load()
    data["tasks"][0]["attempts"] = attempts_of(right * 32, 8).model_dump()
    data["tasks"][0]["before"] = flipped("0" * 125, 125)
    forger.save(data)
    found = [problem for problem in problems_in(forger.path()) if problem.level == "warning"]
    assert [problem.field for problem in found] == said


FIGURES: dict[str, Edit] = {
    "a better score": put("tasks.0.after", lambda old: flipped(old["items"], 9)),
    "a worse base": put("tasks.0.before", lambda old: flipped("0" * 125, 9)),
    "the ledger": put("ledger.sampled_tokens", add(-1)),
    "a curve": put("curves.prompt_length.3.0", add(0.01)),
    "the status": both(put("status", "over_budget"), put("reason", "tokens")),
    "the final model": put("model.final_digest", "12" * 32),
}


@pytest.mark.parametrize("name", FIGURES)
def test_an_edited_figure_does_not_have_the_digest(forger, verdict, name):
    forger.edit(FIGURES[name], digests=False)
    assert "outcome_digest" in named(verdict, forger)


IDENTITY: dict[str, Edit] = {
    "the seed": put("seed", 1),
    "the suite": put("suite.digest", "ab" * 32),
    "the rows": put("tasks.0.data_hash", "ab" * 32),
    "the model": put("model.digest", "ab" * 32),
    "the code": put("method.source_digest", "ab" * 32),
    "the protocol": put("protocol", 3),
    "a setting": put("method.settings", {"luck": 1.0}),
}


@pytest.mark.parametrize("name", IDENTITY)
def test_an_edited_address_does_not_have_the_identity(forger, verdict, name):
    forger.edit(IDENTITY[name], digests=False)
    assert "identity" in named(verdict, forger)


UNSEEN: dict[str, Edit] = {
    # no reader can tell these from a run; docs/validation.md says so, `bench reproduce` can
    "outcomes of the final model": put("tasks.0.after", lambda old: flipped(old["items"], 9)),
    "a little less time": put("ledger.wall_seconds", times(0.8)),
    "less memory": put("ledger.peak_memory_bytes", lambda old: old // 2),
    "other hardware": put("provenance.hardware", "a slide rule"),
    "the lengths of prompts": put("curves.prompt_length.3.0", add(1.0)),
    "the size of an advantage": put("curves.mean_abs_advantage.3.0", times(0.9)),
    "an estimate of a squared norm": put("curves.squared_norm.3.0", times(0.5)),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_only_a_rerun_can_find(forger, verdict, name):
    forger.edit(UNSEEN[name])
    assert named(verdict, forger) == set()


def test_a_failed_run_is_a_good_record(forger, verdict):
    """At step 41, after its rollouts: 40 steps have a gradient, and nothing was evaluated."""

    def fail(data: Any) -> None:
        as_failed(data)
        for name, points in data["curves"].items():
            data["curves"][name] = points[:40]
        data["ledger"] |= {"steps": 40, "prompts": 41 * 30, "rollouts": 41 * 240, "reward_calls": 41 * 240}
        data["ledger"] |= {"forward_passes": 9600, "backward_passes": 9600, "trained_tokens": 70_000}

    forger.edit(fail)
    assert named(verdict, forger) == set()
