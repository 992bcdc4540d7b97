"""Options of a TRL configuration that contradict the balanced step, each with the reason; all others work as in TRL."""

from collections.abc import Callable
from typing import Any

from bench.errors import UserError

Check = tuple[str, Callable[[Any], Any], str]
"""An option's name, whether a value of it is refused, and why, with what to do."""

EVERY: tuple[Check, ...] = (
    ("fp16", bool, "a loss scaler multiplies the gradients that a method compares; take bf16=True"),
    ("deepspeed", bool, "it owns the gradients, which must be kept apart by task; launch without it"),
    ("fsdp", bool, "a row of task gradients needs whole parameters; launch replicas, or train adapters"),
    ("parallelism_config", bool, "a row of task gradients needs whole parameters; launch replicas, or train adapters"),
    ("n_gpu", lambda count: count > 1, "one process, one device: use `accelerate launch`, or set CUDA_VISIBLE_DEVICES"),
    (
        "optim",
        lambda name: any(kind in str(getattr(name, "value", name)) for kind in ("lomo", "layerwise")),
        "it steps inside the backward pass, before the gradients of all tasks are there; take another optimizer",
    ),
)
SFT: tuple[Check, ...] = (
    ("packing", bool, "it puts rows of several tasks into one sequence; leave it out"),
    ("padding_free", bool, "it puts rows of several tasks into one sequence; leave it out"),
    ("activation_offloading", bool, "the backward passes of the tasks come after its context; leave it out"),
)
CONTENT: tuple[Check, ...] = (
    (
        "loss_type",
        lambda kind: kind != "grpo",
        "it weights completions within a mean over completions; say loss_type='grpo'",
    ),
    ("beta", bool, "a weight on an advantage is no weight on the KL term; say beta=0.0"),
)
"""For methods that change advantages, which is exact for a loss that is homogeneous in them."""


def check_options(config: Any, checks: tuple[Check, ...], who: str) -> None:
    """UserError for the first option of the configuration that is refused. who: whom it contradicts."""
    for name, wrong, why in checks:
        value = getattr(config, name, None)
        if value is not None and wrong(value):
            shown = getattr(value, "value", value)
            raise UserError(f"{name}={shown!r} does not go with {who}: {why}.")


def check_router(enabled: bool) -> None:
    """UserError if a router's balance is in the loss."""
    if enabled:
        raise UserError(
            "router_aux_loss_coef is not 0, and the balance of a router's experts is no task's loss: "
            "say router_aux_loss_coef=0.0."
        )


def check_columns(columns: Any, column: str) -> None:
    """UserError without a task column, or with images. columns: of the data set, None: unknown until it is read."""
    if columns is None:
        return
    if column not in columns:
        raise UserError(
            f"the training data have no column {column!r}, but {', '.join(sorted(columns))}. Add one with each row's "
            "task, or name it: task_column=..."
        )
    if images := sorted({"image", "images"} & set(columns)):
        raise UserError(f"column {images[0]!r}: images are not kept apart by task; leave the column out.")
