"""Every method, suite and task has a page, run or not; pages lead to each other and out to papers and code."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from bench.catalogue import catalogue
from leaderboard.build import build
from leaderboard.catalogue import Catalogue


@pytest.fixture(scope="module")
def entries() -> Catalogue:
    return catalogue("https://example.org/blob")


SUITES = ("nano-v1", "nano-v2", "nano-noise-v1", "nano-units-v1")
"""The suites of a store in which mgda was run on more of them than the list of methods names."""


@pytest.fixture(scope="module")
def results(entries: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of that store."""
    from bench.records.store import record_path, to_text, write
    from tests.conftest import build_record

    root = tmp_path_factory.mktemp("results")
    for suite in SUITES:
        for method, gain in (("uniform", 5), ("mgda", 9)):
            for seed in range(3):
                record = build_record(2, method, seed, suite, gains=[4 + seed, gain])
                write(record_path(root / "results", suite, method, seed), to_text(record))
    build(root / "results", root / "site", catalogue=entries)
    return root / "site"


@pytest.fixture(scope="module")
def site(entries: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a store with two methods on one suite."""
    from bench.records.store import record_path, to_text, write
    from tests.conftest import build_record

    root = tmp_path_factory.mktemp("catalogue")
    for method in ("uniform", "pcgrad"):
        for seed in range(3):
            record = build_record(2, method, seed, gains=[4 + seed, 5 if method == "uniform" else 7])
            write(record_path(root / "results", "nano-v1", method, seed), to_text(record))
    build(root / "results", root / "site", catalogue=entries)
    return root / "site"


def test_every_entry_has_a_page(site: Path, entries: Catalogue):
    for folder, names in (("methods", entries.methods), ("suites", entries.suites), ("tasks", entries.tasks)):
        assert [name for name in names if not (site / folder / f"{name}.html").is_file()] == []


def test_every_link_of_the_catalogue_leads_somewhere(site: Path):
    for path in site.rglob("*.html"):
        for link in re.findall(r'href="([^"]+)"', path.read_text("utf-8")):
            parts = urlsplit(link)
            if parts.scheme in ("data", "https"):
                documents = path.parent == site / "docs"  # these lead wherever their authors want
                assert documents or parts.netloc in ("arxiv.org", "example.org"), link
            elif parts.path:
                assert (path.parent / unquote(parts.path)).is_file(), f"{path}: {link}"


def test_a_method_without_a_row_says_what_would_make_one(site: Path):
    page = (site / "methods" / "upgrad.html").read_text("utf-8")
    assert "Not run yet" in page
    assert "bench sweep method=upgrad suite=nano-v2 seed=all" in page
    assert "<math " in page
    assert 'href="https://arxiv.org/abs/2406.16232"' in page
    assert 'href="https://example.org/blob/HEAD/methods/upgrad.py"' in page


def test_the_list_of_methods_counts_verdicts_where_there_are_many_suites(results: Path):
    page = (results / "methods.html").read_text("utf-8")
    line = page[page.index('methods/mgda.html"') :][:600]
    assert re.search(r"better in \d, worse in 0, of 4 suites", line)
    assert "the reference" in page[page.index('methods/uniform.html"') :][:600]


def test_a_page_of_a_method_begins_with_its_standing_in_every_suite(results: Path, site: Path):
    page = (results / "methods" / "mgda.html").read_text("utf-8")
    facts = page[: page.index('<section id="nano-')]
    assert [facts.count(f'href="#{suite}"') for suite in SUITES] == [1] * len(SUITES)
    assert "Minus uniform" not in (site / "methods" / "pcgrad.html").read_text("utf-8").split("<section")[0]


def test_the_list_of_suites_says_what_came_out(results: Path, site: Path):
    assert (results / "suites.html").read_text("utf-8").count("1 method: ") == len(SUITES)
    assert (site / "suites.html").read_text("utf-8").count("1 method: ") == 1


def test_a_method_with_rows_leads_to_its_code_at_the_commit_of_its_records(site: Path):
    page = (site / "methods" / "pcgrad.html").read_text("utf-8")
    assert "Not run yet" not in page
    commit = re.search(r"commit <code>(\w+)", page)[1]
    assert re.search(rf'href="https://example.org/blob/{commit}\w*/methods/pcgrad.py"', page)
    assert "bench reproduce results/nano-v1/pcgrad/0.json" in page


def test_a_suite_says_its_recipe_run_or_not(site: Path, entries: Catalogue):
    for name in ("nano-v1", "nano-dead-v1"):
        page = (site / "suites" / f"{name}.html").read_text("utf-8")
        assert f"{entries.suites[name].learning_rate:.1e}" in page
        assert entries.suites[name].digest[:12] in page
    assert "Not run yet" in (site / "suites" / "nano-dead-v1.html").read_text("utf-8")


def test_a_task_shows_prompts_with_right_and_wrong_replies(site: Path, entries: Catalogue):
    page = (site / "tasks" / "lookup.html").read_text("utf-8")
    for sample in entries.tasks["lookup"].samples:
        assert sample.prompt.splitlines()[0][:20] in page
    assert page.count("1 right") == 3
    assert page.count("0 wrong") == 6
    assert "fetches them" in (site / "tasks" / "gsm8k.html").read_text("utf-8")


def test_the_search_page_lists_everything_once(site: Path, entries: Catalogue):
    page = (site / "search.html").read_text("utf-8")
    links = re.findall(r'<li><a href="((?:methods|suites|tasks)/[^"]+)"', page)
    assert len(links) == len(set(links)) == len(entries.methods) + len(entries.suites) + len(entries.tasks)


def test_the_log_of_changes_has_a_line_for_every_row(site: Path):
    page = (site / "changes.html").read_text("utf-8")
    assert re.findall(r"methods/(\w+)\.html#nano-v1", page) == ["pcgrad", "uniform"]


def test_a_store_without_records_still_has_the_catalogue(entries: Catalogue, tmp_path: Path):
    (tmp_path / "results").mkdir()
    build(tmp_path / "results", tmp_path / "site", catalogue=entries)
    assert "No results yet" in (tmp_path / "site" / "index.html").read_text("utf-8")
    assert (tmp_path / "site" / "methods" / "mgda.html").is_file()
