"""Ours in several processes: what TRL's own trainers make of the same steps under DDP."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


@pytest.mark.slow
def test_two_processes_end_where_trls_do(tmp_path: Path) -> None:
    places = {"PYTHONPATH": str(HERE.parents[3]), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [*TORCHRUN, str(HERE / "two_scripts.py"), str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, **places}, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-4000:]

    (found, first), (_, second) = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert max(found[name] for name in ("grpo", "several", "sft")) < 1e-5
    assert found["method"] > 0
    assert first == second, "both processes hold the same parameters"
