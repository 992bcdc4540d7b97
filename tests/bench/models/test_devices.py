"""Several devices: two processes over gloo give what one gives, count together, stop together, and never hang."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from bench.errors import UserError
from bench.models.base import load_model
from bench.models.devices import join, place
from bench.records.rules import problems_in
from bench.records.store import MEASURED
from bench.request.request import parse_request
from bench.request.suite import load_suite
from bench.run.prepare import prepare
from bench.training.rollouts import grouped
from methods import Rollouts

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture(scope="module")
def scenarios() -> ModuleType:
    spec = importlib.util.spec_from_file_location("two_processes", HERE / "two_processes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left; one launch for all tests, because starting costs more than training."""
    folder = tmp_path_factory.mktemp("both")
    command = [*TORCHRUN, str(HERE / "two_processes.py"), str(folder)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


Left = tuple[dict[str, Tensor], dict[str, Any]]


def left(folder: Path, name: str, rank: int) -> Left:
    tensors = load_file(folder / f"{name}-{rank}.safetensors")
    return tensors, json.loads((folder / f"{name}-{rank}.json").read_text())


@pytest.fixture(scope="module")
def alone(scenarios: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Left]:
    """The same runs in this process."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("alone")
    return {name: scenarios.run(name, folder) for name in ("full", "micro", "lora", "wrapped", "plan")}


PAIRS = [
    ("full", "full"), ("micro", "micro"), ("lora", "lora"), ("wrapped", "wrapped"), ("plan", "plan"),
    ("shard", "full"), ("shard_lora", "lora"),
]  # fmt: skip
"""Runs of two processes, and the same run of one."""


@pytest.mark.parametrize(("two", "one"), PAIRS)
def test_two_processes_end_with_the_parameters_of_one(both, alone, two, one):
    first, second, wanted = left(both, two, 0)[0], left(both, two, 1)[0], alone[one][0]
    assert set(first) == set(second) == set(wanted)
    for name, value in wanted.items():
        assert first[name].equal(second[name]), "both processes hold the same model"
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-6)


def numbers(curve: Any) -> Iterator[float]:
    """All numbers of a curve; what is unknown counts as -1."""
    for value in curve:
        if isinstance(value, list):
            yield from numbers(value)
        else:
            yield -1 if value is None else value


@pytest.mark.parametrize(("two", "one"), PAIRS)
def test_two_processes_measure_what_one_does(both, alone, two, one):
    """Gramians, estimates from halves, weights and cosines, to the four digits of a record; counts exactly."""
    found, wanted = left(both, two, 0)[1], alone[one][1]
    counters = [name for name in wanted["ledger"] if name not in MEASURED]
    assert {name: found["ledger"][name] for name in counters} == {name: wanted["ledger"][name] for name in counters}
    for name, curve in wanted["curves"].items():
        assert list(numbers(found["curves"][name])) == pytest.approx(list(numbers(curve)), rel=2e-3, abs=2e-4), name
    assert [task["before"] for task in found["tasks"]] == [task["before"] for task in wanted["tasks"]]
    assert found["identity"] == wanted["identity"]
    assert found["provenance"]["processes"] == 2
    assert "processes" not in wanted["provenance"]


def test_one_process_writes_the_record_and_it_is_valid(both, scenarios):
    for name in scenarios.RUNS:
        assert left(both, name, 0)[1]
        assert left(both, name, 1)[1] == {}
        (path,) = (both / name).rglob("0.json")
        assert problems_in(path) == []


def merged(both: Path) -> tuple[dict[str, Tensor], Rollouts]:
    """The rollouts of both processes in the order of their prompts, which are dealt in turn."""
    parts, order = [], []
    for rank in (0, 1):
        tensors, _ = left(both, "rollouts", rank)
        parts.append({key.removeprefix("batch."): value for key, value in tensors.items() if key.startswith("batch.")})
        found = {key.removeprefix("rollouts."): value for key, value in tensors.items() if key.startswith("rollouts.")}
        order.append((found["group"] % 2 == rank).nonzero()[:, 0])
    back = torch.cat(order).argsort()
    names = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "advantages")
    whole = {name: joined([part[name] for part in parts], left=name.startswith("prompt")) for name in names}
    return {name: value[back] for name, value in whole.items()}, Rollouts(**found)


def joined(tensors: list[Tensor], left: bool) -> Tensor:
    """Rows of several tensors, padded with 0 to one width."""
    width = max(tensor.shape[-1] for tensor in tensors)
    if tensors[0].ndim == 1:
        return torch.cat(tensors)
    blank = [width - tensor.shape[1] for tensor in tensors]
    pads = [(more, 0) if left else (0, more) for more in blank]
    return torch.cat([torch.nn.functional.pad(tensor, pad) for tensor, pad in zip(tensors, pads, strict=True)])


def test_rollouts_are_gathered_in_the_order_of_their_prompts(both):
    batch, rollouts = merged(both)
    other = left(both, "rollouts", 0)[0]
    for name in rollouts.__slots__:
        assert getattr(rollouts, name).equal(other[f"rollouts.{name}"]), "both processes know all rollouts"
    assert rollouts.lengths.equal(batch["completion_mask"].sum(dim=1))
    assert rollouts.prompt_lengths.equal(batch["prompt_mask"].sum(dim=1))
    assert rollouts.advantages.equal(batch["advantages"])
    assert rollouts.group.tolist() == sorted(rollouts.group.tolist())
    assert rollouts.task.tolist() == [task for task in range(3) for _ in range(16)]


def test_processes_sample_by_themselves(both):
    """Each has its own state of the generator: else they would give the same noise to their prompts."""
    first, second = (left(both, "rollouts", rank)[0] for rank in (0, 1))
    pairs = zip(first["batch.completion_ids"][:, 0], second["batch.completion_ids"][:, 0], strict=True)
    assert sum(bool(a != b) for a, b in pairs) > 6


def test_two_processes_take_the_gradients_of_one_on_the_same_rollouts(both, scenarios, tmp_path):
    """Micro-batches of 3 that never cross a group's half; rows, Gramian, cross products and losses agree."""
    batch, rollouts = merged(both)
    trainer = scenarios.grpo_trainer(tmp_path)
    step = trainer.balanced_step
    groups = grouped(batch, rollouts, rollouts.advantages, 1024)
    losses = step.accumulate(groups, trainer.loss_of)
    gramian = step.gradients.gramian()
    assert (gramian.diagonal() > 0).sum() > 1, "there must be something to compare"
    for rank in (0, 1):
        found, facts = left(both, "rollouts", rank)
        assert (found["rows"] - step.gradients.rows).norm() <= 3e-6 * step.gradients.rows.norm()
        torch.testing.assert_close(found["gramian"], gramian, rtol=1e-5, atol=1e-8)
        torch.testing.assert_close(found["cross_gramian"], step.gradients.cross_gramian(gramian), rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(found["losses"], losses, rtol=1e-4, atol=1e-7)
        assert facts["first_shares"] == [group.first_share for group in groups], "halves are split the same way"
        assert facts["ledger"]["rollouts"] == facts["ledger"]["forward_passes"] == 48, "counts are global"
        assert facts["ledger"]["trained_tokens"] == int(rollouts.lengths.sum())
    own = [left(both, "rollouts", rank)[1]["halves"] for rank in (0, 1)]
    alone = [[sum(len(m.data["completion_ids"]) for m in half) for half in group.halves] for group in groups]
    assert [[a + b for a, b in zip(*halves, strict=True)] for halves in zip(*own, strict=True)] == alone


@pytest.mark.parametrize("name", ["grpo", "uneven"])
def test_grpo_keeps_both_processes_the_same(both, name):
    """Uneven: 3 prompts a task make halves of which a process has nothing; then they differ in their passes."""
    (first, record), (second, _) = left(both, name, 0), left(both, name, 1)
    assert first
    assert all(first[parameter].equal(second[parameter]) for parameter in first)
    prompts = record["ledger"]["prompts"]
    assert prompts == 24
    assert record["ledger"]["rollouts"] == record["ledger"]["backward_passes"] == 4 * prompts
    assert record["ledger"]["trained_tokens"] == record["ledger"]["sampled_tokens"]


def test_a_budget_in_seconds_stops_both(both):
    record = left(both, "clock", 0)[1]
    assert (record["status"], record["ledger"]["steps"]) == ("over_budget", 1)
    assert left(both, "agreement", 0)[1]["stop"] == "too late"
    assert left(both, "agreement", 1)[1]["stop"], "what the first process notices, both know"
    assert not any(left(both, "agreement", rank)[1]["go"] for rank in (0, 1))


def test_prompts_that_cannot_be_dealt_are_refused(both):
    for rank in (0, 1):
        assert left(both, "agreement", rank)[1]["prompts"].startswith("5 prompts a step cannot be dealt to 2 processes")


DIES = '''"""Dies: in the second process, in the second step.

Source     nobody
Differs    nothing
Costs      a process
"""

import os
import torch
from torch import Tensor

from methods import LossWeighting, Settings, Signals


class Dies(LossWeighting):
    name = "dies"
    version = 1
    Settings = Settings

    def weights(self, signals: Signals) -> Tensor:
        if signals.step == 1 and os.environ["RANK"] == "1":
            os._exit(7)
        return torch.full((3,), 1 / 3, dtype=torch.float64)
'''


@pytest.mark.slow
def test_the_run_ends_when_a_process_dies(tmp_path):
    """The others wait in a sum for its part; the launcher ends them. No record is written."""
    (tmp_path / "dies.py").write_text(DIES)
    words = ["-m", "bench", "run", f"method={tmp_path / 'dies.py'}", "suite=smoke-v1", "regime=sft"]
    words += ["recipe.validation_rows=64", "evaluation.items=4", f"store={tmp_path / 'store'}"]
    done = subprocess.run([*TORCHRUN, *words], env=environment(), capture_output=True, text=True, timeout=90, cwd=ROOT)
    assert done.returncode == 1
    assert "exitcode  : 7" in done.stderr
    assert list((tmp_path / "store").rglob("*.json")) == []


@pytest.mark.slow
def test_accelerate_launch_starts_two_processes(tmp_path):
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    words = ["method=pcgrad", "suite=smoke-v1", "recipe.steps=2", "evaluation.items=4", f"store={tmp_path}"]
    command = [*launch, "-m", "bench", "run", *words]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=200, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    (path,) = tmp_path.rglob("0.json")
    assert json.loads(path.read_text())["provenance"]["processes"] == 2
    assert done.stdout.count("Mean gain") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("method=pcgrad",), "cannot sample rollouts"),
        (("method=graddrop", "regime=sft"), "graddrop needs whole gradients"),
        (("method=pcgrad", "wrapper=samo", "regime=sft"), "samo needs whole gradients"),
        (("method=forkmerge", "regime=sft"), "forkmerge needs whole gradients"),
        (("method=pcgrad", "regime=sft", "lora.r=2", "dtype=bf16"), "one dtype"),
    ],
)
def test_what_shards_cannot_do_is_refused_before_a_model_is_loaded(tmp_path, words, said):
    with pytest.raises(UserError, match=said):
        prepare(parse_request(["suite=smoke-v1", "shard=true", f"store={tmp_path}", *words]))


def test_shards_need_several_processes():
    model, _ = load_model(load_suite("smoke-v1"))
    with pytest.raises(UserError, match="shard=true needs several processes"):
        place(model, shard=True)


def test_one_process_is_a_world_of_one_and_uses_one_accelerator(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join().size == 1
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match="2 accelerators are visible to one process"):
        join()
