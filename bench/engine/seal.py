"""A seal on the trained parameters: whoever changes them between two steps, and is not the harness, breaks it.

The fingerprint is a sum over all bits, modulo 2^64, with odd factors that are drawn anew in every process: a change of
one parameter always shows, and one of several goes unseen only by a guess of secret factors. It is computed where the
parameters are, and reads them once.
"""

import secrets
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from bench.errors import RunFailed

COLUMNS = {"cpu": 1 << 16}
"""Words of eight bytes that have factors of their own, by kind of device: few enough for its cache."""
MANY = 1 << 22
"""The same for an accelerator: enough to be worth a launch."""
BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers that hold the bits of a number, by its bytes."""


class Seal:
    """A fingerprint that is taken when the harness is done with the parameters, and compared before it goes on.

    Nothing is compared until `renew` is called with `begin`. local: a parameter's memory in this process.
    """

    def __init__(self, parameters: Sequence[Parameter], local: Callable[[Tensor], Tensor]) -> None:
        self._parameters = list(parameters)
        self._local = local
        self._factors: Tensor | None = None
        self._left: list[int] | None = None

    def renew(self, begin: bool = False) -> None:
        """The parameters are as the harness wants them. begin: compare from here on."""
        if begin or self._left is not None:
            self._left = self.fingerprint()

    def check(self, who: str = "something other than the harness") -> None:
        """RunFailed if the parameters are not as they were when the seal was renewed; who: is to blame, in words."""
        if self._left is not None and self.fingerprint() != self._left:
            raise RunFailed(f"{who} changed the model's parameters.")

    def fingerprint(self) -> list[int]:
        """Differs where a parameter was written to, or holds other bits; two numbers a tensor."""
        sums = torch.stack([self._sum(self._local(parameter.detach())) for parameter in self._parameters])
        writes = [parameter._version for parameter in self._parameters]  # what goes through `data` is not counted
        return [*sums.tolist(), *writes]

    def _sum(self, tensor: Tensor) -> Tensor:
        """The bits of a tensor as integers, times their factors; int64, which overflows as it should."""
        words = _words(tensor.reshape(-1))
        factors = self._drawn(words.device)
        if len(words) <= len(factors):
            return _product(words, factors[: len(words)])

        parts = words.split(len(factors))  # type: ignore[no-untyped-call]
        sums = [_product(part, factors[: len(part)]) for part in parts]
        return sum((2 * number + 1) * each for number, each in enumerate(sums[1:], start=1)) + sums[0]

    def _drawn(self, device: torch.device) -> Tensor:
        """Odd factors that nobody knows, int64."""
        if self._factors is None:
            columns = COLUMNS.get(device.type, MANY)
            found = torch.frombuffer(bytearray(secrets.token_bytes(8 * columns)), dtype=torch.int64) | 1
            self._factors = found.to(device)
        return self._factors


def _words(flat: Tensor) -> Tensor:
    """The bits of a flat tensor as int64, eight bytes a word where that is possible: then nothing is copied."""
    size = flat.element_size()
    together = 8 // size
    if len(flat) % together == 0 and flat.storage_offset() % together == 0:
        return flat.view(torch.int64)
    return flat.view(BITS[size]).long()


def _product(words: Tensor, factors: Tensor) -> Tensor:
    return torch.dot(words, factors) if words.device.type == "cpu" else (words * factors).sum()
