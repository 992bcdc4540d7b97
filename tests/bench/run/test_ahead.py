"""Whether a command that runs will train is found out before it looks at its words, in a child that is gone then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records.store import read, record_files
from bench.run.ahead import will_train

SMOKE = ["suite=smoke-v1", "recipe.steps=1", "evaluation.items=4"]
FORKED = """
import sys
from bench.run import ahead
ahead.fork_ahead(sys.argv[1:])
held = "bench.training.confined.client" in sys.modules and sys.modules["bench.training.confined.client"].KEPT.control
print(held is not None and held is not False, "torch" in sys.modules, "bench.run.session" in sys.modules)
"""


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["method=pcgrad"], True),
        (["method=uniform", "--json"], True),
        (["method=mgs"], True),
        (["method=single_task"], True),
        (["method=uniform", "wrapper=cr_mogm"], True),
        (["method=torchjd/UPGrad"], False),
        (["method=uniform", "dry_run=true"], False),
        (["method=uniform", "--help"], False),
        (["method=uniform", "recipe.threads=2"], False),
    ],
)
def test_it_is_for_runs_whose_method_will_be_confined(tmp_path, words, answer) -> None:
    assert will_train([*SMOKE, f"store={tmp_path}", *words]) is answer


def test_a_finished_run_is_not_made(tmp_path) -> None:
    words = ["suite=smoke-v1", f"store={tmp_path}", "method=uniform"]
    assert will_train(words)
    (tmp_path / "smoke-v1" / "uniform").mkdir(parents=True)
    (tmp_path / "smoke-v1" / "uniform" / "0.json").write_text("{}")
    assert not will_train(words)


@pytest.mark.parametrize("word", ["method=pcgard", "tasks=arithmetik", "seed=999"])
def test_what_is_misused_is_told_by_the_command(word: str) -> None:
    with pytest.raises(UserError):
        will_train([*({"method=uniform", word} if "method" not in word else {word})])


@pytest.mark.parametrize(("method", "held"), [("pcgrad", "True True False"), ("pcgard", "False False False")])
def test_the_server_is_there_before_anything_of_a_run_is(tmp_path: Path, method: str, held: str) -> None:
    """And torch is not loaded for words that are misused."""
    words = [sys.executable, "-c", FORKED, *SMOKE, f"store={tmp_path}", f"method={method}"]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ}, check=True)
    assert done.stdout.split("\n")[0] == held


NOSY = '''"""Made up: it looks for what it must not know, and fails the run if it finds anything.

Source     a test
Differs    nothing
Costs      nothing
"""

import gc
import sys

import torch
from bench.errors import RunFailed
from methods import LossWeighting


class Nosy(LossWeighting):
    name = "nosy"
    version = 1

    def weights(self, signals):
        held = [*gc.get_objects(), sys.argv, sys.orig_argv]
        frame = sys._getframe().f_back
        while frame:
            held += [frame.f_locals, [*frame.f_locals.values()]]
            frame = frame.f_back
        texts = []
        for each in held:
            if type(each) in (list, tuple, set):
                texts += [part[::-1] for part in each if type(part) is str]
            elif type(each) is dict:
                texts += [part[::-1] for part in each.values() if type(part) is str]
        # backwards, so that these lines themselves are not what is found
        found = sorted(text for text in texts if text in ("1v-ekoms", "noitcudni", "0=dees") or "smeti.n" in text)
        if found:
            raise RunFailed(f"found {found}")
        return torch.full((3,), 1 / 3, dtype=torch.float64)
'''


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "sweep"])
def test_a_method_finds_neither_suite_nor_words_in_its_process(tmp_path: Path, command: str) -> None:
    """Its server was forked from the command, or from the server that forks a sweep's runs."""
    (tmp_path / "nosy.py").write_text(NOSY)
    words = [f"method={tmp_path / 'nosy.py'}", "suite=smoke-v1", "evaluation.items=4", f"store={tmp_path / 'store'}"]
    seed = ["seed=0"] if command == "run" else ["seed=0,1"]
    subprocess.run([sys.executable, "-m", "bench", command, *words, *seed], check=True, stdin=subprocess.DEVNULL)
    records = [read(path) for path in record_files(tmp_path / "store")]
    assert len(records) == (1 if command == "run" else 2)
    assert {(record.status, record.provenance.isolation) for record in records} == {("done", "confined")}
