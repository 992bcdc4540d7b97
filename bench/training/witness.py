"""A witness of the optimizer: it follows a few coordinates by arithmetic of its own, and tells what does not fit.

Between the harness's gradient and the next step, parameters may change by one step of AdamW and by nothing else. The
witness draws its coordinates anew in every process, keeps their moments itself, and takes the learning rate from the
recipe. So an optimizer that steps twice, steps on something else, or was replaced, moves the parameters visibly.
AdamW: Loshchilov and Hutter, arXiv 1711.05101, algorithm 2, as torch states it.
"""

import math
import secrets
from typing import Any

import torch
from torch import Tensor

from bench.engine.gradients import TaskGradients, local
from bench.errors import RunFailed
from bench.request.suite import Recipe

COORDINATES = 64
"""Coordinates that are followed."""
RELATIVE = 1e-3
"""How far a move may be from the expected one, as a part of that and of the learning rate: rounding in float32."""
SPACINGS = 4.0
"""And how far as a multiple of the distance between neighbouring numbers at the parameter."""


class Witness:
    """Sees one stage's optimizer. steps: of the stage's schedule, those of an earlier attempt at the run included."""

    def __init__(self, gradients: TaskGradients, recipe: Recipe, steps: int) -> None:
        self.gradients = gradients
        self.recipe = recipe
        self.steps = steps
        self.done = 0
        """Optimizer steps of the stage so far."""

        sizes = gradients.layout.sizes
        drawn = [secrets.randbelow(len(sizes)) for _ in range(COORDINATES)]
        self._seen = [(tensor, secrets.randbelow(sizes[tensor])) for tensor in drawn if sizes[tensor]]
        starts = torch.tensor([0, *sizes]).cumsum(0)
        places = [int(starts[tensor]) + place for tensor, place in self._seen]
        self._columns = torch.tensor(places, dtype=torch.int64, device=gradients.device)

        self._mean = torch.zeros(len(places))
        self._square = torch.zeros(len(places))
        self._expected: tuple[Tensor, Tensor] | None = None

    def go_on(self, optimizer: Any, done: int) -> None:
        """Continue after the steps of an earlier attempt, from the moments that were saved. Sharded runs have none."""
        self.done = done
        states = [optimizer.state[self.gradients.parameters[tensor]] for tensor, _ in self._seen]
        pairs = list(zip(states, self._seen, strict=True))
        self._mean = torch.tensor([state["exp_avg"].flatten()[place].item() for state, (_, place) in pairs])
        self._square = torch.tensor([state["exp_avg_sq"].flatten()[place].item() for state, (_, place) in pairs])

    def before(self, optimizer: Any) -> None:
        """The step's gradient is ready: note where AdamW must go from here. Called before the optimizer steps."""
        recipe = self.recipe
        gradient = self.gradients.combined[self._columns].float().cpu()
        self._mean = recipe.adam_beta1 * self._mean + (1 - recipe.adam_beta1) * gradient
        self._square = recipe.adam_beta2 * self._square + (1 - recipe.adam_beta2) * gradient.square()

        # both moments begin at zero, so that early ones are divided by the weight they have gathered
        mean = self._mean / (1 - recipe.adam_beta1 ** (self.done + 1))
        square = self._square / (1 - recipe.adam_beta2 ** (self.done + 1))
        before = self._values()
        move = mean / (square.sqrt() + recipe.adam_epsilon) + self._decay(optimizer) * before
        self._expected = before, -self.rate() * move

    def stepped(self, optimizer: Any) -> None:
        """The optimizer has stepped: seal the parameters. RunFailed if it did anything else than one step of AdamW."""
        assert self._expected is not None, "an optimizer steps after its gradient is ready"
        before, move = self._expected
        allowed = RELATIVE * (move.abs() + self.rate()) + SPACINGS * torch.finfo(torch.float32).eps * before.abs()
        self._expected = None
        self.done += 1

        counts = {int(optimizer.state[self.gradients.parameters[tensor]].get("step", 0)) for tensor, _ in self._seen}
        if counts - {self.done}:
            raise RunFailed(f"the optimizer has made {max(counts)} steps where the harness asked for {self.done}.")
        if not bool(((self._values() - before - move).abs() <= allowed).all()):
            raise RunFailed("the parameters moved otherwise than by one step of AdamW on the harness's gradient.")
        self.gradients.seal.renew()

    def rate(self) -> float:
        """The learning rate of the next step."""
        recipe = self.recipe
        if self.done < recipe.warmup_steps:
            return recipe.learning_rate * self.done / recipe.warmup_steps

        part = (self.done - recipe.warmup_steps) / max(1, self.steps - recipe.warmup_steps)
        falls = {"constant": 1.0, "linear": 1 - part, "cosine": (1 + math.cos(math.pi * part)) / 2}
        return recipe.learning_rate * max(0.0, falls[recipe.schedule])

    def _values(self) -> Tensor:
        """The parameters at the coordinates."""
        parameters = self.gradients.parameters
        return torch.stack([local(parameters[tensor].detach()).flatten()[place] for tensor, place in self._seen]).cpu()

    def _decay(self, optimizer: Any) -> Tensor:
        """Weight decay at the coordinates: that of the recipe, or none, as the trainer's groups say. RunFailed."""
        groups = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
        found = [groups[id(self.gradients.parameters[tensor])]["weight_decay"] for tensor, _ in self._seen]
        if set(found) - {0.0, self.recipe.weight_decay}:
            raise RunFailed(
                f"the optimizer decays weights by {max(found)}; the recipe says {self.recipe.weight_decay}."
            )
        return torch.tensor(found)
