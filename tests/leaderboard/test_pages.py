"""What each page says, and that every number on it leads to its runs."""

import re
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.records.attempts import attempts_of
from bench.records.store import outcome_digest
from leaderboard.build import build

UNIFORM = [[4, 4], [6, 6], [8, 8]]
Gains = Mapping[str, Sequence[Sequence[int]]]
Site = Callable[..., Path]


class Cells(HTMLParser):
    """Cells of tables: tag, classes, attributes, text, and whether it has a link."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[dict[str, str]] = []
        self.open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            self.cells.append({key: value or "" for key, value in attrs} | {"tag": tag, "text": "", "link": ""})
            self.open = True
        elif tag == "a" and self.open:
            self.cells[-1]["link"] = dict(attrs)["href"] or ""

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.cells[-1]["text"] += data


@pytest.fixture
def site(make_record, save, tmp_path: Path) -> Site:
    """Builds the site of methods from their gains by seed and task; changes: fields of a run by (method, seed)."""

    def site(gains: Gains, changes: Mapping[tuple[str, int], dict] | None = None) -> Path:
        for method, seeds in gains.items():
            for seed, tasks in enumerate(seeds):
                fields = (changes or {}).get((method, seed), {})
                name = method.partition("+")[0]
                use = {"settings": {"weights": method}} if "+" in method else {}
                record = make_record(len(tasks), name, seed, gains=tasks, use=use, **fields)
                save(tmp_path / "results", record, method)
        build(tmp_path / "results", tmp_path / "site")
        return tmp_path / "site"

    return site


def text(page: Path) -> str:
    return page.read_text()


def test_every_number_of_a_table_of_methods_leads_to_its_runs(site):
    root = site({"uniform": UNIFORM, "pcgrad": [[5, 5], [6, 8], [9, 9]], "static+0123abcd": UNIFORM})
    for name in (
        "index.html",
        "methods.html",
        "suites/nano-v1.html",
        "compare/nano-v1.html",
        "tasks/nano-v1/task_a.html",
    ):
        numbers = [
            cell for cell in Cells(text(root / name)).cells if cell["tag"] == "td" and cell["text"].startswith("+0")
        ]
        assert numbers
        for cell in numbers:
            assert re.search(r"(methods|runs)/", cell["link"]), f"{name}: {cell}"


def test_every_mean_stands_beside_its_interval(site):
    root = site({"uniform": UNIFORM, "pcgrad": [[5, 5], [6, 8], [9, 9]]})
    means = [
        c for c in Cells(text(root / "index.html")).cells if c["tag"] == "td" and re.match(r"\+\d\.\d{3}", c["text"])
    ]
    assert means
    assert all("±" in cell["text"] or "[" in cell["text"] for cell in means)


def test_the_answer_counts_methods_by_their_verdicts(site):
    said = text(site({"uniform": UNIFORM, "good": [[6, 6], [8, 8], [10, 10]], "same": UNIFORM}) / "index.html")
    assert "Of 2 methods beside uniform, 1 gains more, none gain less, and 1 cannot be distinguished from it" in said
    assert "The largest difference is that of good: +0.050 [+0.050, +0.050]." in said
    assert "Methods without a row have not been run on this suite." in said


def test_runs_that_are_not_done_are_told_apart(site):
    changes = {
        ("bad", 0): {"status": "failed", "reason": "the loss is not finite"},
        ("bad", 1): {"status": "over_budget", "reason": "no steps left"},
    }
    root = site({"uniform": UNIFORM, "bad": [[9, 9], [9, 9]]}, changes)
    cells = {cell.get("class", ""): cell for cell in Cells(text(root / "suites/nano-v1.html")).cells}
    assert cells["none failed"]["link"] == "../runs/nano-v1/bad/0.html"
    assert cells["none over-budget"]["link"] == "../runs/nano-v1/bad/1.html"
    assert cells["none not-run"]["text"] == "not run"
    assert cells["none not-applicable"]["text"] == "not applicable"
    for page in ("index.html", "methods.html", "suites/nano-v1.html", "methods/bad.html"):
        assert "1 of 2 runs failed, 1 of 2 runs over budget" in text(root / page)
        assert "preliminary: seed 2 not run" in text(root / page)
    assert "the loss is not finite" in text(root / "methods/bad.html")


def test_a_task_made_worse_is_red_in_every_view(site):
    root = site({"uniform": UNIFORM, "harmful": [[-5, 9], [-6, 9], [-5, 9]]})
    for page in (
        "suites/nano-v1.html",
        "methods/harmful.html",
        "tasks/nano-v1/task_a.html",
        "runs/nano-v1/harmful/0.html",
    ):
        losses = [cell for cell in Cells(text(root / page)).cells if "loss" in cell.get("class", "").split()]
        assert any(cell["text"].startswith("-0.1") for cell in losses), page
    assert '<g class="loss" ' in text(root / "suites/nano-v1.html")
    hurt = [cell for cell in Cells(text(root / "index.html")).cells if re.fullmatch(r"\d task_a", cell["text"])]
    assert [cell["class"] for cell in hurt] == ["loss"]


def test_settings_of_a_method_are_counted_once(site):
    said = text(site({"uniform": UNIFORM, "pike+00000001": UNIFORM, "pike+00000002": UNIFORM}) / "index.html")
    assert "Of 1 method beside uniform (2 rows with their settings)" in said


def test_without_static_weights_no_frontier_is_claimed(site):
    page = text(site({"uniform": UNIFORM, "good": [[9, 9]] * 3}) / "suites/nano-v1.html")
    assert "No static weights but those of uniform were tried" in page
    assert "best of" not in page


def test_specialists_stand_apart(site):
    root = site({"uniform": UNIFORM, "single_task": [[9, 9]] * 3})
    assert "runs/nano-v1/single_task" not in text(root / "index.html")
    assert 'id="specialists/caption"' in text(root / "suites/nano-v1.html")


def test_the_home_page_shows_the_best_and_leads_to_the_rest(site):
    root = site({"uniform": UNIFORM, **{f"m{number:02}": [[number, 1]] * 2 for number in range(20)}})
    home = text(root / "index.html")
    assert re.search(r"\b5 of 21 rows", home)
    assert "m19" in home
    assert "m03" not in home
    assert "m03" in text(root / "suites/nano-v1.html")


def test_too_many_rows_are_not_paired(site):
    few = {"uniform": UNIFORM, "a": UNIFORM}
    assert "too many" not in text(site(few) / "compare/nano-v1.html")
    many = {f"m{number:02}": [[number % 20, 1]] for number in range(40)}
    assert "42 rows are too many" in text(site({**few, **many}) / "compare/nano-v1.html")


def test_a_pair_is_the_mirror_of_its_mirror(site):
    found = Cells(text(site({"uniform": UNIFORM, "up": [[6, 6], [8, 8], [11, 11]]}) / "compare/nano-v1.html")).cells
    pairs = [re.findall("[-+0-9.]+", cell["text"]) for cell in found if cell["tag"] == "td" and "[" in cell["text"]]
    (mean, low, high), mirror = pairs[-2], [float(number) for number in pairs[-1]]
    assert [-float(mean), -float(high), -float(low)] == mirror


def test_a_task_page_says_how_much_its_evaluation_can_tell(site):
    page = text(site({"uniform": UNIFORM}) / "tasks/nano-v1/task_a.html")
    assert (
        "0.250 &plusmn; 0.069" in page
    )  # 10 of 40: the items' deviation, the root of 0.25 * 0.75 * 40 / 39, over that of 40
    assert "40, each sampled once" in page
    assert "pass@8" not in page


def test_a_task_page_counts_samples_and_says_what_is_within_reach(make_record, save, tmp_path):
    """20 items of two samples each: 5 right twice, as many wrong at best once in eight tries."""
    record = make_record(1, "uniform", 0)
    (task,) = record.tasks
    before = task.before.model_copy(update={"count": 20, "samples": 2})
    tried = task.model_copy(update={"before": before, "attempts": attempts_of([8, 1, 0, 0], 8)})
    record = record.model_copy(update={"tasks": [tried]})
    digest = outcome_digest(record.model_dump(mode="json"))
    save(tmp_path / "results", record.model_copy(update={"outcome_digest": digest}))
    build(tmp_path / "results", tmp_path / "site")
    page = text(tmp_path / "site" / "tasks/nano-v1/task_a.html")
    assert "20, each sampled 2 times" in page
    assert "of 4 items the base model gets 0.281 right in one try" in page
    assert "0.500 in at least one of eight" in page
    assert "0.250 &plusmn; 0.099" in page  # five items always right, fifteen never: their samples say nothing new


def test_a_method_page_pairs_each_run_with_the_reference(site):
    page = Cells(text(site({"uniform": UNIFORM, "pcgrad": [[6, 6], [8, 8], [9, 9]]}) / "methods/pcgrad.html")).cells
    links = [cell["link"] for cell in page]
    for seed in range(3):
        assert f"../runs/nano-v1/pcgrad/{seed}.html" in links
        assert f"../runs/nano-v1/uniform/{seed}.html" in links


def test_reports_are_answers_or_say_what_is_missing(site):
    page = text(site({"uniform": UNIFORM}) / "reports/nano-v1.html")
    for number in range(1, 13):
        assert f'<section id="R{number}" class="report">' in page
    assert page.count('<p class="answer">') + page.count("Not answered:") == 12


def test_downloads_are_listed_with_their_citation(site):
    root = site({"uniform": UNIFORM})
    page = text(root / "data.html")
    assert "data/nano-v1/board.csv" in page
    assert "@misc{balancebench-nano-v1" in page
    assert (root / "data/nano-v1/board.csv").is_file()


def test_one_currency_is_shown_and_all_are_there(site):
    page = text(site({"uniform": UNIFORM, "pcgrad": UNIFORM}) / "suites/nano-v1.html")
    heads = [cell for cell in Cells(page).cells if cell["tag"] == "th" and "currency-" in cell.get("class", "")]
    assert [("hidden" in cell) for cell in heads] == [False, True, True, True]
