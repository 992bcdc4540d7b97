"""The adapter to TorchJD: it returns what the library returns, and keeps its chance and state apart."""

import random
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Generator, Tensor
from torchjd import aggregation

from bench.errors import RunFailed, UserError
from methods import Layout, RunInfo, Signals
from methods.torchjd import DRAWING, TorchJD

LAYOUT = Layout(("only",), (6,), ((6,),))
SignalsOf = Callable[..., Signals]
NEEDS = {
    "CAGrad": ("cvxpy", "clarabel"),
    "DualProj": ("qpsolvers", "quadprog"),
    "NashMTL": ("cvxpy", "ecos"),
    "UPGrad": ("qpsolvers", "quadprog"),
}
"""Packages beyond torch, numpy and scipy; what needs one that is missing is skipped."""


@pytest.fixture(params=TorchJD.variants)
def variant(request: pytest.FixtureRequest) -> str:
    return installed(request.param)


def installed(variant: str) -> str:
    for package in NEEDS.get(variant, ()):
        if find_spec(package) is None:
            pytest.skip(f"torchjd/{variant} needs {package}")
    return variant


def make(variant: str, tasks: int = 3, seed: int = 0) -> TorchJD:
    cls = type(variant, (TorchJD,), {"name": f"torchjd/{variant}", "variant": variant})
    method: TorchJD = cls(None, Generator().manual_seed(seed)).start(RunInfo(tasks, torch.ones(tasks), 10))
    return method


def rows_of(seed: int, tasks: int = 3, width: int = 6) -> Tensor:
    """Conflicting gradients, in float32 as the engine has them."""
    rows = torch.randn(tasks, width, generator=Generator().manual_seed(seed))
    return rows - 0.4 * rows.sum(dim=0)


def answers(method: TorchJD, signals_of: SignalsOf, steps: range = range(3)) -> list[Tensor]:
    return [
        method.combine(rows, LAYOUT, signals_of(rows.double(), step)) for step, rows in enumerate(map(rows_of, steps))
    ]


def test_every_aggregator_of_the_library_is_a_variant() -> None:
    """Those that can be built: not the base classes."""
    classes = [getattr(aggregation, name) for name in aggregation.__all__]
    aggregators = [cls for cls in classes if issubclass(cls, aggregation.Aggregator) and not cls.__subclasses__()]
    assert sorted(cls.__name__ for cls in aggregators) == sorted(TorchJD.variants)


J_BASE = [[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]
PUBLISHED: list[tuple[str, list[float]]] = [
    # the library's own table of values for this matrix
    ("AlignedMTL", [0.2133, 0.9673, 0.9673]),
    ("CAGrad", [0.1835, 1.2041, 1.2041]),
    ("ConFIG", [0.1588, 2.0706, 2.0706]),
    ("Constant", [1.0, 1.0, 1.0]),
    ("DualProj", [0.5563, 1.1109, 1.1109]),
    ("IMTLG", [0.0767, 1.0, 1.0]),
    ("MGDA", [0.0, 1.0, 1.0]),
    ("Mean", [1.0, 1.0, 1.0]),
    ("NashMTL", [0.0542, 0.7061, 0.7061]),
    ("PCGrad", [0.5848, 3.8012, 3.8012]),
    ("Sum", [2.0, 2.0, 2.0]),
    ("UPGrad", [0.2929, 1.9004, 1.9004]),
]


@pytest.mark.parametrize(("variant", "expected"), PUBLISHED)
def test_published_values(variant: str, expected: list[float], signals_of: SignalsOf) -> None:
    rows = torch.tensor(J_BASE)
    answer = make(installed(variant), 2).combine(rows, LAYOUT, signals_of(rows.double()))
    torch.testing.assert_close(answer, torch.tensor(expected), rtol=0, atol=1e-4)


SCALES: dict[str, Callable[[int], float]] = {
    **dict.fromkeys(("Sum", "PCGrad", "GradVac", "GradDrop", "ConFIG"), float),
    "CAGrad": lambda tasks: 1.5,
    "NashMTL": lambda tasks: 1 / 5,  # the gradient below has length 5
    "FairGrad": lambda tasks: tasks**0.5 / 5,
}
"""What K identical gradients give, as a multiple of them, where it is not 1."""


def test_identical_gradients_have_the_scale_on_the_card(variant: str, signals_of: SignalsOf) -> None:
    for tasks in (3, 4):
        rows = torch.tensor([[3.0, -4.0, 0.0, 0.0, 0.0, 0.0]]).repeat(tasks, 1)
        answer = make(variant, tasks).combine(rows, LAYOUT, signals_of(rows.double()))
        torch.testing.assert_close(
            answer, SCALES.get(variant, lambda tasks: 1.0)(tasks) * rows[0], rtol=1e-3, atol=1e-3
        )


@pytest.mark.filterwarnings("ignore:You are solving a parameterized problem:UserWarning")
def test_the_answer_is_the_librarys(variant: str, signals_of: SignalsOf) -> None:
    """Over steps, so that its state counts too; drawn as after seeding torch."""
    arguments: dict[str, Any] = {
        "CAGrad": {"c": 0.5},
        "Constant": {"weights": torch.full((3,), 1 / 3)},
        "FairGrad": {"alpha": 1.0},
        "Krum": {"n_byzantine": 0},
        "NashMTL": {"n_tasks": 3},
        "TrimmedMean": {"trim_number": 1},
    }
    aggregator = getattr(aggregation, variant)(**arguments.get(variant, {}))
    seeds = Generator().manual_seed(4)
    for step, answer in enumerate(answers(make(variant, seed=4), signals_of)):
        with torch.random.fork_rng([]):
            if variant in DRAWING:
                torch.default_generator.manual_seed(int(torch.randint(2**62, (), generator=seeds)))
            assert torch.equal(answer, aggregator(rows_of(step)))


def test_chance_is_its_own(variant: str, signals_of: SignalsOf) -> None:
    shared = torch.get_rng_state(), random.getstate()
    method = make(variant)
    drawn = method.generator.get_state()
    first = answers(method, signals_of)
    assert torch.equal(torch.get_rng_state(), shared[0])
    assert random.getstate() == shared[1]
    assert torch.equal(method.generator.get_state(), drawn) == (variant not in DRAWING)
    torch.default_generator.seed()
    for answer, again in zip(first, answers(make(variant), signals_of), strict=True):
        assert torch.equal(answer, again)
    others = [answers(make(variant, seed=seed), signals_of) for seed in range(1, 6)]
    differ = any(not torch.equal(other[0], first[0]) for other in others)
    assert differ == (variant in DRAWING)


def test_a_saved_state_continues_as_if_nothing_happened(variant: str, signals_of: SignalsOf) -> None:
    method = make(variant)
    first = answers(method, signals_of)
    saved = method.state_dict()
    expected = answers(method, signals_of, range(3, 6))
    resumed = make(variant, seed=99)
    resumed.load_state_dict(saved)
    method.reset()
    for found, known in ((answers(resumed, signals_of, range(3, 6)), expected), (answers(method, signals_of), first)):
        for left, right in zip(found, known, strict=True):
            torch.testing.assert_close(left, right)


def test_a_step_without_gradients_is_no_step(variant: str, signals_of: SignalsOf) -> None:
    """NashMTL would raise, and the running means of others would move."""
    method, undisturbed = make(variant), make(variant)
    nothing = torch.zeros(3, 6)
    assert not method.combine(nothing, LAYOUT, signals_of(nothing.double())).any()
    for left, right in zip(answers(method, signals_of), answers(undisturbed, signals_of), strict=True):
        assert torch.equal(left, right)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_gradients_of_any_precision_are_answered_and_stay(
    variant: str, dtype: torch.dtype, signals_of: SignalsOf
) -> None:
    rows = rows_of(0).to(dtype)
    before = rows.clone()
    answer = make(variant).combine(rows, LAYOUT, signals_of(rows.double()))
    assert answer.shape == (6,)
    assert answer.isfinite().all()
    assert torch.equal(rows, before)


@pytest.mark.parametrize(("variant", "tasks"), [("Krum", 2), ("NashMTL", 1), ("TrimmedMean", 2)])
def test_too_few_tasks_are_refused(variant: str, tasks: int) -> None:
    with pytest.raises(
        UserError, match=rf"torchjd/{variant} needs {tasks + 1} tasks or more; this suite has {tasks}\."
    ):
        make(variant, tasks)


@pytest.mark.parametrize("variant", NEEDS)
def test_missing_packages_are_named_with_the_command(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchjd._mixins.find_spec", lambda name: None)
    with pytest.raises(UserError, match=rf"{NEEDS[variant][-1]}.*pip install 'torchjd\[full\]==0\.18\.0'"):
        make(variant)


def test_what_the_library_raises_ends_the_run(signals_of: SignalsOf) -> None:
    rows = torch.full((3, 6), 1e30)  # squares overflow
    with pytest.raises(RunFailed, match="step 6: torchjd/IMTLG raised: "):
        make("IMTLG").combine(rows, LAYOUT, signals_of(rows.double(), 5))
