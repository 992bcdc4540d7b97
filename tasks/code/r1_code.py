"""Code-R1 (Liu and Zhang 2025, github.com/ganler/code-r1): contest problems with tests, for reinforcement learning.

Two kinds of rows: programs that read standard input and print (from TACO), and functions or classes with a test
that calls them (from LeetCodeDataset). Written from the published schema: `reward_model.ground_truth` is JSON text,
either {"inputs": [text], "outputs": [text]} or {"functional": code that ends in `check(...)`};
`extra_info.reference` is a right program, `extra_info.prefix`, where given, code that goes before it.
"""

import json
from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub, OffSchema, Row, Shape
from tasks._jail.programs import asks, passes, prints
from tasks._schema import check
from tasks.code._program import ASK, ProgramTask, program_of, unix

CASES = 20
"""Cases of standard input that are run, the first ones."""
LARGEST = 100_000
"""Characters of a case; larger ones are left out."""
IMPORTS = """
import bisect, collections, functools, heapq, itertools, math, operator, random, re, string
from bisect import bisect_left, bisect_right, insort
from collections import Counter, OrderedDict, defaultdict, deque
from functools import cache, lru_cache, reduce
from heapq import heapify, heappop, heappush
from itertools import accumulate, combinations, permutations, product
from math import gcd, inf
from typing import *
"""
"""What contest sites import for a class of the solver's; goes before it."""
STREAMS: Mapping[str, Shape] = {"inputs": [str], "outputs": [str]}
FUNCTIONAL: Mapping[str, Shape] = {"functional": str}


class R1Code(ProgramTask):
    name = "r1_code"
    summary = "Solve a contest problem with a Python program; it must pass all of its tests."
    max_reply_tokens = 2048
    hub = Hub(
        "ganler/code-r1-12k",
        "not pinned: no commit of this set could be confirmed, so its data hash alone tells copies apart",
        {"train": "train", "heldout": "train"},
    )
    licence = "none declared; made from LeetCodeDataset (Apache-2.0) and TACO (Apache-2.0)"
    mirror = {
        "train": ("data/train-*.parquet",),
        "heldout": ("data/train-*.parquet",),
    }
    other_mirror = {"train": ("train.jsonl",), "heldout": ("train.jsonl",)}
    schema = {
        "prompt": [{"role": str, "content": str}],
        "reward_model": {"ground_truth": str},
        "extra_info": Mapping,
    }
    sizes = {"train": 10_901, "heldout": 1_557}
    note = (
        "Read from the published schema and tested on rows written by hand: it was never run on the real file. The "
        f"set has no split of its own that is used here; the prompt's hash makes two. At most {CASES} cases of "
        "standard input are run. Rows without a reference program, and rows whose test needs helpers that it does "
        "not bring, are left out."
    )

    def draft(self, raw: Mapping[str, Any]) -> Draft | None:
        reference = raw["extra_info"].get("reference")
        question = "\n\n".join(message["content"] for message in raw["prompt"] if message["role"] == "user").strip()
        facts = _tests(raw["reward_model"]["ground_truth"], unix(raw["extra_info"].get("prefix") or ""))
        if not isinstance(reference, str) or not reference.strip() or not question or facts is None:
            return None

        code = unix(program_of(reference))
        return Draft(f"{question}\n\n{ASK}", code, {**facts, "code": code})

    def verify(self, reply: str, row: Row) -> float:
        facts = row.facts
        program = program_of(reply, (facts["entry"],) if "entry" in facts else ())

        if "cases" in facts:
            talks = "print" in program or "write" in program
            return float(talks and prints(program, [(given, printed) for given, printed in facts["cases"]]))

        if facts["entry"] not in program:
            return 0.0

        whole = f"{IMPORTS}\n{facts['prefix']}\n{program}"
        given = f"{IMPORTS}\n{facts['prefix']}"
        return float(passes(whole, facts["tests"], given=given, names=(facts["entry"],)))


def _tests(text: str, prefix: str) -> dict[str, Any] | None:
    """The tests of a row as facts, or None if they cannot be run. OffSchema if they are not of the published form."""
    try:
        truth = json.loads(text)
    except (ValueError, RecursionError):
        raise OffSchema("reward_model.ground_truth", "JSON text", text) from None

    if isinstance(truth, dict) and "functional" in truth:
        check(truth, FUNCTIONAL, "reward_model.ground_truth")
        return _functional(unix(truth["functional"]), prefix)

    check(truth, STREAMS, "reward_model.ground_truth")
    pairs = zip(truth["inputs"], truth["outputs"], strict=False)
    cases = [[given, printed] for given, printed in pairs if max(len(given), len(printed)) <= LARGEST]
    return {"cases": cases[:CASES]} if cases else None


def _functional(tests: str, prefix: str) -> dict[str, Any] | None:
    """Facts of a test that calls one class or function of the program; None if it needs more than that."""
    missing = set(asks(f"{IMPORTS}\n{prefix}\n{tests}")[0])
    return {"tests": tests, "prefix": prefix, "entry": missing.pop()} if len(missing) == 1 else None
