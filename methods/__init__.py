"""The methods under test, one public module each, and the contract that they are written against.

A method's author needs this page of names and nothing else of the package:

    from methods import GramianWeighting, Gramian, Signals, setting

Files that begin with an underscore are shared by methods or belong to the harness. Read `pcgrad.py` first, then
`_base.py`. Names are imported when they are first used, because the contract needs torch and a listing does not.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from methods._base import (
        GradientCombination,
        GramianWeighting,
        Inner,
        LossWeighting,
        Method,
        Need,
        Passes,
        RunPlan,
        SampleWeighting,
        Stages,
        StepWrapper,
        TaskSampling,
        Weighting,
    )
    from methods._settings import Settings, setting
    from methods._signals import Gramian, Layout, Rollouts, RunInfo, Signals

__all__ = [
    "GradientCombination",
    "Gramian",
    "GramianWeighting",
    "Inner",
    "Layout",
    "LossWeighting",
    "Method",
    "Need",
    "Passes",
    "Rollouts",
    "RunInfo",
    "RunPlan",
    "SampleWeighting",
    "Settings",
    "Signals",
    "Stages",
    "StepWrapper",
    "TaskSampling",
    "Weighting",
    "setting",
]


def __getattr__(name: str) -> Any:
    """A name of the contract; AttributeError for any other."""
    if name not in __all__:
        raise AttributeError(f"module 'methods' has no attribute {name!r}; the contract is {', '.join(__all__)}")
    return getattr(importlib.import_module("methods._base"), name)
