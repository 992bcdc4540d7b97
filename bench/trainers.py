"""TRL's trainers with any method of this project, for a script of one's own: docs/trainers.md.

from bench.trainers import BalancedGRPOTrainer
"""

from bench.training.trl.script_grpo import BalancedGRPOTrainer
from bench.training.trl.script_sft import BalancedSFTTrainer

__all__ = ["BalancedGRPOTrainer", "BalancedSFTTrainer"]
