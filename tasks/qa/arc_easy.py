"""ARC-Easy: science questions that retrieval or word statistics can answer."""

from collections.abc import Mapping
from typing import ClassVar

from tasks._base import Split
from tasks._data import Hub
from tasks.qa._arc import COMMIT, Arc


class ArcEasy(Arc):
    name: ClassVar[str] = "arc_easy"
    hub: ClassVar[Hub] = Hub("allenai/ai2_arc", COMMIT, {"train": "train", "heldout": "test"}, config="ARC-Easy")
    sizes: ClassVar[Mapping[Split, int]] = {"train": 2251, "heldout": 2376}
    balance: ClassVar[Mapping[str, float]] = {"A": 0.2508, "B": 0.2462, "C": 0.2664, "D": 0.2361, "E": 0.0004}
