"""GRPO with TRL on two tasks, balanced: sums that are easy to check, on the model that comes with the project.

    python examples/trl_grpo.py --method norm_equalised --steps 20

With a model and data of your own: `model` is what TRL takes, and every row of the data names its task.
"""

import argparse
import random
from pathlib import Path

from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig

from bench.trainers import BalancedGRPOTrainer

MODEL = Path(__file__).parents[1] / "assets" / "nano2"


def data(count: int = 256) -> Dataset:
    """Sums and reversed words, a row each."""
    draw = random.Random(0)  # noqa: S311 - an example's data, no secret
    rows = []
    for _ in range(count // 2):
        one, two = draw.randrange(50), draw.randrange(50)
        rows.append({"task": "sum", "prompt": f"{one}+{two}=", "answer": str(one + two)})
        word = "".join(draw.choices("abcdef", k=3))
        rows.append({"task": "reverse", "prompt": f"reverse {word}:", "answer": word[::-1]})
    return Dataset.from_list(rows)


def correct(completions: list[str], answer: list[str], **_: object) -> list[float]:
    """1 for a reply that begins with the answer, or what of it is right so far."""
    return [
        sum(given == wanted for given, wanted in zip(text.strip(), right, strict=False)) / len(right)
        for text, right in zip(completions, answer, strict=True)
    ]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--method", default="norm_equalised")
    words.add_argument("--steps", type=int, default=20)
    words.add_argument("--output", default="out/grpo")
    given = words.parse_args()

    trainer = BalancedGRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(MODEL),
        processing_class=PreTrainedTokenizerFast.from_pretrained(MODEL),
        reward_funcs=correct,
        train_dataset=data(),
        method=given.method,
        args=GRPOConfig(
            output_dir=given.output,
            max_steps=given.steps,
            learning_rate=1e-4,
            per_device_train_batch_size=32,
            num_generations=8,
            max_completion_length=6,
            logging_steps=1,
            report_to="none",
            bf16=False,
        ),
    )
    trainer.train()


if __name__ == "__main__":
    main()
