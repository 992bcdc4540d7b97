"""ARC-Challenge: science questions that neither retrieval nor word statistics answered."""

from collections.abc import Mapping
from typing import ClassVar

from tasks._base import Split
from tasks._data import Hub
from tasks.qa._arc import COMMIT, Arc


class ArcChallenge(Arc):
    name: ClassVar[str] = "arc_challenge"
    hub: ClassVar[Hub] = Hub("allenai/ai2_arc", COMMIT, {"train": "train", "heldout": "test"}, config="ARC-Challenge")
    sizes: ClassVar[Mapping[Split, int]] = {"train": 1119, "heldout": 1172}
    balance: ClassVar[Mapping[str, float]] = {"A": 0.2270, "B": 0.2654, "C": 0.2645, "D": 0.2432}
