"""The server of confined methods, forked from a command that will train, before the command looks at what it was asked.

A server that is started as a program of its own loads torch once more, which is a twentieth of a nano run. A fork costs
nothing, but must hold nothing of the run. So a child of this process finds out whether the run has to be made.
"""

import os
import sys
from collections.abc import Sequence

from bench.errors import UserError
from bench.request.request import parse_request
from bench.run.address import path_in_store
from bench.run.choices import folder_of
from bench.run.prepare import checked_methods
from tasks._jail.lock import Lock

YES = 10
"""How the child says that a run has to be made."""


def fork_ahead(words: Sequence[str]) -> None:
    """Load torch and fork the server, if `bench run` with these words trains a method that will be confined.

    A process that has loaded torch already may hold anything, and forks nothing.
    """
    if sys.platform != "linux" or "torch" in sys.modules or "seccomp" not in Lock(frozenset()).offered():
        return

    child = os.fork()
    if child == 0:
        code = 0
        try:
            code = YES if will_train(words) else 0
        except UserError:
            pass  # it is told by the command itself
        finally:
            os._exit(code)

    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == YES:
        from bench.training.confined.client import fork_server

        fork_server()


def will_train(words: Sequence[str]) -> bool:
    """Whether these words ask for a run that is not there yet, of a method that can be confined. UserError."""
    if any(word.startswith("-") and word != "--json" for word in words):
        return False

    request = parse_request([word for word in words if word != "--json"])
    suite = request.suite
    if request.dry_run or suite.recipe.threads != 1 or suite.rollout == "vllm":
        return False

    method, wrapper = checked_methods(request)
    confined = not any(each.card.variant for each in (method, wrapper) if each)
    there = path_in_store(request, folder_of(method, wrapper, tuned=request.tuning is not None)).exists()
    return confined and not there
