"""Weights that a method would not give for the recorded Gramian are found; rounding alone is not."""

from typing import Any

import pytest

from bench.validation.answers import rests_on_gramian


def swapped(data: Any) -> None:
    """Weights of other tasks, and an update that fits them."""
    curves = data["curves"]
    for point, weights in enumerate(curves["weights"]):
        curves["weights"][point] = [*weights[1:], weights[0]]
        matrix = dict(zip(pairs(5), curves["gramian"][point], strict=True))
        norms, shifted = curves["naive_squared_norm"][point], curves["weights"][point]
        square = sum(norms[i] * shifted[i] ** 2 for i in range(5))
        square += 2 * sum(product * shifted[i] * shifted[j] for (i, j), product in matrix.items())
        curves["update_norm"][point] = float(f"{square**0.5:.4g}")
        curves["clipped"][point] = float(square > 1)


def pairs(tasks: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(tasks) for j in range(i + 1, tasks)]


@pytest.mark.parametrize("honest", [("mgda", "upgrad", "static+0a09563d", "static+6def0f45", "pcgrad", "mt_grpo")])
def test_rounding_alone_makes_no_error(verdict, honest):
    assert verdict() == []


@pytest.mark.parametrize(("honest", "seed"), [(("mgda", "pcgrad"), 0), (("mgda", "pcgrad"), 3)])
def test_weights_that_the_method_does_not_give_are_refused(forger, verdict, honest, seed: int):
    name = f"nano-v1/mgda/{seed}.json"
    forger.edit(swapped, name)
    found = {problem.field for problem in verdict() if problem.file == forger.path(name)}
    assert "curves.weights" in found


def test_methods_of_chance_and_of_more_than_a_gramian_are_not_asked():
    assert rests_on_gramian("mgda")
    assert rests_on_gramian("upgrad")
    assert not rests_on_gramian("pcgrad")  # it draws an order
    assert not rests_on_gramian("dr_grpo")
    assert not rests_on_gramian("torchjd/UPGrad")
    assert not rests_on_gramian("nobody")
