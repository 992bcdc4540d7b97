"""The filter of system calls, run instruction by instruction, and the order in which a child is locked."""

import struct
from pathlib import Path

import pytest

from tasks._jail.calls import (
    ALLOW,
    ALLOWED,
    ANY_BIT,
    ARCHITECTURES,
    EQUAL,
    KILL,
    LOAD,
    MAPPING,
    REFUSE,
    RETURN,
    assembled,
    machine,
    program,
)
from tasks._jail.lock import files_handled, ruleset

EVERY = pytest.mark.parametrize("name", ARCHITECTURES)
X32 = 0x40000000
"""The bit that marks calls of the x32 interface on x86_64."""
FORBIDDEN = {
    "x86_64": {
        "open": 2, "stat": 4, "mprotect": 10, "ioctl": 16, "pipe": 22, "socket": 41, "connect": 42, "sendmsg": 46,
        "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "kill": 62, "ptrace": 101, "prctl": 157, "setrlimit": 160,
        "tkill": 200, "tgkill": 234, "openat": 257, "unshare": 272, "process_vm_readv": 310, "seccomp": 317,
        "memfd_create": 319, "bpf": 321, "execveat": 322, "io_uring_setup": 425, "pidfd_open": 434, "clone3": 435,
    },
    "aarch64": {
        "openat": 56, "pipe2": 59, "ioctl": 29, "execve": 221, "clone": 220, "kill": 129, "tgkill": 131, "ptrace": 117,
        "prctl": 167, "socket": 198, "connect": 203, "mprotect": 226, "unshare": 97, "process_vm_readv": 270,
        "seccomp": 277, "memfd_create": 279, "bpf": 280, "execveat": 281, "io_uring_setup": 425, "clone3": 435,
    },
}  # fmt: skip
"""Numbers of calls that must not pass, from the kernel's tables; mprotect for executable memory."""


def verdict(name: str, number: int, protection: int = 0, architecture: int | None = None) -> int:
    """What the filter of one architecture says to a call: a small BPF machine."""
    call = bytearray(64)
    struct.pack_into("<II", call, 0, number, ARCHITECTURES[name] if architecture is None else architecture)
    struct.pack_into("<Q", call, 32, protection)
    lines, place, word = program(name), 0, 0
    while True:
        code, yes, no, constant = lines[place]
        place += 1
        if code == RETURN:
            return constant
        if code == LOAD:
            word = struct.unpack_from("<I", call, constant)[0]
        else:
            assert code in (EQUAL, ANY_BIT)
            place += yes if (word == constant if code == EQUAL else word & constant) else no


@EVERY
def test_only_the_calls_of_the_table_pass(name: str) -> None:
    allowed = {*ALLOWED[name].values(), *MAPPING[name].values()}
    assert {number for number in range(1000) if verdict(name, number) == ALLOW} == allowed
    assert {verdict(name, number) for number in range(1000) if number not in allowed} == {REFUSE}
    assert verdict(name, 2**32 - 1) == REFUSE


@EVERY
def test_memory_that_is_executable_is_refused(name: str) -> None:
    for number in MAPPING[name].values():
        assert [verdict(name, number, bits) for bits in range(8)] == [ALLOW] * 4 + [REFUSE] * 4


@EVERY
def test_what_reaches_out_is_forbidden(name: str) -> None:
    for call, number in FORBIDDEN[name].items():
        assert verdict(name, number, protection=7) == REFUSE, call


@EVERY
def test_another_architecture_s_calls_end_the_process(name: str) -> None:
    """Its numbers mean other calls; i386 calls can be made on x86_64."""
    for architecture in (0x40000003, 0, *(set(ARCHITECTURES.values()) - {ARCHITECTURES[name]})):
        assert verdict(name, 0, architecture=architecture) == KILL


def test_the_x32_interface_is_closed() -> None:
    assert {verdict("x86_64", number | X32) for number in range(1000)} == {REFUSE}


@EVERY
def test_the_kernel_takes_it_as_an_array_of_eight_bytes_a_line(name: str) -> None:
    assert len(assembled(name)) == 8 * len(program(name)) < 8 * 4096
    assert struct.unpack_from("<HBBI", assembled(name)) == (LOAD, 0, 0, 4)


def test_both_tables_allow_the_same_calls() -> None:
    """But for `time`, which aarch64 does not have."""
    assert set(ALLOWED["x86_64"]) - set(ALLOWED["aarch64"]) == {"time"}
    assert set(ALLOWED["aarch64"]) <= set(ALLOWED["x86_64"])


@pytest.mark.skipif(machine() != "x86_64", reason="the header is this processor's")
def test_the_numbers_are_those_of_the_kernel_s_header() -> None:
    header = next(iter(Path("/usr/include").glob("**/asm/unistd_64.h")), None)
    if header is None:
        pytest.skip("no kernel headers here")
    words = [line.split() for line in header.read_text().splitlines() if line.startswith("#define __NR_")]
    numbers = {word[1].removeprefix("__NR_"): int(word[2]) for word in words}
    for table in (ALLOWED, MAPPING, FORBIDDEN):
        assert {call: numbers[call] for call in table["x86_64"]} == table["x86_64"]


@pytest.mark.parametrize(
    ("abi", "bits", "size"), [(1, 13, 8), (2, 14, 8), (3, 15, 8), (4, 15, 16), (5, 16, 16), (7, 16, 24)]
)
def test_landlock_denies_all_that_its_version_knows(abi: int, bits: int, size: int) -> None:
    """Rights over files by ABI, from the kernel's documentation: 13, then refer, truncate, ioctl on devices."""
    assert files_handled(abi) == 2**bits - 1
    assert len(ruleset(abi)) == size
