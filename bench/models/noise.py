"""Common random numbers: the noise of every sampled token is fixed before anything is sampled.

A token's draw depends on what it is drawn for (seed, task, prompt, copy) and on its position in the reply, and on
nothing that a method does. Two methods with one seed therefore meet the same noise all along, however their replies
part in length or their tasks in number, and the difference between them is theirs.
"""

import hashlib

import numpy as np
import torch
from torch import Tensor


def uniforms(count: int, *purpose: object) -> Tensor:
    """Uniform numbers in [0, 1) for the positions of one reply, [count] float64.

    purpose: what the reply is drawn for; its text decides. The first numbers do not depend on `count`.
    """
    text = "/".join(map(str, purpose))
    key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    # Philox is counter-based, so that a fresh generator a reply costs microseconds
    return torch.from_numpy(np.random.Generator(np.random.Philox(key=key)).random(count))
