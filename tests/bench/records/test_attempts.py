"""pass@k: against its definition, by enumeration and by simulation, and what a record of it refuses."""

from itertools import combinations, pairwise
from math import sqrt

import numpy as np
import pytest
from pydantic import ValidationError

from bench.records.attempts import ITEMS, SAMPLES, Attempts, attempts_of, pass_at


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("right", [0, 1, 2, 4, 5])
def test_it_is_the_mean_over_all_choices_of_k_replies(k: int, right: int) -> None:
    replies = [1] * right + [0] * (5 - right)
    chosen = list(combinations(replies, k))
    counts = [int(count == right) for count in range(6)]
    assert pass_at(k, counts) == pytest.approx(sum(map(any, chosen)) / len(chosen))


def test_it_is_unbiased() -> None:
    """Items of known chances: the mean of many estimates is 1 - (1 - p)^k, which 1 - (1 - c/n)^k is not."""
    chance = np.random.default_rng(0)
    p = np.array([0.02, 0.1, 0.3])
    found, plugged = [], []
    for _ in range(4000):
        right = chance.binomial(10, p)
        found.append(pass_at(8, np.bincount(right, minlength=11).tolist()))
        plugged.append(np.mean(1 - (1 - right / 10) ** 8))
    expected, error = np.mean(1 - (1 - p) ** 8), np.std(found) / sqrt(len(found))
    assert np.mean(found) == pytest.approx(expected, abs=4 * error)
    assert abs(np.mean(plugged) - expected) > 4 * error


def test_an_item_is_counted_by_its_right_replies() -> None:
    found = attempts_of([0, 0, 1, 8], 8)
    assert (found.right, found.items, found.samples) == ([2, 1, 0, 0, 0, 0, 0, 0, 1], 4, 8)
    assert (found.at_1, found.at_8) == (pytest.approx(9 / 32), 0.5)
    assert Attempts.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"at_1": 0.3}, "at_1 is 0.3, right gives 0.28125"),
        ({"at_8": 0.25}, "at_8 is 0.25, right gives 0.5"),
        ({"at_8": 1.5}, "less than or equal to 1"),
        ({"at_1": -0.1}, "greater than or equal to 0"),
        ({"right": [0] * 9}, "no item"),
        ({"right": [3, 1]}, "at least 9"),
        ({"right": [3, -1, *[0] * 7]}, "greater than or equal to 0"),
    ],
)
def test_what_does_not_follow_from_the_counts_is_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Attempts.model_validate({**attempts_of([0, 0, 1, 8], 8).model_dump(), **change})


def test_more_tries_never_find_less() -> None:
    chance = np.random.default_rng(1)
    for _ in range(50):
        counts = chance.integers(0, 5, size=9).tolist()
        if sum(counts):
            found = [pass_at(k, counts) for k in range(1, 9)]
            assert all(0 <= one <= other <= 1 for one, other in pairwise(found))


def test_the_harness_tries_enough_for_what_it_says() -> None:
    assert sqrt(0.25 / ITEMS) < 0.045
    assert SAMPLES >= 8
