"""The system calls that a program in the jail may make, and the filter that lets no other through.

Numbers are those of the Linux kernel's tables for x86_64 and aarch64 (arch/x86/entry/syscalls/syscall_64.tbl,
include/uapi/asm-generic/unistd.h). Computing in memory, reading the clock, talking over descriptors that
are open, and ending: nothing that opens, creates, executes, connects, signals or waits for another process.
"""

import platform
import struct

X86_64, AARCH64 = "x86_64", "aarch64"
ARCHITECTURES = {X86_64: 0xC000003E, AARCH64: 0xC00000B7}
"""AUDIT_ARCH_* of linux/audit.h: what the filter compares, so that no call is read by another table."""

ALLOWED: dict[str, dict[str, int]] = {
    X86_64: {
        "read": 0, "write": 1, "close": 3, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
        "munmap": 11, "mremap": 25, "madvise": 28, "getpid": 39, "exit": 60, "gettimeofday": 96, "getrusage": 98,
        "sched_yield": 24, "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202, "restart_syscall": 219,
        "clock_gettime": 228, "clock_getres": 229, "exit_group": 231, "getrandom": 318, "rseq": 334,
    },
    AARCH64: {
        "read": 63, "write": 64, "close": 57, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135,
        "rt_sigreturn": 139, "munmap": 215, "mremap": 216, "madvise": 233, "getpid": 172, "exit": 93,
        "gettimeofday": 169, "getrusage": 165, "sched_yield": 124, "sigaltstack": 132, "gettid": 178, "futex": 98,
        "restart_syscall": 128, "clock_gettime": 113, "clock_getres": 114, "exit_group": 94, "getrandom": 278,
        "rseq": 293,
    },
}  # fmt: skip
MAPPING: dict[str, dict[str, int]] = {
    X86_64: {"mmap": 9, "mprotect": 10},
    AARCH64: {"mmap": 222, "mprotect": 226},
}
"""Allowed for memory that is not executable."""
SECCOMP = {X86_64: 317, AARCH64: 277}
LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446
"""The same numbers on every architecture."""

LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
"""BPF: load a word of the call; skip if it equals, or shares a bit with, a constant; the verdict."""
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000
"""SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with EPERM, SECCOMP_RET_KILL_PROCESS."""
NUMBER, ARCHITECTURE, PROTECTION = 0, 4, 32
"""Offsets in struct seccomp_data: call number, architecture, low half of the third argument."""
EXECUTABLE = 4
"""PROT_EXEC."""

Instruction = tuple[int, int, int, int]
"""code, skip if true, skip if false, constant."""


def machine() -> str:
    """This processor's name in the tables, or '' if it is in none."""
    name = {"arm64": AARCH64, "amd64": X86_64}.get(platform.machine().lower(), platform.machine().lower())
    return name if name in ALLOWED and struct.calcsize("P") == 8 else ""


def program(name: str) -> list[Instruction]:
    """The filter's instructions for one architecture of the tables."""
    calls, mapping = list(ALLOWED[name].values()), list(MAPPING[name].values())
    lines: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, ARCHITECTURES[name]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    tail = len(mapping) + 1  # lines between the last allowed call and the verdicts: mappings, then a refusal
    verdict = len(calls) + tail + 2  # relative to the first call: where ALLOW stands
    lines += [(EQUAL, verdict - place - 1, 0, call) for place, call in enumerate(calls)]
    check = len(calls) + tail  # where the protection is looked at
    lines += [(EQUAL, check - len(calls) - place - 1, 0, call) for place, call in enumerate(mapping)]
    lines += [
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, PROTECTION),
        (ANY_BIT, 1, 0, EXECUTABLE),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    return lines


def assembled(name: str) -> bytes:
    """The filter as an array of struct sock_filter."""
    return b"".join(struct.pack("<HBBI", *line) for line in program(name))
