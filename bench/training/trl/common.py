"""TRL's settings that both regimes share. What TRL would do beside the step (clip, log, save, report) is off."""

from pathlib import Path
from typing import Any

import torch
from torch.nn import Parameter

from bench.engine.world import World
from bench.errors import UserError
from bench.request.suite import Suite

HOURS = 6
"""How long a process waits for another that evaluates."""


def shared_config(suite: Suite, steps: int, seed: int, folder: Path) -> dict[str, Any]:
    """Keyword arguments of a TRL configuration. folder: where the trainer may put files; it puts none."""
    recipe = suite.recipe
    return {
        "output_dir": str(folder),
        "max_steps": steps,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": {"constant": "constant_with_warmup"}.get(recipe.schedule, recipe.schedule),
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "adam_beta1": recipe.adam_beta1,
        "adam_beta2": recipe.adam_beta2,
        "adam_epsilon": recipe.adam_epsilon,
        "max_grad_norm": 0.0,
        # TRL turns it on, by its old name, unless told under the new one
        "activation_checkpointing": suite.gradient_checkpointing,
        "bf16": False,  # `bench.models.trainable` sees to it, for evaluation as well
        "use_cpu": not torch.cuda.is_available(),
        "ddp_timeout": HOURS * 3600,
        "seed": seed,
        "data_seed": seed,
        "disable_tqdm": True,
        "logging_strategy": "no",
        "save_strategy": "no",
        "report_to": [],
        "remove_unused_columns": False,
    }


def prompts_per_process(prompts: int) -> int:
    """The prompts of a step that one process takes. UserError if they cannot be dealt equally."""
    world = World.now()
    if prompts % world.size:
        raise UserError(
            f"{prompts} prompts a step cannot be dealt to {world.size} processes: choose recipe.prompts_per_task such "
            "that tasks x prompts_per_task is a multiple of the processes."
        )
    return prompts // world.size


def trained(model: torch.nn.Module) -> tuple[list[Parameter], list[str]]:
    """Parameters that require gradients, and their names, each once."""
    pairs = [(parameter, name) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [parameter for parameter, _ in pairs], [name for _, name in pairs]


def unwrapped(accelerator: Any) -> None:
    """Let no wrapper reduce gradients, as the step does so; to be called after TRL's constructor."""
    prepare_model = accelerator.prepare_model
    accelerator.prepare_model = lambda model, **_: prepare_model(model, evaluation_mode=True)
