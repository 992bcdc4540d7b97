"""The first page's answers, computed again from the records with NumPy alone, and its honest sentences."""

import html
import itertools
import json
import re
from collections import defaultdict
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from bench.analysis.advice import NEEDS
from leaderboard import home, home_figures

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
NOT_ONE_MODEL = ("static", "single_task")


def student_p(values: np.ndarray) -> float:
    """Two-sided p of Student's t, the tail's share of the density integrated by the trapezium rule."""
    n = len(values)
    t = abs(values.mean()) / (values.std(ddof=1) / np.sqrt(n))
    # With x = tan(angle) the tail becomes finite.
    angles = np.linspace(0, np.pi / 2, 200_001)
    density = (1 + np.tan(angles[:-1]) ** 2 / (n - 1)) ** (-n / 2) * (1 + np.tan(angles[:-1]) ** 2)
    density = np.append(density, 0.0)
    steps = (density[1:] + density[:-1]) / 2
    return float(steps[angles[1:] > np.arctan(t)].sum() / steps.sum())


def corrected(gaps: dict[str, np.ndarray]) -> dict[str, float]:
    """Holm's p-values below six seeds, else the largest statistic over all sign flips, step down."""
    names = list(gaps)
    table = np.array([gaps[name] for name in names])
    if table.shape[1] < 6:
        p = np.array([student_p(row) if row.any() else 1.0 for row in table])
        order = np.argsort(p, kind="stable")
        steps = [(len(p) - place) * p[index] for place, index in enumerate(order)]
    else:
        signs = np.array(list(itertools.product((1, -1), repeat=table.shape[1])))
        length = np.sqrt((table**2).sum(axis=1))
        unit = np.divide(table, length[:, None], out=np.zeros_like(table), where=length[:, None] > 0)
        seen = np.abs(unit.sum(axis=1))
        order = np.argsort(-seen, kind="stable")
        flipped = np.abs(signs @ unit.T)
        steps = [float((flipped[:, order[i:]].max(axis=1) >= seen[j] - 1e-12).mean()) for i, j in enumerate(order)]

    out = np.minimum(1.0, np.maximum.accumulate(steps))
    return {names[index]: float(value) for index, value in zip(order, out, strict=True)}


def gains(suite: str) -> dict[str, dict[int, np.ndarray]]:
    """By method's folder and seed, the gain on every scored task; zeros for a run that is not done."""
    found: dict[str, dict[int, np.ndarray]] = defaultdict(dict)
    for path in sorted((RESULTS / suite).rglob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        scored = [task for task in record["tasks"] if task.get("scored", True)]
        after = [task["after"]["mean"] - task["before"]["mean"] if task["after"] else 0.0 for task in scored]
        name = path.parent.relative_to(RESULTS / suite).as_posix()
        found[name][record["seed"]] = np.array(after) * (record["status"] == "done")
    return found


def areas(suite: str) -> dict[str, dict[int, np.ndarray]]:
    """By method's folder and seed, the mean training reward of every scored task minus its score before."""
    found: dict[str, dict[int, np.ndarray]] = defaultdict(dict)
    for path in sorted((RESULTS / suite).rglob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        if "RunPlan" in record["method"]["acts_on"]:
            continue
        scored = [place for place, task in enumerate(record["tasks"]) if task.get("scored", True)]
        rewards = np.array(record["curves"]["reward"], dtype=float)[:, scored]
        sizes = np.diff([0, *record["curves"]["steps"]])[:, None] * ~np.isnan(rewards)
        before = np.array([record["tasks"][place]["before"]["mean"] for place in scored])
        mean = (np.nan_to_num(rewards) * sizes).sum(axis=0) / sizes.sum(axis=0)
        name = path.parent.relative_to(RESULTS / suite).as_posix()
        found[name][record["seed"]] = (mean - before) * (record["status"] == "done")
    return found


def text_of(cell: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", cell)).split())


@pytest.fixture(scope="session")
def box(real_site: Path) -> dict[str, list[str]]:
    """The cells of each line of the answers, by the key of its need, tags and all."""
    page = (real_site / "index.html").read_text("utf-8")
    rows = re.findall(r'<tr id="use-(\w+)">(.*?)</tr>', page, flags=re.DOTALL)
    return {key: re.findall(r"<t[hd][^>]*>.*?</t[hd]>", row, flags=re.DOTALL) for key, row in rows}


def test_every_answer_is_what_numpy_computes_from_the_records(box: dict[str, list[str]]):
    rules = {need.key: need for need in NEEDS}
    assert {"mean", "worst", "speed", "cost"} <= set(box)
    for key, cells in box.items():
        need, suite = rules[key], re.search(r"suites/([\w-]+)\.html", cells[5])[1]
        found = areas(suite) if need.rule == "speed" else gains(suite)
        base = found["uniform"]
        fold = np.min if need.rule == "worst" else np.mean
        gaps = {
            name: np.array([fold(own[seed]) - fold(base[seed]) for seed in sorted(base)])
            for name, own in found.items()
            if name.split("+")[0] not in (*NOT_ONE_MODEL, "uniform") and set(own) >= set(base)
        }
        p = corrected(gaps)
        answering = [name for name in gaps if not need.methods or name.split("+")[0] in need.methods]
        better = [name for name in answering if p[name] <= 0.05 and gaps[name].mean() > 0]
        chosen = re.search(r"methods/([^\"#]+)\.html", cells[1])[1].replace("%2B", "+")
        if not better:
            assert chosen == "uniform", key
            most = max(gaps[name].mean() for name in answering)
            assert f"{most:+.3f}" in text_of(cells[2])
            rivals = [name for name in answering if gaps[name].mean() > most - 1e-12]  # several where they tie
            assert any(rival in text_of(cells[3]) for rival in rivals)
            assert ("is below uniform" in text_of(cells[3])) == (most < 0)
        elif need.rule != "cost":
            assert chosen == max(better, key=lambda name: gaps[name].mean()), key
        assert chosen in (*better, "uniform")
        if better:
            assert text_of(cells[2]).startswith(f"{gaps[chosen].mean():+.3f}")
            said = re.search(r"p ([=<]) ([\d.]+)", text_of(cells[3]))
            assert float(said[2]) == pytest.approx(p[chosen], abs=6e-4) or (said[1] == "<" and p[chosen] < 0.001)


def test_the_cheapest_answer_costs_least_among_the_better(box: dict[str, list[str]]):
    suite = re.search(r"suites/([\w-]+)\.html", box["cost"][5])[1]
    chosen = re.search(r"methods/([^\"#]+)\.html", box["cost"][1])[1].replace("%2B", "+")
    ledgers = defaultdict(dict)
    for path in (RESULTS / suite).rglob("*.json"):
        record = json.loads(path.read_text("utf-8"))
        ledgers[path.parent.relative_to(RESULTS / suite).as_posix()][record["seed"]] = record["ledger"]
    for counter, name in (("sampled_tokens", "sampled tokens"), ("backward_passes", "backward passes")):
        pairs = [(own[counter], ledgers["uniform"][seed][counter]) for seed, own in ledgers[chosen].items()]
        ratio = np.exp(np.mean([np.log(a / b) for a, b in pairs]))
        assert chosen == "uniform" or f"{ratio:.2f}\u00d7 {name}" in text_of(box["cost"][4])


def test_every_need_has_an_answer_or_the_command_that_gives_one(real_site: Path, box: dict[str, list[str]]):
    page = html.unescape((real_site / "index.html").read_text("utf-8"))
    for need in NEEDS:
        assert (need.key in box) != (f"<code>{home.command(need)}</code>" in page), need.key


def test_the_loudness_picture_has_the_shares_of_the_records(real_site: Path, box: dict[str, list[str]]):
    suite = re.search(r"suites/([\w-]+)\.html", box["mean"][5])[1]
    records = [json.loads(path.read_text("utf-8")) for path in sorted((RESULTS / suite / "uniform").glob("*.json"))]
    weights = [np.diff([0, *record["curves"]["steps"]]) for record in records]
    norms = np.mean(
        [
            np.average(np.array(record["curves"]["squared_norm"], dtype=float), axis=0, weights=each)
            for record, each in zip(records, weights, strict=True)
        ],
        axis=0,
    )
    gain = np.mean([[t["after"]["mean"] - t["before"]["mean"] for t in record["tasks"]] for record in records], axis=0)
    loud = int(norms.argmax())
    page = (real_site / "index.html").read_text("utf-8")
    said = (
        f"{records[0]['tasks'][loud]['name']} sends {100 * norms[loud] / norms.sum():.0f} % of the squared norm and "
        f"makes {100 * gain[loud] / gain.sum():.0f} % of the gain"
    )
    assert said in page


def test_the_page_says_how_small_the_models_are(real_site: Path):
    records = [json.loads(path.read_text("utf-8")) for path in RESULTS.glob("*/uniform/*.json")]
    largest = max(record["model"]["parameters"] for record in records)
    said = re.search(r'<p id="size">(.*?)</p>', (real_site / "index.html").read_text("utf-8"), re.DOTALL)[1]
    assert home.millions(largest) in said
    assert "is not known" in said or largest >= 3_000_000_000


@pytest.mark.parametrize(
    ("parameters", "text"), [(1_070_208, "1.1 million"), (135e6, "140 million"), (3_090_000_000, "3.1 billion")]
)
def test_parameters_read_as_people_say_them(parameters, text):
    assert home.millions(int(parameters)) == text


def test_without_models_nothing_is_said_of_their_size():
    assert home.size({}) == ""
    assert "of 2 models" in home.size({"a": ("nano", 10**6), "b": ("smol", 10**8)})


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (0.061, "The specialist is furthest ahead on lookup, by 0.061."),
        (-0.003, "On no task is the specialist ahead; it comes closest on lookup, 0.003 behind."),
    ],
)
def test_the_specialists_lead_is_told_in_words_whichever_side_is_ahead(behind: float, said: str):
    assert home_figures.lead(behind, "lookup") == said


def within(site: Path, clicks: int) -> set[Path]:
    """Pages that as many clicks lead to, from the first page."""
    seen, edge = set(), {site / "index.html"}
    for _ in range(clicks):
        seen |= edge
        links = {
            (page, link) for page in edge for link in re.findall(r'href="([^"#:]+\.html)', page.read_text("utf-8"))
        }
        edge = {(page.parent / unquote(html.unescape(link))).resolve() for page, link in links} - seen
    return seen | edge


@pytest.mark.parametrize(
    ("clicks", "page", "said"),
    [
        pytest.param(0, "index.html", "Some tasks cannot be learned", id="which method where a task cannot be learned"),
        pytest.param(2, "methods/upgrad.html", "K quadratic programs of size K", id="what UPGrad costs"),
        pytest.param(
            2, "runs/nano-v2/config/0.html", "bench run method=config suite=nano-v2 seed=0", id="how to rerun"
        ),
    ],
)
def test_a_question_is_answered_within_two_clicks(real_site: Path, clicks: int, page: str, said: str):
    assert (real_site / page).resolve() in within(real_site.resolve(), clicks)
    assert said in html.unescape((real_site / page).read_text("utf-8"))
