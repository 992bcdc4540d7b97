"""Lists, ranges and `all` become runs; what makes no sense is one sentence."""

import pytest

from bench.errors import UserError
from bench.places import DEFAULT_SUITE
from bench.request.suite import load_suite
from bench.sweeps.words import parse, seeds_of
from methods._registry import cards


def asked(*words):
    return [wish.words for wish in parse(words)[0]]


def test_lists_are_a_cross_product_in_their_order_without_repeats():
    words = asked("method=pcgrad,mgda,pcgrad", "suite=smoke-v1", "seed=1,0", "recipe.steps=2", "store=runs")
    rest = ("recipe.steps=2", "store=runs")
    assert words == [
        (f"method={method}", "suite=smoke-v1", f"seed={seed}", *rest)
        for method in ("pcgrad", "mgda")
        for seed in (1, 0)
    ]


def test_a_run_has_the_defaults_of_bench_run():
    assert asked("method=pcgrad") == [("method=pcgrad", f"suite={DEFAULT_SUITE}", "seed=0")]


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("all", [0, 1, 2]), ("0..3", [0, 1, 2, 3]), ("2", [2]), ("4,0..1,1", [4, 0, 1]), ("7..7", [7])],
)
def test_seeds(text, seeds):
    assert seeds_of(text, load_suite("smoke-v1")) == seeds


def test_all_methods_are_those_of_this_project_that_run_by_themselves():
    methods = [words[0].removeprefix("method=") for words in asked("method=all", "suite=smoke-v1")]
    assert set(methods) == {
        name for name, card in cards().items() if "/" not in name and "StepWrapper" not in card.acts_on
    }
    assert len(methods) > 40


def test_wrappers_are_listed_beside_none_which_takes_no_settings_of_one():
    words = asked("method=uniform", "suite=smoke-v1", "wrapper=none,samo", "wrapper.radius=0.1")
    assert words == [
        ("method=uniform", "suite=smoke-v1", "seed=0"),
        ("method=uniform", "suite=smoke-v1", "seed=0", "wrapper=samo", "wrapper.radius=0.1"),
    ]
    (plain, wrapped) = (wish.request for wish in parse(["method=uniform", "wrapper=none,samo", "wrapper.radius=1"])[0])
    assert (plain.wrapper, plain.wrapper_settings) == (None, {})
    assert (wrapped.wrapper, wrapped.wrapper_settings) == ("samo", {"radius": "1"})


def test_the_frontier_is_every_static_point_that_the_suite_names():
    """Beside other methods, whose words have no weights, and around wrappers."""
    sweep = load_suite("nano-v1").sweep
    words = asked("method=frontier,uniform", "suite=nano-v1", "seed=0,1", "store=runs")
    points = [
        ("method=static", "suite=nano-v1", f"seed={seed}", "store=runs", f"method.weights={weights}")
        for weights in sweep
        for seed in (0, 1)
    ]
    assert words == [*points, *(("method=uniform", "suite=nano-v1", f"seed={seed}", "store=runs") for seed in (0, 1))]

    wishes = parse(["method=uniform,frontier", "suite=nano-v1", "wrapper=none,samo", "wrapper.radius=1"])[0]
    assert [(wish.request.method, wish.request.wrapper, wish.request.settings) for wish in wishes] == [
        (method, wrapper, settings)
        for method, settings in [("uniform", {}), *(("static", {"weights": weights}) for weights in sweep)]
        for wrapper in (None, "samo")
    ]


def test_words_of_execution_are_no_words_of_a_run():
    words = ["workers=3", "timeout=60", "retries=1", "backend=ray", "ray.address=host:6379", "ray.gpus=0.5"]
    wishes, options = parse(["method=pcgrad", *words, "slurm.mem=4G"])
    assert wishes[0].words == ("method=pcgrad", f"suite={DEFAULT_SUITE}", "seed=0")
    assert (options.workers, options.timeout, options.retries, options.backend) == (3, 60.0, 1, "ray")
    assert (options.ray_address, options.ray_cpus, options.ray_gpus) == ("host:6379", 1.0, 0.5)
    assert options.slurm == {"mem": "4G"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["seed=1"], "which methods"),
        (["method=pcgrad,,mgda"], "empty entry"),
        (
            ["method=frontier", "suite=smoke-v1"],
            "names no static points under sweep. `bench calibrate smoke-v1 --points`",
        ),
        (["method=frontier", "method.weights=lookup:2"], "given twice"),
        (["method=pcgrad", "method=mgda"], "given twice"),
        (["method=pcgrad", "seed=3..1"], "seed=3..4 or seed=all|is no seed"),
        (["method=pcgrad", "seed=-1"], "is no seed"),
        (["method=pcgrad", "seed=0..99999999999"], "10,000"),
        (["method=all", "seed=0..5000"], "plan has at most 10,000"),
        (["method=pcgrad", "suite=nano-v9"], "bench suites"),
        (["method=pcgrad", "suite=nano-v1,all"], "bench suites"),
        (["method=pcgrad", "workers=0"], "workers=0 must be a whole number from 1"),
        (["method=pcgrad", "workers=two"], "workers=two"),
        (["method=pcgrad", "timeout=nan"], "timeout=nan"),
        (["method=pcgrad", "retries=-1"], "retries=-1"),
        (["method=pcgrad", "backend=dask"], "backends are local"),
        (["method=pcgrad", "ray.cpus=2"], "say backend=ray"),
        (["method=pcgrad", "backend=ray", "ray.cpu=2"], "Did you mean 'ray.cpus'"),
        (["method=pcgrad", "recipe.stepps=2"], "recipe.steps"),
        (["method=pcgrad", "steps"], "key=value"),
        (["method=pcgrad", "wrapper.radius=2"], "wrapper=NAME"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(words, said):
    with pytest.raises(UserError, match=said):
        parse(words)
