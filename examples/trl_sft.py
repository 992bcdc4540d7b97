"""SFT with TRL on two tasks, balanced by the slower task's loss, with adapters.

python examples/trl_sft.py --method dwa --steps 20
"""

import argparse
import random
from pathlib import Path

from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig

from bench.trainers import BalancedSFTTrainer

MODEL = Path(__file__).parents[1] / "assets" / "nano2"


def data(count: int = 256) -> Dataset:
    """Sums and reversed words with their answers; three rows of four are sums."""
    draw = random.Random(0)  # noqa: S311 - an example's data, no secret
    rows = []
    for number in range(count):
        one, two = draw.randrange(50), draw.randrange(50)
        word = "".join(draw.choices("abcdef", k=3))
        if number % 4:
            rows.append({"kind": "sum", "prompt": f"{one}+{two}=", "completion": str(one + two)})
        else:
            rows.append({"kind": "reverse", "prompt": f"reverse {word}:", "completion": word[::-1]})
    return Dataset.from_list(rows)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--method", default="dwa")
    words.add_argument("--steps", type=int, default=20)
    words.add_argument("--output", default="out/sft")
    given = words.parse_args()

    trainer = BalancedSFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(MODEL),
        processing_class=PreTrainedTokenizerFast.from_pretrained(MODEL),
        train_dataset=data(),
        task_column="kind",
        method=given.method,
        wrapper="cr_mogm",
        wrapper_settings={"alpha": 0.8},
        peft_config=LoraConfig(r=4, task_type="CAUSAL_LM"),
        args=SFTConfig(
            output_dir=given.output,
            max_steps=given.steps,
            per_device_train_batch_size=16,
            logging_steps=1,
            report_to="none",
            bf16=False,
        ),
    )
    trainer.train()


if __name__ == "__main__":
    main()
