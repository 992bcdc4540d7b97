"""The flat gradient buffer and its Gramians, against explicit computation."""

import pytest
import torch
from torch import nn

import bench.engine.gradients
from bench.engine.gradients import CHUNK, TaskGradients, gramian_of, inner_products
from bench.errors import UserError


def tiny() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def gradients_of(model: nn.Module, tasks: int) -> TaskGradients:
    names = [name for name, _ in model.named_parameters()]
    return TaskGradients(list(model.parameters()), names, tasks)


def explicit(model: nn.Module, loss: torch.Tensor) -> torch.Tensor:
    parts = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([part.flatten() for part in parts])


def test_backward_accumulates_into_the_rows():
    """Nothing is copied: each row is the gradient autograd would give."""
    model, inputs = tiny(), torch.randn(3, 4, 5)
    gradients = gradients_of(model, 3)
    for task in range(3):
        gradients.point(task)
        model(inputs[task]).square().mean().backward()
    for task in range(3):
        assert torch.equal(gradients.rows[task], explicit(model, model(inputs[task]).square().mean()))


def test_grad_is_a_view_of_the_buffer():
    model = tiny()
    gradients = gradients_of(model, 2)
    gradients.point(1)
    address = gradients.buffer[1].data_ptr()
    assert next(model.parameters()).grad.data_ptr() == address


def test_gramian_equals_the_explicit_one():
    model, inputs = tiny(), torch.randn(3, 4, 5)
    gradients = gradients_of(model, 3)
    for task in range(3):
        gradients.point(task)
        model(inputs[task]).square().mean().backward()
    rows = torch.stack([explicit(model, model(x).square().mean()) for x in inputs]).double()
    torch.testing.assert_close(gradients.gramian(), rows @ rows.T, rtol=1e-6, atol=0)


def test_combination_equals_the_explicit_one_and_is_what_the_optimizer_sees():
    model, inputs = tiny(), torch.randn(2, 4, 5)
    gradients = gradients_of(model, 2)
    for task in range(2):
        gradients.point(task)
        model(inputs[task]).square().mean().backward()
    gradients.combine(torch.tensor([0.25, 2.0], dtype=torch.float64))
    wanted = sum(w * explicit(model, model(x).square().mean()) for w, x in zip((0.25, 2.0), inputs, strict=True))
    seen = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(seen, wanted)


def test_joined_halves_are_the_mean_and_give_their_inner_product():
    model, inputs = tiny(), torch.randn(6, 5)
    gradients = gradients_of(model, 1)
    halves = [inputs[:2], inputs[2:]]  # uneven: shares 1/3 and 2/3
    for row, half in enumerate(halves):
        gradients.point(row)
        (model(half).square().mean() * len(half) / 6).backward()
    gradients.join(0, 2 / 6)
    first, second = (explicit(model, model(half).square().mean()) for half in halves)
    torch.testing.assert_close(gradients.rows[0], (2 * first + 4 * second) / 6)
    assert gradients.cross[0].item() == pytest.approx((first @ second).item(), rel=1e-5)
    assert not gradients.combined.any(), "the spare row is clean for the next task"


def test_cross_gramian_replaces_only_the_diagonal():
    gradients = gradients_of(tiny(), 2)
    gradients.cross[:] = torch.tensor([0.5, float("nan")])
    cross = gradients.cross_gramian(torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64))
    assert cross[0].tolist() == [0.5, 1.0]
    assert cross[1, 0] == 1.0
    assert cross[1, 1].isnan()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_inner_products_are_accurate_over_many_columns(dtype):
    """Chunked accumulation keeps 5e-6 where a one-shot float32 product loses digits with P."""
    rows = torch.randn(2, 20 * CHUNK + 17, generator=torch.Generator().manual_seed(1)).to(dtype)
    exact = rows.double() @ rows.double().T
    scale = exact.diagonal().max().item()
    torch.testing.assert_close(inner_products(rows, rows), exact, rtol=0, atol=5e-6 * scale)


def test_clip_scales_to_the_limit_and_says_so():
    gradients = gradients_of(tiny(), 1)
    gradients.combined.fill_(1.0)
    norm = gradients.combined.norm().item()
    assert not gradients.clip(norm, norm * 2)
    assert gradients.clip(norm, 0.5)
    assert gradients.combined.norm().item() == pytest.approx(0.5)


def test_mixed_dtypes_are_refused():
    model = tiny()
    model[0].half()
    with pytest.raises(UserError, match="one dtype"):
        gradients_of(model, 2)


@pytest.mark.parametrize("tasks", [1, 3, 5, 8, 13])
def test_the_gramian_of_many_columns_is_that_of_float64(tasks, monkeypatch):
    """Below and above the size from which another library multiplies; the last chunk is ragged; norms differ."""
    rows = torch.randn(tasks, 300_001, generator=torch.Generator().manual_seed(tasks))
    rows *= torch.logspace(0, -3, tasks)[:, None]
    exact = rows.double() @ rows.double().T
    scale = exact.diagonal().sqrt()
    for large in (1 << 40, 1):
        monkeypatch.setattr(bench.engine.gradients, "LARGE", large)
        found = gramian_of(rows)
        assert torch.equal(found, found.T)
        assert ((found - exact).abs() <= 1e-6 * scale[:, None] * scale).all()


def test_rows_too_far_apart_for_a_product_are_copied_piece_by_piece(monkeypatch):
    """An accelerator's products step over at most 2^31 - 1 elements; three billion parameters are more."""
    width = 2 * CHUNK * bench.engine.gradients.TOGETHER + 77
    engine = TaskGradients([nn.Parameter(torch.zeros(width))], ["all"], 3)
    engine.rows.copy_(torch.randn(3, width, generator=torch.Generator().manual_seed(0)))
    weights = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    engine.combine(weights)
    combined, gramian = engine.combined.clone(), engine.gramian()

    monkeypatch.setattr(bench.engine.gradients, "WIDEST", width - 1)
    assert engine.columns(slice(5, 900)).is_contiguous()
    engine.combine(weights)
    torch.testing.assert_close(engine.combined, combined)
    torch.testing.assert_close(engine.gramian(), gramian, rtol=0, atol=1e-6 * gramian.max().item())
