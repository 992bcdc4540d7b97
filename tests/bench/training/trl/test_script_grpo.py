"""GRPO in a user's script: TRL's own steps where nothing is balanced, and what a method changes of them."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import IterableDataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from bench.errors import UserError
from bench.trainers import BalancedGRPOTrainer
from methods import GramianWeighting, Signals
from methods.pcgrad import PCGrad

sys.path.insert(0, str(Path(__file__).parent))
from scripts import apart, flat, grpo, model, rows, trained

ENDS: dict[str, torch.Tensor] = {}
TIGHT = 1e-5
"""Of the way that the parameters go: rounding of sums that are taken in another order."""
QUICK: list[dict[str, Any]] = [
    {},
    {"gradient_accumulation_steps": 2, "beta": 0.05, "loss_type": "grpo", "scale_rewards": "batch"},
    {"loss_type": "bnpo", "entropy_coef": 0.02, "top_entropy_quantile": 0.5, "max_grad_norm": 0.1},
    {"loss_type": "dr_grpo", "steps_per_generation": 2, "num_iterations": 2, "max_steps": 4},
    {"loss_type": "cispo", "multi_objective_aggregation": "normalize_then_sum"},
]
THOROUGH: list[dict[str, Any]] = [
    {"loss_type": "sapo", "delta": 2.0},
    {"loss_type": "luspo", "importance_sampling_level": "sequence"},
    {"loss_type": "vespo", "gradient_accumulation_steps": 2},
    {"use_adaptive_entropy": True, "gradient_accumulation_steps": 2, "max_steps": 4},
    {
        "off_policy_mask_threshold": 0.1,
        "num_iterations": 2,
        "use_bias_correction_kl": True,
        "beta": 0.1,
        "max_steps": 4,
    },
    {"gradient_checkpointing": False, "disable_dropout": True, "sync_ref_model": True, "beta": 0.1, "max_steps": 4},
    {"lr_scheduler_type": "cosine", "warmup_steps": 1, "weight_decay": 0.1, "generation_batch_size": 16},
]


def plain_end(folder: Path, options: dict[str, Any]) -> torch.Tensor:
    """Where TRL's own trainer ends; computed once for options."""
    known = str(dict(sorted(options.items())))
    if known not in ENDS:
        ENDS[known] = trained(grpo(GRPOTrainer, folder, **options))
    return ENDS[known]


def check_same(folder: Path, **options: Any) -> None:
    plain = grpo(GRPOTrainer, folder / "plain", **options)
    start = flat(plain.model)
    end = trained(plain)

    # TRL seeds the one generator of all trainers when it is made
    balanced = grpo(BalancedGRPOTrainer, folder / "balanced", {"method": "uniform"}, **options)
    assert apart(end, trained(balanced), start) < TIGHT

    # the metrics of the log are TRL's own as well
    for theirs, ours in zip(plain.state.log_history, balanced.state.log_history, strict=True):
        known = {key: value for key, value in theirs.items() if key.startswith(("reward", "clip", "entropy", "kl"))}
        assert {key: ours[key] for key in known} == pytest.approx(known, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("options", QUICK, ids=lambda options: "-".join(map(str, options)) or "defaults")
def test_uniform_is_trls_own_trainer(options: dict[str, Any], tmp_path: Path) -> None:
    check_same(tmp_path, **options)


@pytest.mark.slow
@pytest.mark.parametrize("options", THOROUGH, ids=lambda options: "-".join(map(str, options)))
def test_uniform_is_trls_own_trainer_under_more_options(options: dict[str, Any], tmp_path: Path) -> None:
    check_same(tmp_path, **options)


def test_uniform_is_trls_own_trainer_with_adamw_and_adapters(tmp_path: Path) -> None:
    """AdamW divides by the root of a square that may be tiny, which makes more of rounding than SGD does."""
    options = {"optim": "adamw_torch", "learning_rate": 1e-3, "peft_config": LoraConfig(r=4, task_type="CAUSAL_LM")}
    plain = grpo(GRPOTrainer, tmp_path / "plain", **options)
    start = flat(plain.model)
    end = trained(plain)
    balanced = grpo(BalancedGRPOTrainer, tmp_path / "balanced", **options)
    assert apart(end, trained(balanced), start) < 1e-3
    assert len(start) < 0.5 * len(flat(model()))


class Watching(GramianWeighting):
    """Weights of the plain step, and all that it was told."""

    name = "watching"
    version = 1
    state = ("count",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.told = list[Signals]()
        self.count = 0

    def weights(self, gramian: Any, signals: Signals) -> torch.Tensor:
        return torch.full((len(gramian),), 1 / len(gramian), dtype=torch.float64)

    def observe(self, signals: Signals) -> None:
        self.told.append(signals)
        self.count += 1


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_row_is_the_gradient_of_the_loss_without_the_other_tasks_advantages(
    accumulation: int, tmp_path: Path
) -> None:
    """Times K. With loss_type=grpo and no KL term, TRL's loss is linear in the advantages."""
    options = {"loss_type": "grpo", "max_steps": 1, "gradient_accumulation_steps": accumulation}
    method = Watching()
    balanced = grpo(BalancedGRPOTrainer, tmp_path / "a", {"method": method}, **options)

    seen = []
    prepared = balanced._prepare_inputs
    balanced._prepare_inputs = lambda inputs: seen.append(prepared(inputs)) or seen[-1]
    balanced.train()
    found = balanced.window.gradients.rows.clone()

    fresh = grpo(GRPOTrainer, tmp_path / "b", **options)
    fresh.current_gradient_accumulation_steps = accumulation
    fresh.model.train()
    for place in range(2):
        fresh.model.zero_grad()
        for batch in seen:
            kept = batch["advantages"] * (batch["tags"][:, 0] == place)
            fresh.compute_loss(fresh.model, {**batch, "advantages": kept}).backward()
        wanted = 2 * torch.cat([each.grad.flatten() for each in fresh.model.parameters()])
        assert (found[place] - wanted).norm() <= 1e-5 * found.norm()


def test_a_method_is_told_of_rewards_lengths_and_shares(tmp_path: Path) -> None:
    balanced = grpo(BalancedGRPOTrainer, tmp_path, {"method": Watching()}, max_steps=3, per_device_train_batch_size=16)
    balanced.train()
    method, log = balanced.choice.method, balanced.state.log_history
    assert [signals.step for signals in method.told] == [0, 1, 2]
    assert method.run.prompts == 4
    assert method.run.rollouts == 4
    assert sorted(method.run.sizes.tolist()) == [16, 32]

    for signals, said in zip(method.told, log, strict=False):
        assert signals.shares.sum() == 1
        assert (signals.rewards * signals.shares).nansum().item() == pytest.approx(said["reward"], rel=1e-5)
        assert (signals.lengths * signals.shares).nansum().item() == pytest.approx(said["completions/mean_length"])
        for place, task in enumerate(balanced.choice.tasks):
            if signals.shares[place]:
                assert said[f"tasks/{task}/reward"] == pytest.approx(signals.rewards[place].item())
                assert said[f"tasks/{task}/squared_norm"] == pytest.approx(signals.gramian.matrix[place, place].item())
                assert said[f"tasks/{task}/share"] == pytest.approx(signals.shares[place].item())
                assert said[f"tasks/{task}/weight"] == 0.5 or signals.gramian.matrix[place, place] == 0


@pytest.mark.parametrize(
    "balance",
    [
        {"method": "norm_equalised"},
        {"method": "pcgrad", "wrapper": "cr_mogm", "wrapper_settings": {"alpha": 0.5}},
        {"method": "static", "method_settings": {"weights": {"carry": 3.0}}},
        {"method": "graddrop"},
        {"method": PCGrad, "wrapper": "sparse_training"},
        {"method": "popart", "options": {"loss_type": "grpo"}},
        {"method": "mt_grpo"},
        {"method": "doge", "options": {"gradient_accumulation_steps": 2}},
    ],
    ids=lambda balance: str(balance["method"]),
)
def test_methods_of_every_kind_run_and_change_the_step(balance: dict[str, Any], tmp_path: Path) -> None:
    balance = dict(balance)
    options = {"max_steps": 3, "per_device_train_batch_size": 16, **balance.pop("options", {})}
    balanced = grpo(BalancedGRPOTrainer, tmp_path / "a", balance, **options)
    start = flat(balanced.model)
    end = trained(balanced)
    assert apart(end, plain_end(tmp_path / "b", options), start) > 100 * TIGHT
    frozen = getattr(balanced.choice.wrapper, "frozen", None)
    if frozen is not None:
        assert torch.equal(flat(balanced.model)[frozen], start[frozen])


def test_a_sampling_method_decides_the_rows(tmp_path: Path) -> None:
    """Twice as many rows are of one task; with equal shares, each has one prompt of a step's two."""
    balance = {"method": "temperature", "method_settings": {"alpha": 0.0}}
    balanced = grpo(BalancedGRPOTrainer, tmp_path, balance, max_steps=4)
    balanced.train()
    shares = [said["tasks/add/share"] for said in balanced.state.log_history[:-1]]
    assert shares == [0.5] * 4


class Stop(TrainerCallback):
    """Stops after so many steps, as a crash would."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop = state.global_step == self.after


@pytest.mark.parametrize("method", ["mt_grpo", pytest.param("gradnorm", marks=pytest.mark.slow)])
def test_it_resumes_with_the_methods_state(method: str, tmp_path: Path) -> None:
    """As many steps in one go, and in two: the same parameters, bit for bit, and the same state."""
    options = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2}
    balance = {"method": method}
    whole = grpo(BalancedGRPOTrainer, tmp_path / "whole", balance, **options)
    end = trained(whole)

    first = grpo(BalancedGRPOTrainer, tmp_path / "parts", balance, callbacks=[Stop(2)], **options)
    first.train()
    second = grpo(BalancedGRPOTrainer, tmp_path / "parts", balance, **options)
    second.train(resume_from_checkpoint=True)
    assert torch.equal(flat(second.model), end)
    for name, value in whole.choice.method.state_dict().items():
        other = second.choice.method.state_dict()[name]
        assert repr(value) == repr(other)
    assert second.balanced_step.ledger.steps == 4

    other = grpo(BalancedGRPOTrainer, tmp_path / "parts", {"method": "pcgrad"}, **options)
    with pytest.raises(UserError, match="it was made with another method"):
        other.train(resume_from_checkpoint=True)


def test_evaluation_sets_are_trls(tmp_path: Path) -> None:
    options = {"eval_strategy": "steps", "eval_steps": 1, "per_device_eval_batch_size": 8}
    untold = rows(4).remove_columns("task")
    balanced = grpo(BalancedGRPOTrainer, tmp_path, {"method": "pcgrad"}, eval_dataset=untold, **options)
    balanced.train()
    assert sum("eval_reward" in said for said in balanced.state.log_history) == 2


def test_a_stream_of_rows_is_balanced_when_its_tasks_are_named(tmp_path: Path) -> None:
    stream: IterableDataset = rows().to_iterable_dataset()
    with pytest.raises(UserError, match=r"say tasks=\["):
        grpo(BalancedGRPOTrainer, tmp_path, {"method": "pcgrad"}, train_dataset=stream)
    balanced = grpo(
        BalancedGRPOTrainer, tmp_path, {"method": "pcgrad", "tasks": ["add", "carry"]}, train_dataset=stream
    )
    balanced.train()
    assert "tasks/add/reward" in balanced.state.log_history[0] or "tasks/carry/reward" in balanced.state.log_history[0]


@pytest.mark.parametrize(
    ("balance", "options", "says"),
    [
        ({"task_column": "kind"}, {}, "no column 'kind', but completion, n, prompt, task"),
        ({"task_column": "n"}, {}, "must hold a task's name in every row; it holds"),
        ({}, {"train_dataset": rows().filter(lambda row: row["task"] == "add")}, "nothing to balance"),
        ({"tasks": ["add", "multiply"]}, {}, "names the tasks carry, which are not among"),
        ({"method": "task_arithmetic"}, {}, "task_arithmetic is a plan"),
        ({}, {"optim": "lomo"}, "optim='lomo' does not go with a balanced step"),
        ({"method": "token_mean"}, {}, "loss_type='dapo' does not go with method 'token_mean'"),
        ({"method": "token_mean"}, {"loss_type": "grpo", "beta": 0.1}, "beta=0.1 does not go with"),
    ],
)
def test_what_contradicts_the_step_is_refused_by_name(
    balance: dict[str, Any], options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=says):
        grpo(BalancedGRPOTrainer, tmp_path, balance, **options)


def test_the_private_names_exist() -> None:
    """Of trl 1.16.0 and transformers 5, as the modules' texts list them."""
    for name in (
        "_generate_and_score_completions",
        "_calculate_rewards",
        "_prepare_for_training",
        "_save_optimizer_and_scheduler",
        "_get_num_items_in_batch",
        "_set_signature_columns_if_needed",
    ):
        assert callable(getattr(GRPOTrainer, name))
    assert GRPOConfig.__dataclass_fields__["seed"].default == 42
