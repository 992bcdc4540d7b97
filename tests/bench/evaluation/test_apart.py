"""A forked process that scores: it answers, loads parameters, passes refusals on, and ends with its parent."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.errors import UserError
from bench.evaluation.apart import Apart

HELD = {"value": 1}


def answer(given: Any) -> Any:
    if given == "refuse":
        raise UserError("there are no such rows.")
    return [given, HELD["value"], os.getpid()]


def die(_: Any) -> None:
    os._exit(3)


def load(parameters: Tensor) -> str:
    HELD["sum"] = parameters.sum().item()
    return f"{HELD['sum']}"


@pytest.fixture
def apart() -> Apart:
    HELD["value"] = 1
    return Apart({"say": answer, "die": die}, load)


def test_it_holds_what_was_there_when_it_was_forked(apart: Apart) -> None:
    HELD["value"] = 2
    said, value, process = apart.ask("say", {"items": [1, None, 0.1]})
    assert (said, value) == ({"items": [1, None, 0.1]}, 1)
    assert process != os.getpid()


@pytest.mark.parametrize("size", [1, 2, 100_003])
def test_parameters_cross_bit_by_bit(apart: Apart, size: int) -> None:
    torch.manual_seed(0)
    given = torch.randn(size)
    assert apart.load(given) == f"{given.sum().item()}"
    assert apart.ask("say", 1)[0] == 1


def test_parameters_in_bfloat16_cross_without_loss(apart: Apart) -> None:
    torch.manual_seed(0)
    given = torch.randn(1001).bfloat16()
    assert apart.load(given) == f"{given.float().sum().item()}"


def test_a_refusal_is_the_askers(apart: Apart) -> None:
    with pytest.raises(UserError, match=r"there are no such rows\."):
        apart.ask("say", "refuse")
    assert apart.ask("say", 2)[0] == 2


def test_a_process_that_is_ended_is_named(apart: Apart) -> None:
    with pytest.raises(UserError, match=r"was ended, as by a lack of memory\. Run the same command again"):
        apart.ask("die")
    with pytest.raises(UserError, match="was ended"):
        apart.load(torch.zeros(1 << 20))


def test_it_ends_with_its_owner(apart: Apart) -> None:
    process = apart.ask("say")[2]
    apart.close()
    apart.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_it_ends_when_its_parent_is_killed() -> None:
    read, write = os.pipe()
    if (parent := os.fork()) == 0:
        child = Apart({"say": answer}, load).ask("say")[2]
        os.write(write, str(child).encode())
        os.kill(os.getpid(), 9)
    child = int(os.read(read, 20))
    os.waitpid(parent, 0)

    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.01)
    pytest.fail("it outlives its parent")
