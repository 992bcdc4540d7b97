"""Training of one model on the tasks of a run, in one stage or in several; tasks are in blind order."""

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.engine.away import AwayGradients
from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import PromptStream
from bench.errors import UserError
from bench.request.suite import Suite
from bench.training.around import Around
from bench.training.callback import Show, StepCallback
from bench.training.checkpoint.chance import chance, set_chance
from bench.training.checkpoint.keeper import Checkpoints
from bench.training.checkpoint.progress import Progress
from bench.training.prefixes import Prefixes
from bench.training.step import BalancedStep
from bench.training.trl.balanced import Balanced
from bench.training.trl.common import trained
from bench.training.trl.distil import DistillingTrainer, Teaching
from bench.training.trl.grpo import SuiteGRPOTrainer, grpo_config
from bench.training.trl.sft import SuiteSFTTrainer, sft_config
from methods import Method
from tasks import Row, Task

EXTRA = frozenset({"extra_forward", "extra_backward"})


class Training:
    """A model in training: what its stages share, and `stage` itself.

    away: the task gradients are kept in the host's memory, for a method that acts on weights.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        tasks: Sequence[Task],
        rows: Sequence[Sequence[Row]],
        suite: Suite,
        seed: int,
        show: Show,
        checkpoints: Checkpoints | None = None,
        away: bool = False,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.tasks = list(tasks)
        self.suite = suite
        self.seed = seed
        self.show = show
        self.ledger = RunningLedger()
        self.probe = Probe()

        kept = suite.recipe.validation_rows if suite.regime == "sft" else 0
        if any(len(task_rows) <= kept for task_rows in rows):
            raise UserError(
                f"recipe.validation_rows={kept} of recipe.train_rows={suite.recipe.train_rows} leave nothing to train "
                "on. SFT keeps the last training rows for methods that validate: say fewer, or more training rows."
            )

        self.streams = [PromptStream(task_rows[: len(task_rows) - kept], seed) for task_rows in rows]
        self.validation = [PromptStream(task_rows[-kept:], seed) for task_rows in rows] if kept else []

        self.gradients = (AwayGradients if away else TaskGradients)(*trained(model), len(tasks))
        self.gradients.seal.renew(begin=True)
        self.prefixes = Prefixes(model, suite.recipe.packing, tokenizer.pad_token_id)
        self.checkpoints = checkpoints or Checkpoints()

    @property
    def trained(self) -> int:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self.gradients.parameters)

    @property
    def prompts(self) -> int:
        """Prompts of a full step."""
        return len(self.tasks) * self.suite.recipe.prompts_per_task

    def go_on(self) -> None:
        """Go on from where an earlier attempt at the run was saved, and save this one.

        The model follows when it is needed.
        """
        if saved := self.checkpoints.take("training"):
            self.ledger.load_state_dict(saved["ledger"])
            self.probe.load_state_dict(saved["probe"])
            for stream, taken in zip([*self.streams, *self.validation], saved["taken"], strict=True):
                stream.move_to(taken)

        self.checkpoints.keep("training", self.state_dict)
        self.checkpoints.keep("model", lambda: {"parameters": self._parameters(), "chance": chance()})

    def state_dict(self) -> dict[str, Any]:
        """The state of all but the model and the stage in progress."""
        taken = [stream.taken for stream in (*self.streams, *self.validation)]
        return {"ledger": self.ledger.state_dict(), "probe": self.probe.state_dict(), "taken": taken}

    def restore_model(self) -> None:
        """The trained parameters, and the global generators, as an earlier attempt left them."""
        if saved := self.checkpoints.take("model"):
            for parameter, values in zip(self._parameters(), saved["parameters"], strict=True):
                parameter.copy_(values)
            self.gradients.seal.renew()
            set_chance(saved["chance"])

    def _parameters(self) -> list[Tensor]:
        """The trained parameters themselves: a copy of them all may be more than a device can hold."""
        return [parameter.data for parameter in self.gradients.parameters]

    def stage(
        self,
        method: Method,
        around: Around | None = None,
        *,
        steps: int,
        prompts: int,
        seed: int,
        final: bool = False,
        after: Callable[[int], None] | None = None,
        teaching: Teaching | None = None,
    ) -> str:
        """Train with a fresh optimizer and schedule; why it ended early, or ''.

        prompts: of a step, over all tasks; seed: of the rollouts; final: nothing more is asked of the run after it;
        after: see `StepCallback`; teaching: distil teachers in place of rewards. RunFailed if training cannot go on. A
        stage that an earlier attempt began goes on where that was saved.
        """
        if around is not None and around.wrapper.frozen is not None:
            after = self.keeping(around.wrapper.frozen)

        # `steps` counts those that an earlier attempt has made; the trainer makes the rest
        saved = self.checkpoints.take("stage")
        done = saved["done"] if saved else 0
        last = self.ledger.steps - done + steps if final else None
        watch = StepCallback(self.suite.budget, self.ledger, last, self.show, after, done)

        wants_more = around is not None and bool(around.wrapper.needs & EXTRA)
        with tempfile.TemporaryDirectory() as folder:
            trainer = self.trainer(Path(folder), steps - done, prompts, seed, watch, wants_more, teaching)

            limit, clip = self.suite.recipe.max_gradient_norm, self.suite.recipe.clip
            step: BalancedStep[dict[str, Tensor]] = BalancedStep(
                self.gradients, method, limit, self.ledger, self.probe, around, clip
            )
            trainer.arm(step, watch, schedule=steps)
            if self.suite.regime == "sft":
                watch.look_back = step.look_back

            self._watched(watch, Progress(trainer, done), saved)
            with quiet():
                trainer.train()

        self.checkpoints.drop("stage")
        return watch.reason

    def _watched(self, watch: StepCallback, progress: Progress, saved: dict[str, Any] | None) -> None:
        """Save the stage as it goes on, and begin where it was saved."""
        self.checkpoints.keep("stage", progress.state_dict)
        watch.save = self.checkpoints.offer
        if saved is None:
            return

        def resume() -> None:
            self.restore_model()
            progress.load_state_dict(saved)

        watch.resume = resume

    def keeping(self, frozen: Tensor) -> Callable[[int], None]:
        """What puts frozen parameters, [P] bool, back to what they are now: weight decay moves them as well."""
        start = self.gradients.parameters_now()

        def put_back(step: int) -> None:
            self.gradients.set_parameters(torch.where(frozen, start, self.gradients.parameters_now()))

        return put_back

    def trainer(
        self,
        folder: Path,
        steps: int,
        prompts: int,
        seed: int,
        watch: StepCallback,
        extra_passes: bool = False,
        teaching: Teaching | None = None,
    ) -> Balanced:
        """A trainer of the model for so many steps; it must be armed before it trains."""
        recipe = self.suite.recipe.model_copy(update={"steps": steps})
        given = (self.model, self.tokenizer)

        if self.suite.regime == "sft":
            config = sft_config(self.suite, steps, seed, prompts, folder)
            return SuiteSFTTrainer(*given, config, self.tasks, self.streams, self.validation, recipe, callbacks=[watch])

        config = grpo_config(self.suite, steps, seed, prompts * recipe.rollouts_per_prompt, folder, extra_passes)
        kind = DistillingTrainer if teaching else SuiteGRPOTrainer
        trainer = kind(
            *given,
            config,
            self.tasks,
            self.streams,
            recipe,
            self.seed,
            self.prefixes,
            callbacks=[watch],
            factors=self.suite.advantage_scale,
        )

        if isinstance(trainer, DistillingTrainer) and teaching:
            trainer.teaching = teaching
        return trainer


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what the training libraries print, and their notices of deprecations among themselves.

    Progress and results are shown by the watcher, on stderr.
    """
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers|trl")
        yield
