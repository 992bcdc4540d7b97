"""Points that fill a cube evenly, from a seed: a scrambled Halton sequence, the same on every machine and version.

The digits of the index in the base of the dimension, mirrored at the point (Halton 1960), each position permuted by
a draw from the seed (Owen 2017, arXiv 1706.02808): so the first few points of large bases lie apart, too.
"""

import random
from functools import cache

FINE = 2.0**-32
"""Digits beyond this place change nothing."""


def coordinate(index: int, dimension: int, seed: str) -> float:
    """Coordinate `dimension` (>= 0) of point `index` (>= 0), in [0, 1)."""
    base = primes(dimension + 1)[-1]
    value = 0.0
    weight = 1.0
    position = 0

    while weight > FINE:
        index, digit = divmod(index, base)
        weight /= base
        value += weight * _permuted(base, f"{seed}/{dimension}/{position}")[digit]
        position += 1

    return value


@cache
def _permuted(base: int, seed: str) -> list[int]:
    digits = list(range(base))
    random.Random(seed).shuffle(digits)  # noqa: S311 - not a secret
    return digits


@cache
def primes(count: int) -> list[int]:
    """The first prime numbers."""
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found
