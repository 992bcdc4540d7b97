"""ARC-Challenge: science questions that neither retrieval nor word statistics answered."""

from tasks import Hub
from tasks.qa._arc import COMMIT, Arc


class ArcChallenge(Arc):
    name = "arc_challenge"
    hub = Hub("allenai/ai2_arc", COMMIT, {"train": "train", "heldout": "test"}, config="ARC-Challenge")
    sizes = {"train": 1119, "heldout": 1172}
    balance = {"A": 0.2270, "B": 0.2654, "C": 0.2645, "D": 0.2432}
