"""The site as a reader gets it."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from bench.analysis.loading import load
from bench.errors import UserError
from leaderboard.build import build
from leaderboard.environment import reproduce_command
from leaderboard.links import run_page
from leaderboard.text import compact, figure, signed

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '<script>alert("&")</script>'


class Page(HTMLParser):
    """Ids, links and assets of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.assets: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.tags.add(tag)
        self.attributes |= values.keys()
        if tag == "script" and not values.get("src"):
            self.inline.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        elif "src" in values or "href" in values:
            self.assets.append(values.get("src") or values["href"])


@pytest.fixture
def results(make_record, save, tmp_path: Path) -> Path:
    """Two suites; a name with a slash, settings, hostile text; a failed run, an exploratory one."""
    store = tmp_path / "results"
    for seed in range(3):
        for method in ("uniform", "torchjd/UPGrad"):
            save(store, make_record(method=method, seed=seed))
    card = {"title": HOSTILE, "summary": HOSTILE, "source": HOSTILE, "differs": HOSTILE, "costs": HOSTILE}
    settings = {"weights": [20.0, 1.0], "name": HOSTILE, "empty": [], "on": True}
    save(store, make_record(method="static", use={"settings": settings, "card": card}), "static+0123abcd")
    failed = make_record(
        method="static",
        seed=1,
        status="failed",
        reason=HOSTILE,
        curves={name: [] for name, _ in make_record().curves},
    )
    save(store, failed, "static+0123abcd")
    save(store, make_record(suite="smoke-v1", tasks=1, provenance={"packages": {"torch": HOSTILE}}))
    (store / "nano-v1~0123abcd" / "uniform").mkdir(parents=True)
    (store / "nano-v1~0123abcd" / "uniform" / "0.json").write_text("not even a record")
    return store


@pytest.fixture
def site(results: Path, tmp_path: Path) -> Path:
    build(results, tmp_path / "site")
    return tmp_path / "site"


def pages(site: Path) -> dict[Path, Page]:
    found = {path: Page(path.read_text()) for path in site.rglob("*.html")}
    # 7 of the site; suite, compare, reports and tasks of two suites; 3 methods; 9 runs
    assert len(found) == 7 + 2 * 3 + 3 + 1 + 3 + 9
    return found


def test_every_file_is_returned_and_nothing_else_is_there(results: Path, tmp_path: Path):
    written = build(results, tmp_path / "site")
    assert written == sorted(path for path in (tmp_path / "site").rglob("*") if path.is_file())
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_site_is_the_same_bytes_each_time(results: Path, tmp_path: Path):
    contents = []
    for salt in ("1", "2"):
        out = tmp_path / f"site{salt}"
        code = "import sys, pathlib, leaderboard.build as b; b.build(*map(pathlib.Path, sys.argv[1:]))"
        command = [sys.executable, "-c", code, str(results), str(out)]
        environment = {**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": str(ROOT), "TZ": f"UTC{salt}"}
        subprocess.run(command, check=True, env=environment, cwd=tmp_path)
        contents.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()})
    assert contents[0] == contents[1]


def test_every_link_leads_somewhere(site: Path):
    parsed = pages(site)
    for path, page in parsed.items():
        assert len(page.ids) == len(set(page.ids))
        for link in page.links + page.assets:
            parts = urlsplit(link)
            if parts.scheme == "data":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path}: {link}"
            if parts.fragment:
                assert unquote(parts.fragment) in parsed[target].ids, f"{path}: {link}"


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline(site: Path):
    for path, page in pages(site).items():
        assert not [asset for asset in page.assets if urlsplit(asset).scheme not in ("", "data")]
        assert page.inline == []
        assert "style" not in page.tags
        assert not [name for name in page.attributes if name == "style" or name.startswith("on")]
        assert "default-src 'none'; style-src 'self'; script-src 'self';" in path.read_text()
    css = (site / "static" / "style.css").read_text()
    assert "url(" not in css
    assert "@import" not in css


def test_what_a_record_says_is_text(site: Path):
    texts = {path.relative_to(site).as_posix(): path.read_text() for path in pages(site)}
    assert not [name for name, text in texts.items() if HOSTILE in text or "<script>" in text]
    told = {name for name, text in texts.items() if "&lt;script&gt;" in text}
    assert {"methods/static+0123abcd.html", "runs/nano-v1/static+0123abcd/0.html", "methods.html"} <= told


def test_the_index_shows_what_counts(site: Path):
    index = (site / "index.html").read_text()
    for words in ("not separable from uniform", "1 of 2 runs failed", "95&nbsp;%", "weights", "smoke-v1"):
        assert words in index
    assert "nano-v1~" not in index
    assert (site / "data/nano-v1/uniform/0.json").read_bytes() == (
        site.parent / "results/nano-v1/uniform/0.json"
    ).read_bytes()


def test_a_run_page_says_how_to_repeat_it(results: Path):
    commands = {run_page(run): reproduce_command(run) for run in load(results).runs}
    assert commands["runs/nano-v1/uniform/2.html"] == "bench run method=uniform suite=nano-v1 seed=2"
    assert commands["runs/nano-v1/static+0123abcd/0.html"] == (
        "bench run method=static suite=nano-v1 seed=0 "
        "'method.name=<script>alert(\"&\")</script>' method.on=true method.weights=20.0,1.0"
    )


def test_an_old_site_is_replaced_as_a_whole(results: Path, site: Path):
    (results / "nano-v1/uniform/2.json").unlink()
    build(results, site)
    assert not (site / "runs/nano-v1/uniform/2.html").exists()


def test_a_broken_record_is_named_and_the_old_site_stays(results: Path, site: Path):
    path = results / "nano-v1/uniform/1.json"
    path.write_text(path.read_text().replace('"rollouts":192', '"rollouts":-1'))
    with pytest.raises(UserError, match=r"nano-v1/uniform/1.json: field ledger.rollouts"):
        build(results, site)
    assert (site / "runs/nano-v1/uniform/1.html").is_file()


def test_a_record_that_was_edited_is_named(results: Path, tmp_path: Path):
    path = results / "nano-v1/uniform/1.json"
    path.write_text(path.read_text().replace('"backward_passes":192', '"backward_passes":1'))
    with pytest.raises(UserError, match=r"uniform/1.json: field outcome_digest"):
        build(results, tmp_path / "site")


def test_a_broken_record_can_be_left_out_and_is_told(results: Path, tmp_path: Path):
    (results / "nano-v1/uniform/1.json").write_text("not even a record <script>")
    build(results, tmp_path / "site", keep_going=True)
    for page in ("index.html", "data.html"):
        text = (tmp_path / "site" / page).read_text()
        assert "nano-v1/uniform/1.json" in text
        assert "1 problem in the store" in text


@pytest.mark.parametrize("out", [".", "results", "precious"])
def test_only_a_site_is_ever_replaced(results: Path, tmp_path: Path, out: str):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "index.html").write_text("mine")
    with pytest.raises(UserError, match="not a site built before"):
        build(results, tmp_path / out)
    assert (tmp_path / "precious" / "index.html").read_text() == "mine"
    assert (results / "nano-v1").is_dir()


def test_a_place_that_cannot_be_written_is_a_user_error(results: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the site"):
        build(results, tmp_path / "file" / "site")


def test_an_empty_store_gives_a_page_that_says_so(tmp_path: Path):
    (tmp_path / "results").mkdir()
    build(tmp_path / "results", tmp_path / "site")
    assert "No results yet" in (tmp_path / "site" / "index.html").read_text()
    with pytest.raises(UserError, match="no folder"):
        build(tmp_path / "absent", tmp_path / "site")


@pytest.mark.parametrize(("value", "text"), [(0.12345, "0.1235"), (1e6, "1e6"), (2.5e-7, "2.5e-7"), (3.0, "3")])
def test_compact_numbers_have_four_significant_digits(value, text):
    assert compact(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "+0.123"), (-0.0001, "-0.0001"), (0.0, "0.000"), (-0.5, "-0.500")]
)
def test_gains_have_a_sign_and_three_decimals(value, text):
    assert signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\u2013"), (42.0, "42.0"), (123.4, "123"), (1234.0, "1,230"), (0.0712, "0.0712"), (0.0, "0.00")],
)
def test_figures_have_three_significant_digits(value, text):
    assert figure(value) == text
