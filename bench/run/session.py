"""A prepared run with its model loaded: what the phases of the story act on. Tasks are in blind order in here."""

import math
import sys
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import set_seed

from bench.engine.sampling import seeded
from bench.engine.world import World
from bench.models.base import load_model, parameters_digest
from bench.models.devices import memory, place
from bench.request.suite import Suite
from bench.run.choices import Chosen
from bench.run.confinement import Confinement
from bench.run.fits import check_fits
from bench.run.heldout import HeldOut
from bench.run.placing import gradients_leave
from bench.run.prepare import Prepared
from bench.run.progress import Watcher
from bench.run.saving import checkpoints_of
from bench.run.standing import Standing
from bench.training.around import Around
from bench.training.training import Training
from methods import Method, RunInfo, StepWrapper
from methods import _registry as methods
from tasks import Task
from tasks import _sandbox as sandbox


def is_alone(suite: Suite, world: World) -> bool:
    """Whether another process can compute as this one does: one thread, on a processor.

    Threads do not outlive a fork, and an accelerator that is in use cannot be used by a fork.
    """
    alone = world.size == 1 and suite.recipe.threads == 1 and suite.rollout != "vllm"
    return sys.platform == "linux" and alone and not torch.cuda.is_available()


class Session:
    """Model, training, held-out scores and checkpoints of one run."""

    def __init__(self, prepared: Prepared, watcher: Watcher) -> None:
        """Load the model and measure it. UserError if it cannot be loaded."""
        self.prepared = prepared
        self.watcher = watcher
        self.suite = prepared.request.suite
        self.seed = prepared.request.seed
        self.standing = Standing()
        self.final_digest: str | None = None
        torch.set_num_threads(self.suite.recipe.threads)

        watcher.phase("load")
        self.world = World.now()
        alone = is_alone(self.suite, self.world)
        self.confinement = Confinement(prepared, alone)
        self.model, self.tokenizer = load_model(self.suite, seeded(self.seed, "adapters").initial_seed() % 2**31)
        check_fits(self.model, self.tokenizer, prepared.mixture, self.suite)
        place(self.model, prepared.request.shard)

        # before a method's code is loaded, which could reach everything in this process
        self.speaks = self.world.first or prepared.request.shard
        """Whether this process evaluates: of a sharded model all must."""
        fork = alone and not methods.loaded() and not sandbox.started()
        self.held_out = HeldOut(self.model, self.tokenizer, prepared, self.speaks, watcher.phase, fork)
        self.confinement.load(self.model)

        tasks = [prepared.tasks[task] for task in prepared.order]
        rows = [prepared.rows[task] for task in prepared.order]
        self.checkpoints = checkpoints_of(prepared, self.confinement.way)
        self.training = Training(
            self.model,
            self.tokenizer,
            tasks,
            rows,
            self.suite,
            self.seed,
            self._show,
            self.checkpoints,
            gradients_leave(prepared, memory()),
        )
        self.ledger = self.training.ledger
        self.probe = self.training.probe

        self.held_out.begin()
        self.world.wait()

    def resume(self) -> None:
        """Continue where an earlier attempt at the run was saved, or begin; the clock starts."""
        self.checkpoints.find()
        if saved := self.checkpoints.take("standing"):
            self.standing.go_on(saved)
        self.checkpoints.keep("standing", self.standing.now)

        self.watcher.phase(self.standing.phase(self.suite.recipe.steps))
        set_seed(self.seed)
        self.ledger.start_clock()
        self.training.go_on()

    def start(self, chosen: Chosen, purpose: str) -> Method:
        """The method or wrapper, started, with its own generator; settings per task follow the blind order."""
        recipe = self.suite.recipe
        tasks = len(self.prepared.tasks)
        info = RunInfo(
            tasks=tasks,
            sizes=torch.tensor([len(stream.rows) for stream in self.training.streams], dtype=torch.float64),
            steps=recipe.steps,
            prompts=tasks * recipe.prompts_per_task,
            reply_tokens=recipe.max_reply_tokens,
            rollouts=recipe.rollouts_per_prompt if self.suite.regime == "grpo" else 1,
        )

        return self.confinement.start(chosen, seeded(self.seed, purpose), info)

    def around(self, method: Method) -> Around | None:
        """The wrapper that was asked for, started, with a twin of the method inside; None without one."""
        if self.prepared.wrapper is None:
            return None
        wrapper = self.start(self.prepared.wrapper, "wrapper")
        assert isinstance(wrapper, StepWrapper)
        wrapper.prepare(self.training.gradients.parameters_now(), self.training.gradients.layout)
        return Around(wrapper, method, self.start(self.prepared.method, "twin"))

    def close_training(self) -> None:
        """Note what training cost, and save the run unless it was short: what is left is to evaluate."""
        self.standing.spent = self.ledger.snapshot().model_dump(mode="json")
        self.checkpoints.drop("model", "calls", "stage", "memory")
        self.checkpoints.close_training()

    def put(self, parameters: Tensor) -> str:
        """Make these, [P], the model's trained parameters, and return the digest of the whole model.

        Every process must call it. RunFailed if other weights than those are not as they were loaded.
        """
        self.training.gradients.set_parameters(parameters)
        self.held_out.put(parameters)
        return parameters_digest(self.model)

    def score(self, tasks: Sequence[Task]) -> None:
        """Held-out scores of the model as it is, those that an earlier attempt at the run has not saved."""
        after = self.standing.after
        for task in tasks if self.speaks else ():
            if task.name not in after:
                after[task.name] = self.held_out.scores([task])[task.name].model_dump()
                if self.world.size == 1:
                    self.checkpoints.offer()

    def _show(self, step: int, rewards: Sequence[float]) -> None:
        """Tell the watcher of every full step; a plan's steps may be smaller."""
        full_steps = round(self.ledger.prompts / self.training.prompts, 9)
        if full_steps < self.standing.shown + 1:
            return

        self.standing.shown = int(full_steps)
        if self.world.first:
            names = [task.name for task in self.training.tasks]
            known = {name: reward for name, reward in zip(names, rewards, strict=True) if not math.isnan(reward)}
            in_order = {name: known[name] for name in self.suite.tasks if name in known}
            self.watcher.step(self.standing.shown, self.suite.recipe.steps, in_order)
