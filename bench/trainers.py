"""TRL's trainers with any method of this project, for your own training script.

Import them with `from bench.trainers import BalancedGRPOTrainer`; docs/trainers.md explains the arguments.
"""

from bench.training.trl.script_grpo import BalancedGRPOTrainer
from bench.training.trl.script_sft import BalancedSFTTrainer

__all__ = ["BalancedGRPOTrainer", "BalancedSFTTrainer"]
