"""R3, R7, R8, R10 and R12: methods beside each other."""

import pytest

from bench.analysis.reports.aggregation import aggregation
from bench.analysis.reports.optimizer import optimizer
from bench.analysis.reports.rewards import rewards
from bench.analysis.reports.sampling import sampling
from bench.analysis.reports.summary import summary


def method(make_run, name, gains, *, seeds=3, **fields):
    """Runs of a method, seed by seed: the gains in items of 40, one item more on the first task a seed."""
    return [make_run(name, seed, gains=[gains[0] + seed, *gains[1:]], **fields) for seed in range(seeds)]


def test_r3_names_the_tasks_that_rose_most_and_least(make_run):
    """10 of 40 items before; 12 more on task_a, 4 on task_b, none on task_c."""
    report = rewards([make_run(gains=[12, 4, 0])])
    assert (
        "rose on 2 of 3 tasks, most on task_a (from 0.25 to 0.55) and least on task_c (from 0.25 to 0.25)"
        in report.finding
    )
    assert rewards([make_run(gains=[-1, 0, 8])]).finding.endswith(
        "rose on 1 of 3 tasks, most on task_c (from 0.25 to 0.45) and least on task_a (from 0.25 to 0.23); "
        "beyond the spread of the seeds on 0."
    )
    rows = report.tables[0].rows
    assert rows == (
        ("before training", None, 0.25, 0.25, 0.25, 0.25),
        ("uniform", 1, pytest.approx(0.55), pytest.approx(0.35), 0.25, pytest.approx(23 / 60)),
    )


def test_r3_shows_uniform_and_both_ends_of_the_rest(make_run):
    runs = [make_run(f"m{gain}", gains=[gain] * 3) for gain in range(1, 9)]
    plan = make_run("plan", gains=[20] * 3, use={"acts_on": ["RunPlan"]})
    variant = make_run("m1", folder="m1+0123abcd", gains=[19] * 3)
    figures = rewards([make_run(), *runs, plan, variant]).figures
    assert [series.label for series in figures[0].series] == ["uniform", "m8", "m7", "m6", "m2", "m1"]
    assert [figure.title for figure in figures] == [f"Training reward on task_{task}" for task in "abc"]


def test_r3_readings_follow_the_last_window(make_run):
    rising = [[0.1 * step] * 3 for step in range(8)]
    runs = [make_run(curves={"reward": rising}), make_run("other", curves={"reward": [0.9] * 3})]
    reading = rewards(runs).figures[0].reading
    assert reading == "uniform goes from 0.00 to 0.70; all end between 0.70 (uniform) and 0.90 (other)."


def test_r3_counts_an_unfinished_run_as_no_gain(make_run):
    report = rewards([make_run(gains=[8, 8, 8]), make_run(seed=1, gains=[8, 8, 8], status="failed")])
    assert "1 run that did not finish counts as no gain (uniform)." in report.finding
    assert report.tables[0].rows[1][2:] == pytest.approx((0.35,) * 4)


def test_r3_without_a_finished_run_there_is_nothing(make_run):
    assert "1 did not finish" in rewards([make_run(status="failed")]).missing
    assert "`bench run method=uniform suite=SUITE` makes one" in rewards([]).missing


def policies(make_run, better, inverse=None, share=(0.6, 0.3, 0.1)):
    runs = method(make_run, "uniform", [4, 4, 4])
    fields = {"curves": {"task_share": list(share)}}
    runs += method(make_run, "gradient_proportional", [4 + better] * 3, use={"settings": {"exponent": 0.5}}, **fields)
    if inverse is not None:
        use = {"settings": {"exponent": -0.5}}
        runs += method(
            make_run, "gradient_proportional", [4 + inverse] * 3, use=use, folder="gradient_proportional+00000000"
        )
    return runs


@pytest.mark.parametrize(
    ("items", "expected"), [(2, "gained more than uniform: +0.050"), (-2, "gained less than uniform: -0.050")]
)
def test_r7_says_whether_loud_tasks_should_get_more(make_run, items, expected):
    report = sampling(policies(make_run, items))
    assert f"gradient_proportional {expected} [" in report.finding
    assert "(exponent 0.5), task_a got most prompts (60 %)" in report.finding
    assert "method=gradient_proportional method.exponent=-0.5" in report.finding
    assert "method=pike" in report.finding


def test_r7_counts_sides_and_tells_the_inverse(make_run):
    runs = policies(make_run, -2, 2) + method(make_run, "pike", [4, 4, 4])
    report = sampling(runs)
    assert (
        "1 gained more than uniform, 1 gained less than uniform, 1 cannot be separated from uniform" in report.finding
    )
    assert "Largest difference: gradient_proportional+00000000 (exponent=-0.5), +0.050" in report.finding
    assert "With its inverse (exponent -0.5)" in report.finding
    assert "Not recorded" not in report.finding


def test_r7_reads_the_shares(make_run):
    assert "60 % of the prompts for task_a, 10 % for task_c" in sampling(policies(make_run, 1)).figures[0].reading
    equal = sampling(policies(make_run, 1, share=(1 / 3,) * 3)).figures[0]
    assert equal.reading == "All policies gave the tasks equal shares."


def test_r7_needs_a_policy_and_a_shared_seed(make_run):
    alone = sampling([make_run()])
    assert (alone.finding, "`bench run method=gradient_proportional suite=nano-v1`" in alone.missing) == ("", True)
    other = make_run("pike", 5, gains=[1, 1, 1])
    assert "None of the sampling policies (1) shares a seed" in sampling([make_run(), other]).finding


def test_r7_leaves_out_what_acts_elsewhere(make_run):
    elsewhere = make_run("pcgrad", use={"acts_on": ["GramianWeighting"]})
    assert sampling([make_run(), elsewhere]).missing


def normalised(make_run, name, norm, seeds=2):
    each = {"normaliser": f"token weights of {name}", "curves": {"squared_norm": norm}}
    return [make_run(name, seed, **each) for seed in range(seeds)]


@pytest.mark.parametrize(
    ("norm", "way", "verdict"),
    [
        ([8.0, 4.0, 2.0], "keeps the order (rho +1.00", "resolved under none of 1 other normaliser."),
        (
            [1.0, 2.0, 10.0],
            "reverses the order of 3 pairs, such as task_a and task_b (rho -1.00",
            "changes under 1 of 1 others",
        ),
        (
            [8.0, 1.0, 2.0],
            "reverses the order of 1 pair, such as task_b and task_c (rho +0.50",
            "changes under 1 of 1 others",
        ),
    ],
)
def test_r8_says_whether_the_order_flips(make_run, norm, way, verdict):
    base = [make_run(seed=seed, curves={"squared_norm": [6.0, 3.0, 1.0]}) for seed in range(2)]
    report = aggregation([*base, *normalised(make_run, "token_mean", norm)])
    assert "Under the per-sequence mean (uniform), task_a is loudest, 6 times as loud as task_c." in report.finding
    assert f"token_mean {way}" in report.finding
    assert verdict in report.finding
    assert report.figures[0].series[0].y == pytest.approx((0.6, 0.3, 0.1))


def test_r8_an_order_that_the_seeds_do_not_hold_is_no_change(make_run):
    base = [make_run(seed=seed, curves={"squared_norm": [6.0, 3.0, 1.0]}) for seed in range(2)]
    noisy = [
        *normalised(make_run, "token_mean", [1.0, 2.0, 3.0], 1),
        make_run("token_mean", 1, normaliser="token weights of token_mean", curves={"squared_norm": [2.5, 2.0, 1.0]}),
    ]
    finding = aggregation([*base, *noisy]).finding
    assert "token_mean has another order, but no change of it is resolved" in finding
    assert "resolved under none of 1 other normaliser." in finding


def test_r8_an_unresolved_ratio_is_said(make_run):
    base = [make_run(curves={"squared_norm": [6.0, 3.0, -1.0]})]
    finding = aggregation([*base, *normalised(make_run, "dr_grpo", [2.0, 1.0, 0.0], 1)]).finding
    assert "task_a is loudest, by a ratio that is not resolved above task_c" in finding
    assert "task_c quietest (by a ratio that is not resolved)" in finding


def test_r8_needs_both_sides(make_run):
    assert "method=token_mean" in aggregation([make_run()]).missing
    assert "method=uniform" in aggregation(normalised(make_run, "token_mean", [1.0, 2.0, 3.0])).missing
    stand_in = aggregation([make_run("grpo"), *normalised(make_run, "token_mean", [1.0, 2.0, 3.0])])
    assert "(grpo)" in stand_in.finding


def checked(make_run, name, gradient, move, **fields):
    """Three seeds with cosines that differ a little."""
    return [
        make_run(name, seed, curves={"gradient_cosine": gradient, "move_cosine": move + 0.01 * seed}, **fields)
        for seed in range(3)
    ]


def test_r10_says_what_adamw_undoes(make_run):
    runs = checked(make_run, "a", 0.4, 0.8) + checked(make_run, "b", 0.7, 0.3) + checked(make_run, "uniform", 1.0, 0.98)
    report = optimizer(runs)
    assert "Of 2 methods whose gradient is not the plain mean (1 other take the mean)" in report.finding
    assert "closer to the mean in 1, takes it further away in 1; 0 not resolved." in report.finding
    assert "Closer: a (cosine 0.40 to 0.81). Further: b (cosine 0.70 to 0.31)." in report.finding
    assert report.figures[0].reading.startswith("1 of 2 methods lie above the diagonal")
    assert [(s.label, s.x, s.y) for s in report.figures[0].series] == [
        ("a", pytest.approx((0.4,)), pytest.approx((0.81,))),
        ("b", pytest.approx((0.7,)), pytest.approx((0.31,))),
    ]


def test_r10_one_seed_resolves_nothing(make_run):
    run = make_run("a", curves={"gradient_cosine": 0.4, "move_cosine": 0.8})
    assert "closer to the mean in 0, takes it further away in 0; 1 not resolved." in optimizer([run]).finding


def test_r10_tells_apart_runs_without_the_curves(make_run):
    bare = make_run("old", curves={"gradient_cosine": [], "move_cosine": [], "intended_share": []})
    assert (
        "1 finished run without these curves: left out" in optimizer([bare, *checked(make_run, "a", 0.4, 0.8)]).finding
    )
    assert "No finished run has the optional curves" in optimizer([bare]).missing
    assert (
        "All 1 method with these curves take the plain mean"
        in optimizer(checked(make_run, "uniform", 1.0, 1.0)).missing
    )
    unknown = make_run("zero", curves={"gradient_cosine": [None] * 8, "move_cosine": [None] * 8})
    assert "No finished run has" in optimizer([unknown]).missing


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (2, "other gained more than uniform: +0.050"),
        (-2, "other gained less than uniform: -0.050"),
        (0, "other cannot be separated from uniform: 0.000"),
    ],
)
def test_r12_compares_with_uniform(make_run, items, expected):
    runs = method(make_run, "uniform", [4, 4, 4]) + method(make_run, "other", [4 + items] * 3)
    assert expected in summary(runs).finding


def test_r12_lists_worst_task_and_cost(make_run):
    """Items of 40: worst tasks -2 and 1 of two seeds."""
    cost = {"ledger": {"backward_passes": 384, "peak_memory_bytes": 3 * 2**20}}
    runs = [make_run(seed=seed, gains=[4, 4, 4]) for seed in range(2)]
    runs += [make_run("other", 0, gains=[10, -2, 1], **cost), make_run("other", 1, gains=[10, 1, 1], **cost)]
    row = summary(runs).tables[0].rows[1]
    assert row[:4] == ("other", "2 of 2", pytest.approx(0.0875), pytest.approx(-0.0125))
    assert row[6:] == (pytest.approx(-0.5 / 40), 0, pytest.approx(1), pytest.approx(2), None, 3.0)


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ([4, 1, 4], "No method made a task worse than the base model."),
        (
            [4, -3, 4],
            "1 method made a task worse than the base model on the mean over seeds, 1 for certain: other (task_b).",
        ),
    ],
)
def test_r12_tells_harm(make_run, gains, expected):
    runs = [make_run("other", seed, gains=gains) for seed in range(2)]
    assert expected in summary(runs).finding


def test_r12_harm_within_the_spread_of_the_seeds_is_not_certain(make_run):
    runs = [make_run(seed=seed, gains=[4, gain, 4]) for seed, gain in enumerate((-9, 1))]
    assert "worse than the base model on the mean over seeds, none for certain." in summary(runs).finding


def test_r12_flags_runs_that_did_not_finish(make_run):
    report = summary([make_run(), make_run("other", status="failed")])
    assert "1 run that did not finish counts as no gain (other)." in report.finding
    assert report.tables[0].rows[-1][:3] == ("other", "0 of 1", 0.0)


def test_r12_without_uniform_or_alone(make_run):
    assert "There is no run of uniform to compare 1 method with." in summary([make_run("other")]).finding
    assert "Only uniform is recorded" in summary([make_run()]).finding
    assert summary([]).missing


def test_r12_a_row_does_not_change_when_a_method_arrives(make_run):
    runs = method(make_run, "uniform", [4, 4, 4]) + method(make_run, "other", [6, 4, 4])
    before = summary(runs).tables[0].rows
    after = summary([*runs, *method(make_run, "third", [9, 9, 9])]).tables[0].rows
    assert set(before) < set(after)


def test_settings_stand_behind_the_digits(make_run):
    """Those that differ from the run with defaults; a wrapper's by their own name."""
    around = {
        "name": "samo",
        "version": 1,
        "source_digest": "0" * 64,
        "card": make_run().record.method.card.model_dump(),
    }
    plain, changed = ({**around, "settings": {"rho": rho, "alpha": 1}} for rho in (0.5, 2.0))
    runs = [
        make_run("static", folder="static@samo", use={"settings": {"weights": []}, "wrapper": plain}),
        make_run("static", folder="static@samo+0", use={"settings": {"weights": [20.0, 2.5]}, "wrapper": changed}),
    ]
    labels = [row[0] for row in summary(runs).tables[0].rows]
    assert labels == ["static@samo", "static@samo+0 (weights=20:2.5 wrapper.rho=2)"]
