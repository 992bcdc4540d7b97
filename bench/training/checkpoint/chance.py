"""The states of the global generators: of torch, its accelerator, NumPy and Python."""

import random
from typing import Any

import numpy as np
import torch


def chance() -> dict[str, Any]:
    """The states in this process, as they are."""
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        "numpy": np.random.get_state(),  # noqa: NPY002 - the global one is what libraries draw from
        "python": random.getstate(),
    }


def set_chance(saved: dict[str, Any]) -> None:
    """Put saved states back."""
    torch.set_rng_state(saved["torch"])
    if saved["cuda"] is not None:
        torch.cuda.set_rng_state(saved["cuda"])
    np.random.set_state(saved["numpy"])  # noqa: NPY002
    random.setstate(saved["python"])
