"""Runs on a Ray cluster: one task a run, its record sent back to the driver, which alone writes to the store.

Nodes need the harness and its packages, and no shared disk. Within its task a run has a process of its own, so
that a crash of it is a result and not the loss of a Ray worker.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.errors import UserError
from bench.records.store import read, record_files, write
from bench.sweeps.local import log_of
from bench.sweeps.process import BENCH_RUN, Ended, Process
from bench.sweeps.runs import Run
from bench.sweeps.words import Options

POLL = 0.2
"""Seconds between two looks at a run, on its node."""
REFRESH = 2.0
"""Seconds between two looks at the size of the cluster."""
LOG_BYTES = 64 * 1024
"""Most of a log that is sent back, from its end."""
INSTALL = "Install it with `pip install ray`, or from a checkout with `pip install -c constraints.txt -e '.[cluster]'`."


class RayBackend:
    """A Ray cluster, or a Ray of this machine."""

    claims_runs = True

    def __init__(self, options: Options, retries: int, command: Sequence[str] = BENCH_RUN) -> None:
        """Connect. retries: on nodes that are lost. UserError without ray, a cluster, or a node of enough size."""
        self._ray = connect(options.ray_address)
        self._options = options
        self._looked = float("-inf")
        self._slots = 1
        self._fits()
        needs = {"num_cpus": options.ray_cpus, "num_gpus": options.ray_gpus}
        self._task = self._ray.remote(**needs, max_retries=retries)(run_on_node)
        # this interpreter's path means nothing on a node
        self._command = None if tuple(command) == BENCH_RUN else tuple(command)

    def slots(self) -> int:
        """Runs handed to the cluster at once: `workers`, else what its nodes hold as they are."""
        if self._options.workers:
            return self._options.workers
        if time.monotonic() - self._looked > REFRESH:
            self._looked = time.monotonic()
            self._slots = max(1, sum(self._room(node) for node in self._nodes()))
        return self._slots

    def start(self, run: Run) -> "RayJob":
        """Hand a run to the cluster."""
        words = [word for word in run.words if not word.startswith("store=")]
        return RayJob(self._ray, run, self._task.remote(words, self._command, self._options.timeout, run.threads))

    def close(self) -> None:
        """Leave the cluster; a Ray of this machine that was started for the sweep ends."""
        self._ray.shutdown()

    def _nodes(self) -> list[dict[str, float]]:
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def _room(self, node: dict[str, float]) -> int:
        """Runs that fit on a node."""
        needs = {"CPU": self._options.ray_cpus, "GPU": self._options.ray_gpus}
        return min(int(node.get(name, 0) // need) for name, need in needs.items() if need) if any(needs.values()) else 1

    def _fits(self) -> None:
        """UserError if a run fits on no node."""
        if not self._options.workers and not any(map(self._room, self._nodes())):
            self.close()
            raise UserError(
                f"no node of the cluster has the {self._options.ray_cpus:g} CPUs and {self._options.ray_gpus:g} GPUs "
                "of one run. Ask for fewer with ray.cpus= and ray.gpus=; if the cluster is yet to grow, say workers=N."
            )


class RayJob:
    """A run on the cluster."""

    def __init__(self, ray: Any, run: Run, reference: Any) -> None:
        self._ray = ray
        self._run = run
        self._reference = reference
        self._started = time.monotonic()
        self._killed = False

    def poll(self) -> Ended | None:
        """How it ended, or None; its log and its record are then in the store."""
        if self._killed:
            return Ended(1, time.monotonic() - self._started, trouble="killed")
        if not self._ray.wait([self._reference], timeout=0)[0]:
            return None

        try:
            answer, log = self._ray.get(self._reference)
            ended = Ended(**answer)
        except self._ray.exceptions.RayError as error:
            lost = f"lost on the cluster: {type(error).__name__}, {_first_line(error)}"
            return Ended(1, time.monotonic() - self._started, trouble=lost)

        return self._kept(ended, log)

    def progress(self) -> str:
        """Where it is."""
        return "on the cluster"

    def interrupt(self) -> None:
        """Cancel it; its task ends the process."""
        self._ray.cancel(self._reference, force=False)

    def kill(self) -> None:
        """Cancel it without waiting; the death of the task's worker ends the process."""
        self._ray.cancel(self._reference, force=True)
        self._killed = True

    def _kept(self, ended: Ended, log: str) -> Ended:
        """Write the log and the record to the store, if it is a record of this run."""
        write(log_of(self._run), log)
        if ended.record is None:
            return ended

        draft = log_of(self._run).with_suffix(".json")
        try:
            write(draft, ended.record)
            if read(draft).identity != self._run.identity:
                trouble = (
                    "the node's record is of another identity: its harness, tasks or model are not those of this "
                    "machine; install the same revision on all nodes"
                )
                return Ended(ended.code, ended.seconds, trouble=trouble)
            write(self._run.path, ended.record)
        except UserError as error:
            return Ended(ended.code, ended.seconds, trouble=str(error))
        finally:
            draft.unlink(missing_ok=True)

        return ended


def run_on_node(
    words: Sequence[str], command: Sequence[str] | None, timeout: float | None, threads: int
) -> tuple[dict[str, Any], str]:
    """One run in a process of the node it is called on, with a store of its own. Returns `Ended` as JSON, and the log.

    words: of `bench run`, without a store; command: what they follow, None: this node's own `bench run`.
    """
    with TemporaryDirectory(prefix="balancebench-") as folder:
        store, log = Path(folder) / "store", Path(folder) / "log.txt"
        process = Process([*(command or BENCH_RUN), *words, f"store={store}"], log, timeout, threads)
        try:
            while (ended := process.poll()) is None:
                time.sleep(POLL)
        finally:
            process.kill()

        texts = [path.read_text("utf-8") for path in record_files(store)]
        text = log.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace")
        answer = asdict(ended) | {"record": texts[0] if texts else None}

        return json.loads(json.dumps(answer)), text


def connect(address: str | None) -> Any:
    """The ray module, connected. UserError says what is missing."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ModuleNotFoundError:
        raise UserError(f"backend=ray needs ray, which is not installed. {INSTALL}") from None

    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        where = f"the Ray cluster at {address}" if address else "Ray"
        raise UserError(f"cannot reach {where}: {_first_line(error)}. Start one with `ray start --head`.") from None

    return ray


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "").rstrip(".")[:300]
