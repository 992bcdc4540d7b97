"""The published table: recomputed from the committed records to its last digit, and once more without our analysis.

After records were added: `python -m leaderboard.downloads nano-v1 > tests/golden/board-nano-v1.csv`, and read the diff.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leaderboard import downloads

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests/golden/board-nano-v1.csv"
STORE = ROOT / "results/nano-v1"
QUANTILES = {1: 12.7062047, 2: 4.3026527, 3: 3.1824463, 4: 2.7764451, 5: 2.5705818, 6: 2.4469119, 7: 2.3646243}
"""97.5 % of Student's t by degrees of freedom, from a printed table."""
THREE = ("pcgrad", "upgrad", "gradient_proportional")


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, str]]:
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return {line["method"]: line for line in csv.DictReader(file)}


def test_the_published_table_is_that_of_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    assert downloads.main(["nano-v1"]) == 0
    fresh, golden = capsys.readouterr().out.splitlines(), GOLDEN.read_text(encoding="utf-8").splitlines()
    assert len(golden) > 10
    assert fresh == golden, "the table and the records differ; the top of this file says how the table is made"


def gains_of(method: str) -> dict[int, Any]:
    """Gain of each task by seed, [K], straight from the JSON: right answers after minus before, over their number."""
    found = {}
    for path in (STORE / method).glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        right = np.array(
            [[int(task[when]["items"], 16).bit_count() for task in record["tasks"]] for when in ("before", "after")]
        )
        found[record["seed"]] = np.diff(right, axis=0)[0] / [task["after"]["count"] for task in record["tasks"]]
    return found


def interval(values: Any) -> list[float]:
    half = QUANTILES[len(values) - 1] * np.std(values, ddof=1) / np.sqrt(len(values))
    return [np.mean(values), np.mean(values) - half, np.mean(values) + half]


def printed(line: dict[str, str], name: str) -> list[float]:
    return [float(line[f"{name}{end}"]) for end in ("", ".low", ".high")]


@pytest.mark.parametrize("method", THREE)
def test_three_methods_recomputed_from_item_rewards(published: dict[str, dict[str, str]], method: str) -> None:
    line, own, uniform = published[method], gains_of(method), gains_of("uniform")
    seeds = sorted(own.keys() & uniform.keys())
    assert line["seeds"] == " ".join(map(str, sorted(own)))
    assert len(seeds) >= 3
    gain = interval([own[seed].mean() for seed in sorted(own)])
    difference = interval([(own[seed] - uniform[seed]).mean() for seed in seeds])
    worst = interval([own[seed].min() for seed in sorted(own)])
    for name, expected in (("gain", gain), ("difference", difference), ("worst", worst)):
        assert printed(line, name) == pytest.approx(expected, abs=2e-6), name


def records_of(method: str) -> dict[int, Any]:
    return {
        record["seed"]: record
        for path in sorted((STORE / method).glob("*.json"))
        if (record := json.loads(path.read_text(encoding="utf-8")))
    }


def areas_of(method: str) -> dict[int, float]:
    """Mean training reward over the steps minus the reward before, over tasks; every window of nano-v1 is one step."""
    found = {}
    for seed, record in records_of(method).items():
        assert np.diff([0, *record["curves"]["steps"]]).tolist() == [1] * len(record["curves"]["steps"])
        before = [task["before"]["mean"] for task in record["tasks"]]
        found[seed] = float((np.array(record["curves"]["reward"], dtype=float).mean(axis=0) - before).mean())
    return found


@pytest.mark.parametrize("method", THREE)
def test_areas_recomputed_from_the_curves(published: dict[str, dict[str, str]], method: str) -> None:
    own, uniform = areas_of(method), areas_of("uniform")
    seeds = sorted(own.keys() & uniform.keys())
    assert printed(published[method], "area") == pytest.approx(interval([own[seed] for seed in seeds]), abs=2e-6)
    difference = interval([own[seed] - uniform[seed] for seed in seeds])
    assert printed(published[method], "area_difference") == pytest.approx(difference, abs=2e-6)


@pytest.mark.parametrize("method", THREE)
def test_normalised_gains_recomputed(published: dict[str, dict[str, str]], method: str) -> None:
    """Gains over the means of the five specialists, all of which learned: mean, worst and geometric mean over tasks."""
    specialists = np.mean(list(gains_of("single_task").values()), axis=0)
    ratios = [gains / specialists for _, gains in sorted(gains_of(method).items())]
    for name, over in (
        ("normalised", np.mean),
        ("worst_normalised", np.min),
        ("geometric", lambda row: np.exp(np.log(row).mean())),
    ):
        assert printed(published[method], name) == pytest.approx(interval([over(row) for row in ratios]), abs=2e-6)


@pytest.mark.parametrize("method", THREE)
def test_the_regret_to_static_weights_recomputed(published: dict[str, dict[str, str]], method: str) -> None:
    """uniform and the five points that raise one task: on each seed the one that is best on the other four."""
    raised = [path.name for path in STORE.glob("static+*")]
    points = [{seed: gains.mean() for seed, gains in gains_of(name).items()} for name in ("uniform", *raised)]
    own = {seed: gains.mean() for seed, gains in gains_of(method).items()}
    best = []
    for seed in sorted(own):
        others = [np.mean([value for at, value in point.items() if at != seed]) for point in points]
        best.append(points[int(np.argmax(others))][seed] - own[seed])
    assert printed(published[method], "regret.best") == pytest.approx(interval(best), abs=2e-6)
    average = [np.mean([point[seed] for point in points]) - own[seed] for seed in sorted(own)]
    budgets = [line["settings"] for line in published.values() if line["method"].partition("+")[0] == method]
    assert set(budgets) == {str(len(budgets))}
    if len(budgets) == 1:
        assert printed(published[method], "regret.equal") == pytest.approx(interval(average), abs=2e-6)


def test_corrected_p_values_recomputed(published: dict[str, dict[str, str]]) -> None:
    """Holm over the ten methods, from Student's t with four degrees of freedom by numerical integration."""
    family = [label for label in published if label not in ("uniform", "single_task") and "static" not in label]
    uniform = gains_of("uniform")
    alone = {}
    for label in family:
        gaps = np.array([gains.mean() - uniform[seed].mean() for seed, gains in gains_of(label).items()])
        assert len(gaps) == 5
        t = abs(gaps.mean()) / (gaps.std(ddof=1) / np.sqrt(5))
        # The density of t with 4 degrees of freedom is 3/8 (1 + x^2/4)^(-5/2); with x = 2 tan u it is 3/4 cos^3 u.
        u = np.linspace(np.arctan(t / 2), np.pi / 2, 200_001)
        alone[label] = 2 * np.trapezoid(0.75 * np.cos(u) ** 3, u)
    largest = 0.0
    for rank, label in enumerate(sorted(family, key=lambda name: alone[name])):
        largest = max(largest, min(1.0, (len(family) - rank) * alone[label]))
        assert float(published[label]["p"]) == pytest.approx(largest, abs=2e-6), label


def test_the_cost_of_pcgrad_recomputed_from_the_ledgers(published: dict[str, dict[str, str]]) -> None:
    """Geometric mean over seeds of tokens over those of uniform."""
    tokens = {
        method: {
            path.name: json.loads(path.read_text(encoding="utf-8"))["ledger"]["sampled_tokens"]
            for path in (STORE / method).glob("*.json")
        }
        for method in ("pcgrad", "uniform")
    }
    ratios = [tokens["pcgrad"][seed] / tokens["uniform"][seed] for seed in tokens["pcgrad"]]
    assert float(published["pcgrad"]["overhead.sampled_tokens"]) == pytest.approx(
        np.exp(np.mean(np.log(ratios))), rel=1e-5
    )
