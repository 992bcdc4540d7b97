"""Common random numbers: the noise of every sampled token is fixed before anything is sampled.

A token's noise depends on what it is drawn for (seed, task, prompt, copy), on its position in the reply and on the
token itself, and on nothing that a method does. Two methods with one seed therefore meet the same noise all along,
however their replies part in length or their tasks in number, and the difference between them is theirs.

The noise is that of the Gumbel-max trick: the token of the largest logit plus noise is a draw from the softmax
(Maddison et al. 2014, arXiv 1411.0030). Of two models whose distributions differ by a total variation of v, it draws
different tokens with a probability below 2 v. One uniform number through the inverse distribution function, in the
order of the vocabulary, parts them about twice as often (docs/performance.md).
"""

import hashlib

import torch
from torch import Tensor

GOLDEN = -7046029254386353131
"""0x9E3779B97F4A7C15 as a signed number: the step of SplitMix64 (Steele et al. 2014), 2^64 over the golden ratio."""
MIX = ((30, -4658895280553007687), (27, -7723592293110705685))
"""Its shifts and its factors 0xBF58476D1CE4E5B9 and 0x94D049BB133111EB, signed."""
LAST = 31
AT_ONCE = 1 << 16
"""Numbers that a processor computes together: they stay in its cache, where a large vocabulary's would not."""
POSITIONS = 1 << 32
"""Tokens between two positions in a reply's stream: more than any vocabulary has."""


def key_of(*purpose: object) -> int:
    """The key of one reply's noise, a signed number of 64 bits; the text of `purpose` decides it."""
    text = "/".join(map(str, purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def gumbels(keys: Tensor, position: int, tokens: int) -> Tensor:
    """Standard Gumbel numbers for every token at one position of some replies, [n, tokens] float32.

    keys: [n] int64, from `key_of`. Equal on every device to the rounding of the logarithm.
    """
    places = (torch.arange(tokens, device=keys.device) + (position * POSITIONS + 1)) * GOLDEN
    found = torch.empty(len(keys), tokens, device=keys.device)
    rows = max(1, AT_ONCE // tokens) if keys.device.type == "cpu" else len(keys)

    for some, into in zip(torch.split(keys, rows), torch.split(found, rows), strict=True):
        bits = _mixed(some[:, None] + places[None])
        # 53 bits as the middle of one of 2^53 cells, so that neither 0 nor 1 is met
        uniform = _shifted(bits, 11).double().add_(0.5).mul_(2.0**-53)
        into.copy_(uniform.log_().neg_().log_().neg_())
    return found


def _mixed(bits: Tensor) -> Tensor:
    """SplitMix64's finaliser, in place; products wrap around, as they do there."""
    for shift, factor in MIX:
        bits.bitwise_xor_(_shifted(bits, shift)).mul_(factor)
    return bits.bitwise_xor_(_shifted(bits, LAST))


def _shifted(bits: Tensor, count: int) -> Tensor:
    """A shift to the right that brings in zeros, where torch's own brings in the sign."""
    return (bits >> count).bitwise_and_((1 << (64 - count)) - 1)
