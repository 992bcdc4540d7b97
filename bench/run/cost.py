"""What a method adds to a step: the method and `uniform` take turns on the same batches, in processor seconds.

Wall time of whole runs on a shared machine says more of the machine than of the method. Here both contenders meet the
same rollouts, the same weights and the same minute, so that the ratio is the method's.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.errors import UserError
from bench.request.request import Request
from bench.run.choices import Chosen, chosen_methods
from bench.run.prepare import prepare
from bench.run.progress import Watcher
from bench.run.session import Session
from bench.training.around import Around
from bench.training.callback import StepCallback
from bench.training.rollouts import grouped, measure, reweighted
from bench.training.step import BalancedStep
from bench.training.training import EXTRA
from bench.training.trl.grpo import SuiteGRPOTrainer
from methods import Method

REFERENCE = "uniform"


@dataclass(frozen=True)
class StepCost:
    """Processor time of a method's step over that of uniform's: the median of `rounds` pairs, and their extremes."""

    method: str
    suite: str
    rounds: int
    ratio: float
    least: float
    most: float
    seconds: float
    """Median processor seconds of a step with uniform, rollouts left out."""


def step_cost(request: Request, rounds: int, watcher: Watcher) -> StepCost:
    """Measure a request's method, with its wrapper if it has one. Nothing is trained and nothing is recorded.

    UserError for a plan of runs, whose steps are ordinary ones, and outside GRPO.
    """
    prepared = prepare(request)
    if prepared.method.acts_on("RunPlan"):
        raise UserError(
            f"{prepared.method.card.name} is a plan of runs: its steps cost what those of {REFERENCE} cost, and the "
            "ledger of a run says how many they are. Choose a method that acts on a step."
        )
    if request.suite.regime != "grpo":
        raise UserError("bench cost measures steps on rollouts. Choose a suite with regime=grpo.")

    session = Session(prepared, watcher)
    method = session.start(prepared.method, "method")
    reference = session.start(_reference(request), "method")
    around = session.around(method)
    with tempfile.TemporaryDirectory() as folder:
        return _measured(session, method, reference, around, rounds, Path(folder))


def _reference(request: Request) -> Chosen:
    plain = request.model_copy(update={"method": REFERENCE, "settings": {}, "wrapper": None, "wrapper_settings": {}})
    return chosen_methods(plain)[0]


def _measured(
    session: Session, method: Method, reference: Method, around: Around | None, rounds: int, folder: Path
) -> StepCost:
    training, recipe = session.training, session.suite.recipe
    watch = StepCallback(session.suite.budget, training.ledger, None, training.show)
    wants_more = around is not None and bool(around.wrapper.needs & EXTRA)
    trainer = training.trainer(folder, rounds, training.prompts, session.seed, watch, wants_more)
    assert isinstance(trainer, SuiteGRPOTrainer)
    trainer.current_gradient_accumulation_steps = 1  # TRL sets it when it trains

    contenders = {}
    for name, chosen, wrapped in (("method", method, around), ("reference", reference, None)):
        step: BalancedStep[dict[str, torch.Tensor]] = BalancedStep(
            training.gradients, chosen, recipe.max_gradient_norm, training.ledger, training.probe, wrapped, recipe.clip
        )
        contenders[name] = step

    pairs = []
    for turn in range(rounds + 1):
        session.watcher.phase(f"round {turn} of {rounds}" if turn else "warm-up")
        took = _take_turns(trainer, contenders, first="method" if turn % 2 else "reference")
        pairs.append((took["method"], took["reference"]))

    kept = pairs[1:]  # the first pass pays for what is allocated once
    ratios = [mine / theirs for mine, theirs in kept]
    return StepCost(
        method=session.prepared.use.name + (f"@{around.wrapper.name}" if around else ""),
        suite=session.suite.name,
        rounds=rounds,
        ratio=statistics.median(ratios),
        least=min(ratios),
        most=max(ratios),
        seconds=statistics.median(theirs for _, theirs in kept),
    )


def _take_turns(
    trainer: SuiteGRPOTrainer, contenders: dict[str, BalancedStep[dict[str, torch.Tensor]]], first: str
) -> dict[str, float]:
    """Seconds of one step of each on the same rollouts; `first` begins."""
    count = len(trainer.tasks)
    trainer.arm(contenders[first])
    batch, rollouts = trainer.roll_out(trainer.deal(torch.full((count,), 1 / count, dtype=torch.float64)))

    def step_of(name: str) -> Callable[[], None]:
        step = contenders[name]

        def take() -> None:
            weighted = reweighted(rollouts, step.method, trainer.ledger.steps)
            groups = grouped(batch, rollouts, weighted, trainer.recipe.micro_batch, trainer.world, trainer.prefixes)
            step(groups, trainer.loss_of, measure(rollouts, weighted, count))

        return take

    took = {}
    trainer.model.train()
    for name in sorted(contenders, key=lambda name: name != first):
        take = step_of(name)
        began = time.process_time()
        take()
        took[name] = time.process_time() - began
    return took
