"""The sequence fills every coordinate evenly, and is the same everywhere: tunings are judged by drawing it again."""

import pytest

from bench.tuning.sequence import coordinate, primes


def test_the_first_primes():
    assert primes(6) == [2, 3, 5, 7, 11, 13]


@pytest.mark.parametrize(("dimension", "base"), [(0, 2), (1, 3), (2, 5), (5, 13)])
@pytest.mark.parametrize("digits", [1, 2])
def test_so_many_points_hit_every_interval_once(dimension, base, digits):
    """What makes a Halton sequence, and permutations of digits keep: one point in each of base^digits intervals."""
    count = base**digits
    found = [coordinate(index, dimension, "seed") for index in range(count)]
    assert sorted(int(value * count) for value in found) == list(range(count))
    assert all(0 <= value < 1 for value in found)


def test_large_bases_are_scrambled():
    """Without it the first points of neighbouring large bases are i / p and i / q: one line."""
    first = [[coordinate(index, dimension, "seed") for index in range(8)] for dimension in (14, 15)]
    assert all(points != sorted(points) for points in first)


def test_another_seed_is_another_sequence():
    assert coordinate(1, 3, "a") != coordinate(1, 3, "b")


def test_the_sequence_never_changes():
    """Tunings that were published hold these points."""
    found = [round(coordinate(index, dimension, "0" * 64), 9) for dimension in (0, 1, 7) for index in (0, 1, 5)]
    assert found == [
        *(0.212151739, 0.712151739, 0.587151739),
        *(0.054198313, 0.72086498, 0.498642758),
        *(0.527346095, 0.948398727, 0.843135569),
    ]
