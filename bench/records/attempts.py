"""What the base model can do if it may try again: pass@k of one task, from many replies to some held-out items.

A task whose pass@8 is far above its pass@1 has what reinforcement learning can find; one whose pass@8 is 0 is out of
reach, whatever balances it.
"""

from collections.abc import Sequence
from math import comb
from typing import Self

from pydantic import Field, model_validator

from bench.records.fields import Count, Frozen, Share

KS = (1, 8)
"""The k of which a record shows pass@k."""
ITEMS = 128
"""Most held-out items that are tried: the standard error of a share of them is below 0.045, which tells what a second
try may find from what is out of reach, for half the replies of a score over 1,000 items with two samples."""
SAMPLES = 8
"""Replies to each of them, enough to estimate pass@8. More items for the same cost say more than more
replies: of most tasks items differ more than the replies to one of them."""
EXACT = 1e-9


class Attempts(Frozen):
    """pass@k of the base model on the first held-out items of one task, unbiased (Chen et al. 2021, arXiv 2107.03374).

    Replies are sampled as those of the held-out score are, with the same noise as far as both go.
    """

    right: list[Count] = Field(min_length=max(KS) + 1, max_length=65)
    """Items by how many of their n replies are right, from none to all of them: n + 1 numbers."""
    at_1: Share
    """The chance that a reply is right, over the items."""
    at_8: Share
    """The chance that at least one of eight replies is right."""

    @model_validator(mode="after")
    def _follows(self) -> Self:
        if not self.items:
            raise ValueError("right counts no item at all")
        for k in KS:
            found, expected = getattr(self, f"at_{k}"), pass_at(k, self.right)
            if abs(found - expected) > EXACT:
                raise ValueError(f"at_{k} is {found:g}, right gives {expected:g}")
        return self

    @property
    def items(self) -> int:
        """How many items were tried."""
        return sum(self.right)

    @property
    def samples(self) -> int:
        """Replies to each of them."""
        return len(self.right) - 1


def attempts_of(right: Sequence[int], samples: int) -> Attempts:
    """The attempts of which `right` says, item by item, how many of so many samples are right. ValueError below 8."""
    counts = [0] * (samples + 1)
    for count in right:
        counts[count] += 1
    return Attempts(right=counts, at_1=pass_at(1, counts), at_8=pass_at(8, counts))


def pass_at(k: int, right: Sequence[int]) -> float:
    """The unbiased estimate of pass@k, in [0, 1].

    right: items by how many of their n replies are right, n + 1 numbers; k: from 1 to n. Among k of an item's n
    replies, drawn without replacement, none is right with probability C(n - c, k) / C(n, k), c of them being right.
    """
    samples = len(right) - 1
    draws = comb(samples, k)
    missed = sum(items * comb(samples - count, k) for count, items in enumerate(right))
    return 1 - missed / (draws * sum(right))
