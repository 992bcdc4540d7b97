"""Merging of task vectors: values worked out by hand, and what must not change them."""

from collections.abc import Callable
from itertools import permutations
from math import cos, exp, pi, sin, tanh

import pytest
import torch
from torch import Generator, Tensor

from methods import Layout
from methods._merging import nearest_orthonormal, pcb, ties, tsv, whitened
from methods.forkmerge import greedy

Merge = Callable[[Tensor], Tensor]
LAYOUT = Layout(("bias", "weight", "row"), (3, 20, 4), ((3,), (5, 4), (1, 4)))
MERGES: dict[str, Merge] = {
    "ties": lambda vectors: ties(vectors, 0.4),
    "pcb": lambda vectors: pcb(vectors, 0.4),
    "tsv": lambda vectors: tsv(vectors, LAYOUT),
}


@pytest.fixture(params=MERGES)
def merge(request: pytest.FixtureRequest) -> Merge:
    return MERGES[request.param]


def random_vectors(tasks: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(tasks, sum(LAYOUT.sizes), dtype=dtype, generator=Generator().manual_seed(seed))


def assert_equal(found: Tensor, expected: object, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(found, torch.as_tensor(expected, dtype=found.dtype), rtol=tolerance, atol=tolerance)


TIES = [
    # two of five and one more kept: (4, -1, 2, 0, 0), (-3, -2, 0, 0, 5); signs of (1, -3, 2, 0, 5): the -3 loses
    ([[4.0, -1.0, 2.0, 0.5, 0.0], [-3.0, -2.0, 1.0, 0.5, 5.0]], 0.4, [4.0, -1.5, 2.0, 0.0, 5.0]),
    # none of four and one more kept: 2 and -3 meet, and the larger elects; the mean is over those that agree
    ([[2.0, 1.0, 1.0, 1.0], [-3.0, 1.0, 1.0, 1.0]], 0.0, [-3.0, 0.0, 0.0, 0.0]),
    # 1 and 2 together outvote -2.5; their mean is 1.5
    ([[1.0], [2.0], [-2.5]], 1.0, [1.5]),
    # exactly opposed: nothing is elected
    ([[1.0, 3.0], [-1.0, 3.0]], 1.0, [0.0, 3.0]),
    # exactly opposed in float64, whatever the order of the sum
    ([[1e8, 1.0], [1.0, 1.0], [-1e8, 1.0], [-1.0, 1.0]], 1.0, [0.0, 1.0]),
    # equal sizes are kept together: all four, though half was asked for
    ([[1.0, -1.0, 1.0, -1.0]], 0.5, [1.0, -1.0, 1.0, -1.0]),
    # at least one is kept
    ([[1.0, 2.0, -3.0]], 0.0, [0.0, 0.0, -3.0]),
    # a silent task has no voice
    ([[0.0, 0.0, 0.0], [1.0, 2.0, -3.0]], 0.4, [0.0, 2.0, -3.0]),
]


@pytest.mark.parametrize(("vectors", "density", "expected"), TIES)
def test_ties(vectors: list[list[float]], density: float, expected: list[float]) -> None:
    assert_equal(ties(torch.tensor(vectors), density), expected)


A = (exp(0.5) * tanh(0.14) - exp(0.125) * tanh(0.01)) / (exp(2) * tanh(0.2) - exp(0.125) * tanh(0.01))
"""Weight of entry 2 of (.4, .2, 0, -.1), sizes over the largest 1, 1/2, 0, 1/4, beside (.1, .5, .2, 0).

The sum is (.5, .7, .2, -.1). Scores fall as entry 1, 2, 4, 3; the third of them is the new zero. In the other vector
they fall as entry 2, 3, 1, 4.
"""
PCB = [
    # entries 1 and 3 have weight in one task each, entry 2 in both, entry 4 in none
    ([[0.4, 0.2, 0.0, -0.1], [0.1, 0.5, 0.2, 0.0]], 0.75, [0.4, (0.2 * A + 0.5) / (A + 1), 0.2, 0.0]),
    # two of three kept: the second becomes 0, and each task stands in the entry of its highest score
    ([[0.4, 0.2, 0.1], [0.1, 0.5, 0.2]], 0.67, [0.4, 0.5, 0.0]),
    # one of four: it has no other to be compared with, and weight 1
    ([[0.1, 0.2, 0.3, -0.4]], 0.25, [0.0, 0.0, 0.0, -0.4]),
    # sizes that are equal count the same: all of them
    ([[0.3, -0.3, 0.3, -0.3]], 0.5, [0.3, -0.3, 0.3, -0.3]),
    # exactly opposed: scores are 0, and nothing is kept
    ([[0.3, -0.3], [-0.3, 0.3]], 1.0, [0.0, 0.0]),
    # the first entry of task 1 opposes the sum, and task 2 opposes itself nowhere: it alone counts there
    ([[-0.1, 0.2, 0.0], [0.4, 0.1, 0.0]], 0.67, [0.4, 0.2, 0.0]),
    # a silent task takes no weight from others
    ([[0.0, 0.0, 0.0], [0.1, 0.2, -0.3]], 0.67, [0.0, 0.0, -0.3]),
]


@pytest.mark.parametrize(("vectors", "share", "expected"), PCB)
def test_pcb(vectors: list[list[float]], share: float, expected: list[float]) -> None:
    assert_equal(pcb(torch.tensor(vectors, dtype=torch.float64), share), expected)


def turned(degrees: float, value: float) -> Tensor:
    """value a a', a being the unit vector at that angle, [2, 2]."""
    unit = torch.tensor([cos(degrees * pi / 180), sin(degrees * pi / 180)], dtype=torch.float64)
    return value * torch.outer(unit, unit)


WHITENED = [
    # orthogonal already: the first triplet of each is kept, and the value 1 of the first task is lost
    ([[[3.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 2.0]]], torch.tensor([[3.0, 0.0], [0.0, 2.0]])),
    # directions at 0 and 45 degrees move apart alike, to -22.5 and 67.5; the values stay
    ([turned(0, 4).tolist(), turned(45, 2).tolist()], turned(-22.5, 4) + turned(67.5, 2)),
    # one direction in both: the values add up to 3, as in two tasks with half of it each
    ([turned(30, 4).tolist(), turned(30, 2).tolist()], turned(30, 3)),
    # a silent task has no direction
    ([turned(0, 0).tolist(), turned(45, 2).tolist()], turned(45, 2)),
    # three tasks share two dimensions: 2 V V' for V of orthonormal rows, so it is 2 times the identity
    ([turned(0, 2).tolist(), turned(60, 2).tolist(), turned(100, 2).tolist()], 2 * torch.eye(2)),
    # all silent
    ([turned(0, 0).tolist()] * 2, torch.zeros(2, 2)),
]


@pytest.mark.parametrize(("matrices", "expected"), WHITENED)
def test_whitened(matrices: list[list[list[float]]], expected: Tensor) -> None:
    assert_equal(whitened(torch.tensor(matrices, dtype=torch.float64)), expected.double())


def test_only_matrices_are_whitened() -> None:
    """The bias is averaged: (1 + 3)/2 and (2 + 0)/2."""
    layout = Layout(("bias", "weight"), (2, 4), ((2,), (2, 2)))
    vectors = torch.tensor([[1.0, 2.0, 3.0, 0.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0, 0.0, 2.0]]).double()
    assert_equal(tsv(vectors, layout), [2.0, 1.0, 3.0, 0.0, 0.0, 2.0])


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (7, 7)])
def test_whitening_is_procrustes(shape: tuple[int, int]) -> None:
    """Against U (U'U)^-1/2 with an eigendecomposition, where no direction is missing."""
    matrices = torch.randn(3, *shape, dtype=torch.float64, generator=Generator().manual_seed(1))
    triplets = [torch.linalg.svd(matrix) for matrix in matrices]
    left = torch.cat([u[:, :2] for u, _, _ in triplets], dim=1)
    right = torch.cat([vh[:2].T for _, _, vh in triplets], dim=1)
    values = torch.cat([s[:2] for _, s, _ in triplets])
    expected = orthonormal(left) @ values.diag() @ orthonormal(right).T
    assert_equal(whitened(matrices), expected, 1e-10)


def orthonormal(columns: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(columns.T @ columns)
    whitened_columns: Tensor = columns @ vectors @ values.rsqrt().diag() @ vectors.T
    return whitened_columns


def test_the_nearest_orthonormal_matrix_of_dependent_columns() -> None:
    """Two equal columns u share u: (u, u) / sqrt(2). In float32 too, where they are equal but for rounding."""
    for dtype in (torch.float32, torch.float64):
        unit = torch.tensor([0.6, 0.8, 0.0], dtype=dtype)
        nudged = unit * (1 + torch.finfo(dtype).eps)
        found = nearest_orthonormal(torch.stack([unit, nudged], dim=1))
        assert_equal(found, torch.stack([unit, unit], dim=1) / 2**0.5, 4 * torch.finfo(dtype).eps)


def test_permuting_the_tasks_changes_nothing(merge: Merge) -> None:
    vectors = random_vectors(3)
    for order in permutations(range(3)):
        assert_equal(merge(vectors[list(order)]), merge(vectors))


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1e-3, 1e3, 1e9])
def test_scaling_the_vectors_scales_what_comes_out(merge: Merge, scale: float) -> None:
    """Where PCB-Merging's tanh is linear, so that vectors are small."""
    small = 1e-15 * random_vectors(3)
    assert_equal(merge(scale * small) / (1e-15 * scale), merge(small) / 1e-15, 1e-9)


@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_equal_vectors_give_what_is_kept_of_them(tasks: int) -> None:
    """TIES and PCB-Merging keep entries, TSV-Merge keeps triplets."""
    vector = random_vectors(1)
    copies = vector.repeat(tasks, 1)
    for merged, kept in ((ties(copies, 0.4), 11), (pcb(copies, 0.4), 10)):
        largest = vector[0].abs() >= vector[0].abs().sort().values[-kept]
        assert_equal(merged, vector[0] * largest)
    left, values, right = torch.linalg.svd(vector[0, 3:23].view(5, 4), full_matrices=False)
    taken = max(4 // tasks, 1)
    matrix = left[:, :taken] @ values[:taken].diag() @ right[:taken]
    assert_equal(tsv(copies, LAYOUT), torch.cat([vector[0, :3], matrix.flatten(), vector[0, 23:]]), 1e-10)


def test_one_task_keeps_its_vector() -> None:
    """All of it where all is kept; PCB-Merging never keeps the entry of least score."""
    vector = random_vectors(1)
    assert_equal(ties(vector, 1.0), vector[0])
    assert_equal(tsv(vector, LAYOUT), vector[0])
    least = vector[0].abs() == vector[0].abs().min()
    assert_equal(pcb(vector, 1.0), vector[0].where(~least, 0))


def test_a_silent_task_takes_nothing_from_the_entries_of_others() -> None:
    vectors = random_vectors(2)
    silent = torch.cat([vectors, torch.zeros_like(vectors[:1])])
    assert_equal(ties(silent, 0.4), ties(vectors, 0.4))
    assert pcb(silent, 0.4).isfinite().all()
    assert tsv(silent, LAYOUT).isfinite().all()


def test_silence_of_all_is_no_change(merge: Merge) -> None:
    assert not merge(torch.zeros(3, sum(LAYOUT.sizes))).any()


def test_many_tasks_overflow_nothing() -> None:
    """exp(K) is beyond float32 for K = 100."""
    found = pcb(1e-3 * random_vectors(100, dtype=torch.float32), 0.4)
    assert found.isfinite().all()
    assert found.any()


def test_what_is_merged_stays_as_it_was(merge: Merge) -> None:
    vectors = random_vectors(3)
    before = vectors.clone()
    merge(vectors)
    assert torch.equal(vectors, before)


def towards(target: list[float]) -> Callable[[Tensor], float]:
    """Minus the squared distance to a point."""
    return lambda model: -float((model - torch.tensor(target)).square().sum())


GREEDY = [
    # from 0, weights 1/3, 2/3, 1 of 1 at 1 give 1/4, 2/5, 1/2: the first is the target
    ([[0.0], [1.0]], [0.25], 3, [0.25]),
    # beyond 1/2 the branch 1 is the better one, and 0 is mixed in
    ([[0.0], [1.0]], [0.75], 3, [0.75]),
    # nothing is better than the best branch alone
    ([[0.0], [1.0]], [-1.0], 3, [0.0]),
    # (0, 0) first; then (1, 0) at weight 1: (1/2, 0); the mean of the weights is 1, and (0, 2) at 1/2 of it brings
    # (1, 1)/2.5 = (.4, .4), at 1 (1/3, 2/3): of squared distance .0125 and .0347 to the target, against .2 without
    ([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], [0.45, 0.5], 2, [0.4, 0.4]),
    # equal branches: nothing to gain, the first is taken
    ([[0.5], [0.5]], [0.0], 2, [0.5]),
]


@pytest.mark.parametrize(("branches", "target", "grid", "expected"), GREEDY)
def test_greedy_merges(branches: list[list[float]], target: list[float], grid: int, expected: list[float]) -> None:
    assert_equal(greedy(torch.tensor(branches), towards(target), grid), expected, 1e-6)


def test_a_greedy_merge_takes_the_scores_it_says_and_is_no_worse_than_a_branch() -> None:
    branches = random_vectors(4)
    asked = []

    def score(model: Tensor) -> float:
        asked.append(model)
        return -model.square().sum().item()

    merged = greedy(branches, score, 5)
    assert len(asked) == 4 + 3 * 5
    assert score(merged) >= max(map(score, branches))
