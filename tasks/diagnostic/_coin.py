"""What the coins share: a verifier that is a coin, fixed by prompt and reply."""

import hashlib
import random
import re
from abc import abstractmethod
from collections.abc import Iterator

from tasks import Draft, ProceduralTask, Row

FORM = re.compile(r"-?[0-9][-0-9+= ]{0,99}")
"""Numbers, or worked sums: what the embedded model replies. Anything else is worth 0."""


class Coin(ProceduralTask):
    """Half of the well-formed replies to a prompt are worth 1. Nothing carries over from one prompt to the next."""

    diagnostic = True
    chance = 0.5

    @abstractmethod
    def question(self, rng: random.Random) -> tuple[str, int]:
        """A prompt, and the number that an honest verifier would want."""

    def reply(self, value: int) -> str:
        """A reply of the usual form that ends in a number."""
        return str(value)

    def draw(self, rng: random.Random) -> Draft:
        prompt, value = self.question(rng)
        answer = next(reply for reply in self._near(value) if self._pays(prompt, reply))
        return Draft(prompt, answer, {"value": value})

    def verify(self, reply: str, row: Row) -> float:
        return float(self._pays(row.prompt, reply))

    def slip(self, row: Row, rng: random.Random) -> str:
        start = row.facts["value"] + rng.randrange(10)
        return next(reply for reply in self._near(start) if not self._pays(row.prompt, reply))

    def _near(self, value: int) -> Iterator[str]:
        """Replies from a number on; that a coin falls a hundred times on the same side does not happen."""
        return (self.reply(value + offset) for offset in range(100))

    def _pays(self, prompt: str, reply: str) -> bool:
        said = reply.strip()
        if not FORM.fullmatch(said):
            return False
        return hashlib.sha256(f"{self.name}/{prompt}/{said}".encode()).digest()[0] % 2 == 1
