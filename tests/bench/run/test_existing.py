"""What a store holds already is found without the training stack, which takes seconds to load."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.request.request import parse_request
from bench.run.existing import CHECKPOINTS, finished
from bench.run.prepare import prepare
from bench.training.checkpoint.keeper import FOLDER


def test_the_folder_of_checkpoints_is_the_one_that_training_writes():
    assert CHECKPOINTS == FOLDER


@pytest.mark.parametrize("words", [["seed=99"], ["recipe.stops=3"], ["method.c=1"], []], ids=" ".join)
def test_a_usage_error_and_a_finished_run_are_answered_without_torch(tmp_path: Path, make_record, save, words):
    """In a fresh interpreter."""
    asked = ["suite=smoke-v1", "method=uniform", f"store={tmp_path}", *words]
    if not words:
        prepared = prepare(parse_request(asked))
        save(tmp_path, make_record(suite="smoke-v1").model_copy(update={"identity": prepared.identity}))
        assert finished(prepared)
    code = (
        "import sys; from bench.request.request import parse_request; from bench.run.story import run\n"
        "from bench.errors import UserError\n"
        f"try: print(run(parse_request({asked!r}), None).fresh)\n"
        "except UserError as error: print('refused')\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused" if words else "False", "False"]
