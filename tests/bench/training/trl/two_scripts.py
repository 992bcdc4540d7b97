"""What `test_script_processes` runs in two processes at once: `torchrun --nproc_per_node 2 two_scripts.py FOLDER`.

TRL's own trainers under DDP, and ours with nothing balanced; the first process prints how far apart they end.
"""

import json
import os
import sys
from pathlib import Path

from trl import GRPOTrainer, SFTTrainer

from bench.trainers import BalancedGRPOTrainer, BalancedSFTTrainer

sys.path.insert(0, str(Path(__file__).parent))
from scripts import apart, flat, grpo, model, sft, trained


def main(folder: Path) -> None:
    start = flat(model())
    found = {}
    for name, make, kinds, options in (
        ("grpo", grpo, (GRPOTrainer, BalancedGRPOTrainer), {"per_device_train_batch_size": 4}),
        ("several", grpo, (GRPOTrainer, BalancedGRPOTrainer), {"gradient_accumulation_steps": 2, "loss_type": "grpo"}),
        ("sft", sft, (SFTTrainer, BalancedSFTTrainer), {}),
    ):
        ends = [
            trained(make(kind, folder / kind.__name__, **options, ddp_backend="gloo", gradient_checkpointing=False))
            for kind in kinds
        ]
        found[name] = apart(ends[0], ends[1], start)

    balanced = grpo(BalancedGRPOTrainer, folder / "method", {"method": "pcgrad"}, ddp_backend="gloo", max_steps=3)
    found["method"] = float((trained(balanced) - start).norm())
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps([found, flat(balanced.model).sum().item()]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
