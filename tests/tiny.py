"""A checkpoint as the hub has them, made on the spot: random weights, a byte-level tokenizer, a chat template."""

from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM as Causal
from transformers import LlamaConfig, PretrainedConfig, PreTrainedTokenizerFast, Qwen2Config
from transformers.utils.logging import disable_progress_bar

END, TURN, START = "<|endoftext|>", "<|im_end|>", "<|im_start|>"
TEMPLATE = (
    "{%- if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{%- endif %}"
    "{%- for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{%- endif %}"
)
"""In the style of Qwen2.5: a system turn that nobody wrote, turns between marks, the assistant's to begin."""
TEXT = [
    "A train has 12 cars with 48 seats each. How many seats? 12 * 48 = 576 #### 576",
    "def add(a, b):\n    return a + b\nassert add(1, 2) == 3",
    "Which gas do plants take in? A. oxygen B. carbon dioxide C. neon D. helium. Answer: B",
    "f(2)=5,f(3)=7; f(x)=2*x+1; ann is in lima; 12+30=42",
]


@cache
def tokenizer(chat: bool = True, begins: bool = False) -> PreTrainedTokenizerFast:
    """Byte-level BPE; chat: with a template, and turns that end with a token of their own; begins: texts do, too."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = [END, TURN, START, "<s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    if begins:
        from tokenizers.processors import TemplateProcessing

        core.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", core.token_to_id("<s>"))])
    made = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>" if begins else None,
        eos_token=TURN if chat else END,
        pad_token=END,
        additional_special_tokens=[START],
    )
    if chat:
        made.chat_template = TEMPLATE
    return made


def write(
    folder: Path, kind: str = "qwen2", chat: bool = True, begins: bool = False, ends: list[int] | None = None
) -> Path:
    """Save such a checkpoint. kind: qwen2 or llama; ends: tokens that end a reply, as the model declares them."""
    disable_progress_bar()
    words = tokenizer(chat, begins)
    config = _config(kind, len(words), words.eos_token_id)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        model = Causal.from_config(config, dtype=torch.float32)
    if ends:
        model.generation_config.eos_token_id = ends
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def _config(kind: str, size: int, end: int) -> PretrainedConfig:
    made = {"qwen2": Qwen2Config, "llama": LlamaConfig}[kind]
    return made(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=kind == "qwen2",
        eos_token_id=end,
        bos_token_id=None,
        pad_token_id=0,
    )
