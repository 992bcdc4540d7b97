"""ARC-Easy: science questions that retrieval or word statistics can answer."""

from tasks import Hub
from tasks.qa._arc import COMMIT, Arc


class ArcEasy(Arc):
    name = "arc_easy"
    hub = Hub("allenai/ai2_arc", COMMIT, {"train": "train", "heldout": "test"}, config="ARC-Easy")
    sizes = {"train": 2251, "heldout": 2376}
    balance = {"A": 0.2508, "B": 0.2462, "C": 0.2664, "D": 0.2361, "E": 0.0004}
