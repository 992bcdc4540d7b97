"""A process with torch and the contract, and nothing of a run, that forks a child for every descriptor it is sent.

It is started as a program of its own, or forked from one that has loaded torch and no run (`bench.sweeps.fork_server`).
It ends when nobody holds the other end of its socket.
"""

import gc
import os
import signal
import socket
import sys
from typing import NoReturn

import numpy
import torch

from bench.training.confined.child import live
from tasks._jail.lock import LAYERS, Lock


def serve(control: socket.socket) -> NoReturn:
    """Fork children until nobody can ask for one."""
    warm_up()
    prepare()
    lock = Lock(frozenset(LAYERS))
    lock.settle()
    gc.collect()
    gc.freeze()  # a child that counted references of what it shares would copy its pages

    server = os.getpid()
    while True:
        asked, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not asked:
            os._exit(0)
        for descriptor in descriptors:
            if os.fork() == 0:
                live(lock, server, socket.socket(fileno=descriptor))
            os.close(descriptor)


def warm_up() -> None:
    """Have torch find out what this processor can do: it reads that from files, and computes otherwise without them."""
    torch.set_num_threads(1)
    torch.backends.cpu.get_cpu_capability()
    square = torch.eye(3, dtype=torch.float64) + torch.arange(9, dtype=torch.float64).reshape(3, 3) / 100
    (square @ square).exp().log().softmax(dim=0)
    torch.linalg.inv(square)
    torch.linalg.svd(square)
    numpy.linalg.svd(square.numpy())


def prepare() -> None:
    """Have nothing that a child should not: no environment, no terminal, no signals of it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children leave nothing behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    sys.argv[:] = sys.orig_argv[:] = ["confined"]
    os.environ.clear()
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
