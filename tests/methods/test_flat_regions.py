"""F-MTL and SAMO on quadratic losses, where every gradient and every loss is known."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Generator, Tensor

from methods import Layout, RunInfo, StepWrapper
from methods._offsets import along
from methods.f_mtl import FMTL, FMTLSettings
from methods.samo import SAMO, SAMOSettings

SCALES = [1e-9, 1e-3, 1e3, 1e9]


@dataclass
class Quadratic:
    """Losses L_k = scale / 2 sum_p h_kp (theta_p - c_kp)^2 at theta = 0; curvatures h and minima c are [K, P].

    Extra passes over them, and what they were asked for.
    """

    curvatures: Tensor
    minima: Tensor
    absent: tuple[int, ...] = ()
    asked: dict[str, list[Tensor]] = field(default_factory=lambda: {"losses": [], "gradients": []})

    def at(self, offset: Callable[[int], Tensor] | None, asked: str = "") -> Tensor:
        """Where every task is evaluated, relative to its minimum, [K, P]."""
        if offset is None:
            return -self.minima
        places = torch.stack([offset(task) for task in range(len(self.minima))])
        self.asked[asked].append(places)
        return (places - self.minima).to(self.minima.dtype)

    def gradients(self, offset: Callable[[int], Tensor] | None = None) -> Tensor:
        rows = self.curvatures * self.at(offset, "gradients")
        rows[list(self.absent)] = 0
        return rows

    def losses(self, offset: Callable[[int], Tensor]) -> Tensor:
        found = (self.curvatures * self.at(offset, "losses").square()).sum(dim=1).double() / 2
        found[list(self.absent)] = torch.nan
        return found


def quadratic(tasks: int = 3, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> Quadratic:
    source = Generator().manual_seed(1)
    curvatures = torch.randn(tasks, 12, dtype=torch.float64, generator=source).exp()
    minima = torch.randn(tasks, 12, dtype=torch.float64, generator=source)
    return Quadratic((scale * curvatures).to(dtype), minima.to(dtype))


LAYOUT = Layout(("matrix", "vector"), (8, 4), ((2, 4), (4,)))


def mean(gradients: Tensor, twin: bool = False) -> Tensor:
    return gradients.mean(dim=0)


def product(gradients: Tensor, twin: bool = False) -> Tensor:
    """Of the tasks' entries: nothing like a sum, so that two combinations differ from one of sums."""
    return gradients.prod(dim=0)


def steepest(gradients: Tensor, twin: bool = False) -> Tensor:
    """The longest gradient, which a method would find at any scale."""
    return gradients[gradients.norm(dim=1).argmax()]


def started(wrapper: StepWrapper, tasks: int = 3) -> StepWrapper:
    return wrapper.start(RunInfo(tasks, torch.ones(tasks), 10))


def combined(wrapper: StepWrapper, problem: Quadratic, inner: Callable[..., Tensor] = mean) -> Tensor:
    """The wrapper's direction, asked after it saw what it changes."""
    rows = problem.gradients()
    before = rows.clone()
    answer = wrapper.combine(rows, LAYOUT, inner, problem)
    assert torch.equal(rows, before)
    return answer


@pytest.fixture(params=[FMTL, SAMO], ids=["f_mtl", "samo"])
def sharp(request: pytest.FixtureRequest) -> Callable[..., StepWrapper]:
    """Starts one of the wrappers that look for flat regions, with these settings."""

    def make(seed: int = 0, **values: float) -> StepWrapper:
        cls = request.param
        return started(cls(cls.Settings(**values), Generator().manual_seed(seed)))

    return make


# g_1 = (3, 4) with curvatures (1, 3), g_2 = (0, -2) with curvatures (2, 2); units (.6, .8) and (0, -1).
# At rho 1/2 the flat parts h * u / 2 are (.3, 1.2) and (0, -1).
PAIR = Quadratic(
    torch.tensor([[1.0, 3.0], [2.0, 2.0]]).double(),
    torch.tensor([[-3.0, -4 / 3], [0.0, 1.0]]).double(),
)
F_MTL = [
    # half of (3, 2) and of (.3, .2)
    (mean, [1.65, 1.1]),
    # (0, -8) of the gradients and (0, -1.2) of the flat parts; of their sums it would be (0, -15.6)
    (product, [0.0, -9.2]),
    # g_1 of the gradients, flat_1 of the flat parts
    (steepest, [3.3, 5.2]),
]


@pytest.mark.parametrize(("inner", "expected"), F_MTL)
def test_f_mtl_combines_the_flat_parts_by_themselves(inner: Callable[..., Tensor], expected: list[float]) -> None:
    wrapper = started(FMTL(FMTLSettings(rho=0.5)), 2)
    answer = wrapper.combine(PAIR.gradients(), LAYOUT, inner, PAIR)
    torch.testing.assert_close(answer, torch.tensor(expected).double())


def test_f_mtl_asks_the_twin_for_the_flat_parts_only() -> None:
    asked: dict[bool, Tensor] = {}

    def inner(gradients: Tensor, twin: bool = False) -> Tensor:
        asked[twin] = gradients.clone()
        return gradients[0]

    started(FMTL(FMTLSettings(rho=0.5)), 2).combine(PAIR.gradients(), LAYOUT, inner, PAIR)
    torch.testing.assert_close(asked[False], torch.tensor([[3.0, 4.0], [0.0, -2.0]]).double())
    torch.testing.assert_close(asked[True], torch.tensor([[0.3, 1.2], [0.0, -1.0]]).double())


def test_f_mtl_of_identical_tasks_is_their_gradient_at_the_worst_near_point() -> None:
    problem = quadratic(1)
    copies = Quadratic(problem.curvatures.repeat(3, 1), problem.minima.repeat(3, 1))
    ascent = along(problem.gradients()[0], 0.05)
    expected = problem.gradients(lambda task: ascent)[0]
    torch.testing.assert_close(combined(started(FMTL()), copies), expected)


def test_f_mtl_makes_no_flat_part_of_a_task_without_a_gradient() -> None:
    """Recomputed, its gradient may differ from zero by rounding, which a method may take for a direction."""
    problem = quadratic()
    rows = problem.gradients()
    rows[1] = 0

    def inner(gradients: Tensor, twin: bool = False) -> Tensor:
        assert not gradients[1].any()
        assert gradients[0].any()
        return gradients[0]

    started(FMTL()).combine(rows, LAYOUT, inner, problem)


def spsa(problem: Quadratic, settings: SAMOSettings, seed: int) -> Tensor:
    """The gradients that SAMO hands on, [K, P], with the estimate written out as the paper has it."""
    noise = torch.randn(12, dtype=torch.float64, generator=Generator().manual_seed(seed))
    rise = problem.losses(lambda task: settings.mu * noise) - problem.losses(lambda task: -settings.mu * noise)
    shared = problem.gradients().mean(dim=0)
    ascents = []
    for slope in rise / (2 * settings.mu):
        own = slope * noise
        for part in (slice(0, 8), slice(8, 12)):
            own[part] *= shared[part].norm() / own[part].norm()
        direction = settings.alpha * shared + (1 - settings.alpha) * own
        ascents.append(settings.rho * direction / direction.norm())
    return problem.gradients(lambda task: ascents[task])


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
def test_samo_is_the_published_estimate(alpha: float) -> None:
    """Though it keeps the sign of the slope only: its size goes with the rescaling."""
    settings = SAMOSettings(alpha=alpha, rho=0.1)
    wrapper = started(SAMO(settings, Generator().manual_seed(7)))
    for inner in (mean, product, steepest):
        wrapper.reset()
        torch.testing.assert_close(combined(wrapper, quadratic(), inner), inner(spsa(quadratic(), settings, 7)))


def test_samo_uphill_of_the_mean_loss_only() -> None:
    # the mean gradient is (1.5, 1); 1/2 along it is (.75, .5) / 3.25^.5, times the curvatures (1, 3) and (2, 2)
    wrapper = started(SAMO(SAMOSettings(alpha=1.0, rho=0.5)), 2)
    answer = wrapper.combine(PAIR.gradients(), Layout(("one",), (2,), ((2,),)), mean, PAIR)
    step = 3.25**-0.5
    expected = [1.5 + (0.75 + 1.5) * step / 2, 1 + (1.5 + 1.0) * step / 2]
    torch.testing.assert_close(answer, torch.tensor(expected).double())


def test_samo_draws_one_direction_for_all_tasks() -> None:
    problem = quadratic()
    wrapper = started(SAMO())
    combined(wrapper, problem)
    combined(wrapper, problem)
    up, down, again, _ = problem.asked["losses"]
    assert torch.equal(up, up[:1].expand_as(up))
    assert torch.equal(down, -up)
    assert not torch.equal(again, up)
    assert up.std().item() == pytest.approx(0.01, rel=0.5)


def test_samo_takes_a_task_without_a_slope_uphill_of_the_mean_loss() -> None:
    """Without prompts its loss is NaN; the others are as they would be."""
    problem = quadratic()
    problem.absent = (1,)
    answer = combined(started(SAMO()), problem)
    assert answer.isfinite().all()
    offsets = problem.asked["gradients"][-1]
    torch.testing.assert_close(offsets[1], along(quadratic_without(1).gradients().sum(dim=0), 0.05))


def quadratic_without(task: int) -> Quadratic:
    problem = quadratic()
    problem.absent = (task,)
    return problem


def test_samo_answers_where_the_mean_loss_is_flat() -> None:
    """Opposite gradients: no direction to ascend, so the gradients are taken where the model is."""
    problem = Quadratic(torch.ones(2, 12).double(), torch.tensor([[1.0], [-1.0]]).double().expand(2, 12))
    assert torch.equal(combined(started(SAMO(), 2), problem, steepest), problem.gradients()[0])


def test_without_an_ascent_there_is_no_wrapper(sharp: Callable[..., StepWrapper]) -> None:
    expected = product(quadratic().gradients())
    assert torch.equal(combined(sharp(rho=0.0), quadratic(), product), expected)
    torch.testing.assert_close(combined(sharp(rho=1e-9), quadratic(), product), expected)


def test_every_ascent_has_length_rho(sharp: Callable[..., StepWrapper]) -> None:
    problem = quadratic()
    combined(sharp(rho=0.3), problem)
    torch.testing.assert_close(problem.asked["gradients"][-1].norm(dim=1), torch.full((3,), 0.3).double())


@pytest.mark.parametrize("scale", SCALES)
def test_scaling_the_losses_scales_the_direction(sharp: Callable[..., StepWrapper], scale: float) -> None:
    scaled = combined(sharp(), quadratic(scale=scale), steepest)
    torch.testing.assert_close(scaled / scale, combined(sharp(), quadratic(), steepest), rtol=1e-9, atol=1e-12)


def test_permuting_the_tasks_changes_nothing(sharp: Callable[..., StepWrapper]) -> None:
    """The method inside here is symmetric."""
    problem, order = quadratic(), [2, 0, 1]
    moved = Quadratic(problem.curvatures[order], problem.minima[order])
    torch.testing.assert_close(combined(sharp(), moved, product), combined(sharp(), problem, product))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 0.05)])
def test_low_precision_is_near_the_exact_answer(
    sharp: Callable[..., StepWrapper], dtype: torch.dtype, tolerance: float
) -> None:
    """At alpha 1, where the draws of two precisions do not matter; offsets are never as coarse as bfloat16."""
    values = {"alpha": 1.0} if isinstance(sharp(), SAMO) else {}
    problem = quadratic(dtype=dtype)
    answer = combined(sharp(**values), problem)
    assert problem.asked["gradients"][-1].dtype == torch.float32
    expected = combined(sharp(**values), quadratic())
    torch.testing.assert_close(answer.double(), expected, rtol=tolerance, atol=tolerance)


def test_no_gradient_is_no_direction(sharp: Callable[..., StepWrapper]) -> None:
    still = Quadratic(torch.zeros(3, 12).double(), torch.zeros(3, 12).double())
    assert not combined(sharp(), still).any()


def test_chance_comes_from_the_generator_and_is_state(sharp: Callable[..., StepWrapper]) -> None:
    before = torch.get_rng_state()
    wrapper = sharp(seed=3)
    first = combined(wrapper, quadratic())
    saved = wrapper.state_dict()
    second = combined(wrapper, quadratic())
    resumed = sharp(seed=99)
    resumed.load_state_dict(saved)
    assert torch.equal(combined(resumed, quadratic()), second)
    wrapper.reset()
    assert torch.equal(combined(wrapper, quadratic()), first)
    assert torch.equal(torch.get_rng_state(), before)
