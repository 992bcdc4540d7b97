"""`bench evaluate`: any checkpoint on the held-out items of a suite, as a run's model is measured."""

from pathlib import Path

from bench.evaluation.rewards import evaluate
from bench.models.base import load_model
from bench.models.devices import place
from bench.models.files import adapter_base, model_digest
from bench.models.kept import with_kept_adapter
from bench.records.schema import Score
from bench.request.request import Request, surroundings
from bench.request.suite import Lora
from bench.run.fits import check_fits
from bench.run.mixture import Mixture
from tasks._registry import tasks_of


def scored(model_name: str, request: Request) -> dict[str, Score]:
    """Scores of a checkpoint by task: a folder, an adapter's folder, an embedded model or the id of a hub.

    request: says suite and data; its method plays no part. UserError if the model or data is missing, or does not fit.
    """
    import torch

    surroundings(request)
    base = adapter_base(Path(model_name).expanduser())
    name, revision = base or (model_name, None)
    suite = request.suite.model_copy(update={"model": name, "revision": revision, "lora": Lora()})
    torch.set_num_threads(suite.recipe.threads)

    model_digest(name, revision)  # UserError where there is no such model
    model, tokenizer = load_model(suite)
    if base:
        model = with_kept_adapter(model, Path(model_name).expanduser())

    tasks = tasks_of(suite)
    most = suite.evaluation.skip + suite.evaluation.items
    heldout = [task.rows("heldout", most)[suite.evaluation.skip :] for task in tasks]
    check_fits(model, tokenizer, Mixture(tasks, [()] * len(tasks), heldout, [], ""), suite)
    place(model, False)
    return evaluate(model, tokenizer, tasks, suite.sampling)
