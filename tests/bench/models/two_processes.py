"""What `test_devices` runs in two processes at once: `torchrun --nproc_per_node 2 two_processes.py FOLDER`.

Each scenario leaves FOLDER/NAME-RANK.safetensors and .json; both processes go through all of them in one order.
"""

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

import bench.run.session
from bench.engine.gradients import TaskGradients, full
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import PromptStream
from bench.engine.world import World
from bench.errors import UserError
from bench.models.base import load_model, parameters_digest
from bench.models.devices import join
from bench.request.request import Request, parse_request
from bench.request.suite import Recipe, Suite, load_suite
from bench.run import story
from bench.training.callback import agreed
from bench.training.rollouts import grouped
from bench.training.step import BalancedStep
from bench.training.trl.balanced import alone
from bench.training.trl.common import trained
from bench.training.trl.grpo import SuiteGRPOTrainer, grpo_config
from methods import RunInfo
from methods.uniform import Uniform
from tasks._registry import get_task

WORDS = {
    "suite": "smoke-v1",
    "recipe.steps": "2",
    "recipe.prompts_per_task": "4",
    "recipe.validation_rows": "64",
    "evaluation.items": "4",
    "recipe.learning_rate": "1e-3",
    "recipe.adam_epsilon": "1e-4",
}
"""Adam's epsilon is large, so that rounding of a gradient near zero stays rounding."""
SFT = {"regime": "sft"}
RUNS: dict[str, dict[str, str]] = {
    "full": {"method": "pcgrad", **SFT},
    "micro": {"method": "coba", "recipe.micro_batch": "1", **SFT},
    "lora": {"method": "pcgrad", "lora.r": "2", **SFT},
    "wrapped": {"method": "db_mtl", "wrapper": "samo", **SFT},
    "plan": {"method": "task_arithmetic", **SFT},
    "shard": {"method": "pcgrad", "shard": "true", **SFT},
    "shard_lora": {"method": "pcgrad", "lora.r": "2", "shard": "true", **SFT},
    "grpo": {"method": "pcgrad"},
    "uneven": {
        "method": "uniform",
        "tasks": "arithmetic,column_addition,induction,lookup",
        "recipe.prompts_per_task": "3",
    },
    "clock": {"method": "uniform", "budget.wall_seconds": "0.001", **SFT},
}
"""Runs by name: words beside WORDS."""
ODD = {"method": "uniform", "tasks": "lookup", "recipe.prompts_per_task": "5"}
"""Five prompts a step cannot be dealt to two processes."""
TASKS = ("arithmetic", "column_addition", "lookup")
RECIPE = Recipe(
    steps=2, prompts_per_task=4, rollouts_per_prompt=4, learning_rate=1e-3, max_reply_tokens=12, train_rows=64
)


def request(changes: dict[str, str], store: Path, **more: str) -> Request:
    given = {**WORDS, **changes, **more, "store": str(store)}
    return parse_request(f"{key}={value}" for key, value in given.items())


class Silent:
    """A watcher that looks away."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


def run(name: str, folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The final parameters and the record, as far as this process has one."""
    final: dict[str, Tensor] = {}

    def kept(model: torch.nn.Module) -> str:
        final.update({name: full(parameter.detach()).clone() for name, parameter in model.named_parameters()})
        return parameters_digest(model)

    bench.run.session.parameters_digest = kept
    finished = story.run(request(RUNS[name], folder / name), Silent())
    return final, json.loads(finished.path.read_text()) if finished else {}


def suite() -> Suite:
    return load_suite("smoke-v1").model_copy(update={"recipe": RECIPE})


def grpo_trainer(folder: Path) -> SuiteGRPOTrainer:
    """Of the embedded model, in as many processes as there are."""
    tasks = [get_task(name) for name in TASKS]
    streams = [PromptStream(task.rows("train", RECIPE.train_rows), 0) for task in tasks]
    model, tokenizer = load_model(suite().model_copy(update={"model": "nano"}))
    sequences = len(tasks) * RECIPE.prompts_per_task * RECIPE.rollouts_per_prompt
    trainer = SuiteGRPOTrainer(model, tokenizer, grpo_config(suite(), 2, 0, sequences, folder), tasks, streams, RECIPE)
    method = Uniform().start(RunInfo(len(tasks), torch.ones(len(tasks)), 2))
    gradients = TaskGradients(*trained(model), len(tasks))
    trainer.arm(BalancedStep(gradients, method, None, RunningLedger(), Probe()))
    trainer.current_gradient_accumulation_steps = 1
    model.train()
    return trainer


def rollouts(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """This process's rollouts, all processes' as they were gathered, and the gradients that come of them."""
    trainer = grpo_trainer(folder)
    batch, found = trainer.roll_out(trainer.draw())
    groups = grouped(batch, found, found.advantages, 3, trainer.world)
    step = trainer.balanced_step
    with alone(trainer.accelerator):  # processes differ in how many completions have an advantage
        losses = step.accumulate(groups, trainer.loss_of)
    tensors = {f"batch.{name}": value for name, value in batch.items()}
    tensors |= {f"rollouts.{name}": getattr(found, name) for name in found.__slots__}
    matrix = step.gradients.gramian()
    tensors |= {"rows": step.gradients.rows, "losses": losses, "gramian": matrix}
    tensors["cross_gramian"] = step.gradients.cross_gramian(matrix)
    spent = step.ledger.snapshot().model_dump()
    halves = [[sum(len(m.data["advantages"]) for m in half) for half in group.halves] for group in groups]
    shares = [group.first_share for group in groups]
    return tensors, {"ledger": spent, "halves": halves, "first_shares": shares}


def agreement(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What only one process has noticed: the first one's word holds."""
    world = World.now()
    prompts = ""
    try:
        story.run(request(ODD, folder / "odd"), Silent())
    except UserError as error:
        prompts = str(error)
    return {}, {
        "stop": agreed("too late" if world.first else ""),
        "go": agreed("" if world.first else "too late"),
        "prompts": prompts,
    }


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    world = join()
    scenarios: dict[str, Callable[[], tuple[dict[str, Tensor], dict[str, Any]]]] = {
        "rollouts": lambda: rollouts(folder),
        "agreement": lambda: agreement(folder),
        **{name: lambda name=name: run(name, folder) for name in RUNS},  # type: ignore[misc]
    }
    for name, scenario in scenarios.items():
        with contextlib.redirect_stdout(io.StringIO()):
            tensors, facts = scenario()
        save_file(
            {key: value.contiguous() for key, value in tensors.items()}, folder / f"{name}-{world.rank}.safetensors"
        )
        (folder / f"{name}-{world.rank}.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
