"""What a method's code tries in its confined process: it is refused, or it changes nothing outside.

Each attack returns weights of 1 if it found or changed what it was after, inside its own process at least, and of 0 if
it was refused. `OUTSIDE` is what must be as before whatever happens inside.
"""

import os
import select
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from bench.engine.ledger import RunningLedger
from bench.errors import RunFailed, UserError
from bench.training.answers import direction_of, weights_of
from bench.training.confined.proxy import Host
from bench.training.confined.source import source_of
from methods import Layout, Settings, Weighting
from methods._battery.inputs import signals_of
from methods._cards import read_cards
from tasks._registry import get_task
from tests.bench.training.confined.conftest import FILE, RUN

SIGNALS = signals_of(torch.eye(3, dtype=torch.float64))
ROOT = Path(__file__).parents[4]
TRIED = """
try:
{attack}
except (OSError, ImportError, RuntimeError, MemoryError, ValueError, AttributeError):
    won = False
return torch.full((3,), float(won)).double()
"""
REFUSED = {
    "read a suite": f"won = bool(open({str(ROOT / 'suites' / 'smoke-v1.yaml')!r}).read())",
    "read a task's rows": f"won = bool(open({str(ROOT / 'tasks' / 'math' / 'arithmetic.py')!r}).read())",
    "read its own file": f"won = bool(open({str(ROOT / 'methods' / 'pcgrad.py')!r}).read())",
    "read the process list": "won = bool(os.listdir('/proc'))",
    "plant a file in results": f"open({str(ROOT / 'results' / 'planted.json')!r}, 'w').write('x'); won = True",
    "plant a file in a temporary folder": "open('/tmp/planted', 'w').write('x'); won = True",
    "remove a file": f"os.remove({str(ROOT / 'suites' / 'smoke-v1.yaml')!r}); won = True",
    "call home": "won = bool(socket.socket())",
    "find the tasks": "import tasks._registry; won = bool(tasks._registry.get_task('lookup'))",
    "load the harness": "import bench.run.session; won = True",
    "import what was not sent": "__import__('methods.pcgrad'); won = True",
    "start a program": "won = subprocess.run(['/bin/true']).returncode == 0",
    "fork": "won = os.fork() >= 0",
    "signal the run": f"os.kill({os.getpid()}, 0); won = True",
    "look into the run's memory": f"won = bool(open('/proc/{os.getpid()}/mem', 'rb').read(1))",
    "look at the run's command": f"won = bool(open('/proc/{os.getpid()}/cmdline').read())",
    "four gigabytes": "won = len(bytearray(2 ** 32)) > 0",
    "a thread": "import threading; threading.Thread(target=print).start(); won = True",
    "open by a raw call": "won = ctypes.CDLL(None).open(b'/etc/passwd', 0) >= 0",
    "a socket by a raw call": "won = ctypes.CDLL(None).socket(2, 1, 0) >= 0",
    "executable memory": "import mmap; won = bool(mmap.mmap(-1, 4096, prot=7))",
    "write to other descriptors": """
won = False
for place in range(4, 1024):
    try:
        won = os.write(place, b'x') > 0 or won
    except OSError:
        pass
""",
    "the environment": "won = bool(os.environ)",
    "the command line": f"won = any('pytest' in word or {str(ROOT)!r} in word for word in sys.argv)",
    "names of tasks": """
held = [each for each in gc.get_objects() if isinstance(each, (dict, list, tuple, set))]
flat = [part for each in held for part in (each.values() if isinstance(each, dict) else each)]
won = bool({'countdown', 'lookup', 'induction', 'smoke-v1', 'nano-v2'} & {part for part in flat if type(part) is str})
""",
    "the ledger, probe, model and tasks": """
names = {'RunningLedger', 'Probe', 'Session', 'Prepared', 'Row', 'Suite', 'PromptStream', 'Qwen2ForCausalLM'}
won = any(type(each).__name__ in names for each in gc.get_objects())
""",
    "frames of a run": """
frame, won = sys._getframe(), False
while frame:
    won = won or 'story.py' in frame.f_code.co_filename or 'pytest' in frame.f_code.co_filename
    frame = frame.f_back
""",
}
OUTSIDE = {
    "patch the optimizer": "torch.optim.AdamW.step = lambda *given: None; won = True",
    "patch tensors": "torch.Tensor.backward = lambda *given: None; won = True",
    "change what a method is": "import methods._base; methods._base.Weighting.combine_weights = None; won = True",
    "draw from the global generator": "torch.manual_seed(7); torch.randn(3); won = True",
    "change the number of threads": "torch.set_num_threads(1); torch.set_default_dtype(torch.float16); won = True",
}
WRITES = (
    FILE.format(imports="from methods import GradientCombination", body="        return signals").replace(
        "(LossWeighting)", "(GradientCombination)"
    )
    + """
    def combine(self, gradients, layout, signals):
        gradients[0] = 7.0
        return gradients.mean(dim=0)
"""
)
IMPORTS = "import ctypes, gc, os, socket, subprocess, sys"


def state() -> list[Any]:
    return [
        torch.optim.AdamW.step,
        torch.Tensor.backward,
        Weighting.combine_weights,
        torch.get_rng_state().tolist(),
        torch.get_default_dtype(),
        type(get_task("lookup")).verify,
        RunningLedger.charge,
        sorted(path.name for path in (ROOT / "results").iterdir()),
        Path("/tmp/planted").exists(),
    ]


def tried(attack: str) -> str:
    return TRIED.format(attack="\n".join(f"    {line}" for line in attack.strip("\n").splitlines()))


@pytest.mark.parametrize("attack", REFUSED)
def test_it_is_refused(confine, attack: str) -> None:
    before = state()
    answer = weights_of(confine(tried(REFUSED[attack]), IMPORTS), SIGNALS)
    assert answer.tolist() == [0, 0, 0]
    assert state() == before


@pytest.mark.parametrize("attack", OUTSIDE)
def test_it_stays_inside(confine, attack: str) -> None:
    before = state()
    answer = weights_of(confine(tried(OUTSIDE[attack]), IMPORTS), SIGNALS)
    assert answer.tolist() == [1, 1, 1]
    assert state() == before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('lost')", r"method 'made_up' raised an error: line \d+, ValueError: lost\."),
        ("while True: pass", r"method 'made_up' gave no answer in 1 seconds\."),
        ("os._exit(0)", r"method 'made_up' ended the process that it runs in\."),
        ("ctypes.string_at(0)", r"method 'made_up' ended the process that it runs in\."),
        ("os.close(3)", r"method 'made_up' ended the process that it runs in\."),
        ("os.write(3, b'x' * 100)", r"method 'made_up' sent what is no answer"),
        ("os.write(3, b'\\xff' * 8)", r"method 'made_up' sent what is no answer"),
        ("os.write(3, b'\\x02\\0\\0\\0\\0\\0\\0\\0[]')", r"method 'made_up' sent what is no answer"),
        ("return 1.0", r"step 1: method 'made_up' returned weights of type float; a tensor is allowed"),
        ("return type('a b', (), {})()", r"returned weights of type a b; a tensor is allowed"),
        ("return torch.eye(3).to_sparse()", r"returned weights of type torch.sparse_coo float32; a tensor is allowed"),
        ("return torch.nn.Parameter(torch.ones(3))", r"may not touch parameters"),
        ("return torch.full((3,), float('nan')).double()", r"with 3 values that are not finite"),
        ("return torch.zeros(2 ** 25)", r"method 'made_up'"),
    ],
)
def test_what_is_no_answer_fails_the_run_and_names_the_method(confine, body: str, said: str) -> None:
    method = confine(body, IMPORTS, patience=1.0 if "while" in body else 60.0)
    with pytest.raises(RunFailed, match=said):
        weights_of(method, SIGNALS)


def test_a_silent_process_is_ended_and_no_other(confine) -> None:
    silent: Any = confine("while True: pass", patience=1.0)
    other = confine("return torch.full((3,), 1 / 3).double()")
    watch = select.poll()
    watch.register(os.dup(silent.line._process), select.POLLIN)
    assert watch.poll(0) == []
    with pytest.raises(RunFailed):
        weights_of(silent, SIGNALS)
    assert watch.poll(10_000)
    assert weights_of(other, SIGNALS).sum().item() == pytest.approx(1)


def test_a_process_ends_with_its_method(confine) -> None:
    method: Any = confine("return torch.ones(3)")
    watch = select.poll()
    watch.register(os.dup(method.line._process), select.POLLIN)
    del method
    assert watch.poll(10_000)


def test_a_method_that_writes_to_the_gradients_it_reads_fails_as_it_does_in_process(tmp_path) -> None:
    """And the run's own gradients are as they were."""
    path = tmp_path / "made_up.py"
    path.write_text(WRITES)
    (card,) = read_cards(path)
    rows = torch.eye(3)
    method = Host(card, source_of(card), shared=rows.nbytes).start(Settings(), Generator().manual_seed(0), RUN)
    with pytest.raises(
        RunFailed, match="step 1: method 'made_up' changed the task gradients it was given; it may read"
    ):
        direction_of(method, rows, Layout(("a",), (3,), ((3,),)), SIGNALS)
    assert rows.equal(torch.eye(3))


@pytest.mark.parametrize("line", ["raise ValueError('no')", "import tasks.math", "os._exit(3)", "def broken(:"])
def test_a_file_that_cannot_be_imported_is_named(confine, line: str) -> None:
    with pytest.raises(UserError, match=r"made_up\.py: "):
        confine("return torch.ones(3)", f"import os\n{line}")
