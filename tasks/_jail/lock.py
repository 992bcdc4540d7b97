"""What a forked child does to itself before it runs a program: everything it may not do is taken away.

In this order: other descriptors, the environment, resource limits, the user, the right to be looked at, new
privileges, the file system and network (Landlock), and all system calls but those of computing (seccomp).
Nothing of it can be undone. Standard library only.
"""

import ctypes
import math
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass

from tasks._jail.calls import LANDLOCK_CREATE, LANDLOCK_RESTRICT, SECCOMP, assembled, machine

MEMORY = 512 * 2**20
"""Bytes of address space."""
NOBODY = 65534
PDEATHSIG, DUMPABLE, NO_NEW_PRIVS = 1, 4, 38
"""prctl options."""
FILTER_MODE = 1
"""SECCOMP_SET_MODE_FILTER."""
COMMON = {resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 64}
"""Limits of the server and, inherited, of its children: bytes of a file, of a core, descriptors."""
FIRST, HIGH = 3, 32
"""Where a child's descriptors begin, and a place above all that the server has open."""
LAYERS = ("landlock", "seccomp")


class Filter(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_char_p))


def files_handled(abi: int) -> int:
    """Every right over files that an ABI of Landlock knows, as bits: all are denied by handling them."""
    return (1 << (13 + (abi >= 2) + (abi >= 3) + (abi >= 5))) - 1


def ruleset(abi: int) -> bytes:
    """struct landlock_ruleset_attr that denies all: files; TCP from ABI 4; signals and abstract sockets from 6."""
    attributes = struct.pack("<Q", files_handled(abi))
    if abi >= 4:
        attributes += struct.pack("<Q", 0b11)
    if abi >= 6:
        attributes += struct.pack("<Q", 0b11)
    return attributes


@dataclass
class Lock:
    """The layers of one machine, prepared once, put on in every child."""

    layers: frozenset[str]
    """What is to be put on, of LAYERS."""

    def __post_init__(self) -> None:
        self.system = ctypes.CDLL(None, use_errno=True)
        self.layers &= self.offered()
        self.rules = self._rules() if "landlock" in self.layers else -1
        lines = assembled(machine()) if "seccomp" in self.layers else b""
        self.filter = Filter(len(lines) // 8, lines)

    def offered(self) -> frozenset[str]:
        """The layers that this kernel has."""
        if sys.platform != "linux":
            return frozenset()
        landlock = self.abi() >= 1
        missing = self.system.syscall(SECCOMP[machine()], FILTER_MODE, 0, None) if machine() else 0
        seccomp = missing == -1 and ctypes.get_errno() == 14  # EFAULT: it would read the filter; not ENOSYS
        return frozenset(name for name, there in zip(LAYERS, (landlock, seccomp), strict=True) if there)

    def abi(self) -> int:
        """Version of Landlock; below 1 if there is none."""
        return int(self.system.syscall(LANDLOCK_CREATE, None, 0, 1))

    def _rules(self) -> int:
        attributes = ruleset(self.abi())
        found = int(self.system.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0))
        return self.done("landlock_create_ruleset", found)

    def done(self, name: str, result: int) -> int:
        """The result of a call that must not fail. OSError if it did."""
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, f"{name}: {os.strerror(code)}")
        return result

    def enter(self, keep: tuple[int, ...], seconds: float, parent: int, memory: int = MEMORY) -> None:
        """Put on everything. keep: open descriptors that become 3, 4, ...; seconds: processor time.

        parent: who must be alive; memory: bytes of address space. OSError if a layer does not go on, or the parent is
        gone.
        """
        keep_only((*keep, self.rules) if self.rules >= 0 else keep)
        become_small(seconds, memory)
        become_nobody()
        self.option(PDEATHSIG, signal.SIGKILL)  # a change of user clears it, so it comes later
        if os.getppid() != parent:  # it died before its death would have been noticed
            raise ProcessLookupError("the server is gone")
        if self.rules >= 0:
            self.done("landlock_restrict_self", self.system.syscall(LANDLOCK_RESTRICT, FIRST + len(keep), 0))
            os.close(FIRST + len(keep))
        if "seccomp" in self.layers:
            number = SECCOMP[machine()]
            self.done("seccomp", self.system.syscall(number, FILTER_MODE, 0, ctypes.byref(self.filter)))

    def settle(self) -> None:
        """What the server puts on itself, and its children inherit: small limits, not to be traced, no new rights."""
        for limit, value in COMMON.items():
            resource.setrlimit(limit, (value, value))
        self.option(DUMPABLE, 0)
        self.option(NO_NEW_PRIVS, 1)

    def option(self, name: int, value: int) -> None:
        if sys.platform == "linux":
            self.done(f"prctl {name}", self.system.prctl(name, ctypes.c_ulong(value), 0, 0, 0))


def become_small(seconds: float, memory: int) -> None:
    """Resource limits, which a process can only lower: further processes, address space, processor time."""
    limits = {resource.RLIMIT_NPROC: 0, resource.RLIMIT_AS: memory, resource.RLIMIT_CPU: math.ceil(seconds)}
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def become_nobody() -> None:
    """Leave root, where the kernel lets us: in some user namespaces there is nobody to become."""
    if os.geteuid() != 0:
        return
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:
        return


def keep_only(descriptors: tuple[int, ...]) -> None:
    """Move descriptors to FIRST and on, and close all others above the three standard ones."""
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, HIGH + place, False)
    for place in range(len(descriptors)):
        os.dup2(HIGH + place, FIRST + place, False)
    os.closerange(FIRST + len(descriptors), 2**20)
