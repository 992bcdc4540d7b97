"""Before training: do the prompts fit the model, and can it be sampled from?"""

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.models.limits import check_cache, check_prompt, suspects
from bench.models.prompts import encoded
from bench.request.suite import Suite
from bench.run.mixture import Mixture


def check_fits(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, mixture: Mixture, suite: Suite) -> None:
    """UserError for a prompt that is too long for the model, or a model whose cache cannot be copied.

    Rotary models read on beyond the positions that they were trained on, silently and badly; learned positions end in
    an IndexError. Both are refused.
    """
    config = model.config.get_text_config().to_dict()
    if suite.rollout == "transformers":
        check_cache(config, suite.model)

    most = suite.recipe.max_reply_tokens
    template = len(encoded(tokenizer, ""))
    for task, rows, heldout in zip(mixture.tasks, mixture.rows, mixture.heldout, strict=True):
        prompts = (row.prompt for row in (*rows, *heldout))
        lengths = [len(encoded(tokenizer, prompt)) for prompt in suspects(prompts, most, template, config)]
        check_prompt(max(lengths, default=0), task.name, most, config, suite.model)
