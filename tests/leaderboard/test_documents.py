"""Documents of the repository and the reference are pages of the site, and its address makes links to it whole."""

import re
import struct
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bench.catalogue import catalogue
from leaderboard import card, front, links
from leaderboard.build import build
from leaderboard.catalogue import Catalogue
from leaderboard.documents import rendered, title_of

ADDRESS = "https://example.org/bench"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of an empty store at an address."""
    root = tmp_path_factory.mktemp("documents")
    (root / "results").mkdir()
    build(root / "results", root / "site", catalogue=catalogue(address=f"{ADDRESS}/"))
    return root / "site"


def page(text: str, path: str = "docs/page.md", code: str = "") -> str:
    documents = {path: text, "README.md": "# Start", "docs/other.md": "# Other"}
    return rendered(path, Catalogue(code=code, documents=documents, pictures={"docs/plan.svg": b"<svg/>"}))


def test_every_document_has_a_page_with_all_its_headings(site: Path) -> None:
    documents = catalogue().documents
    assert {"README.md", "CONTRIBUTING.md", "docs/architecture.md"} <= documents.keys()
    for path, text in documents.items():
        shown = (site / links.document(path)).read_text("utf-8")
        headings = re.findall(
            r"^## .+$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
        )
        assert shown.count("<h2 ") == len(headings), path
        assert f"<title>{title_of(text)} - BalanceBench</title>" in unescape(shown)


def test_links_lead_to_pages_or_to_code_or_nowhere() -> None:
    text = "[a](other.md#part) [b](../README.md) [c](../bench/run.py) [d](https://example.org) ![e](plan.svg)"
    drawn = page(text)
    assert re.findall('(?:href|src)="([^"]+)"', drawn) == [
        "../docs/other.html#part",
        "../docs/index.html",
        "https://example.org",
        "../docs/plan.svg",
    ]
    assert " c " in drawn
    assert 'href="https://code.org/HEAD/bench/run.py"' in page(text, code="https://code.org")


def test_headings_are_named_as_links_expect_them() -> None:
    assert re.findall('id="([^"]+)"', page("# A `b` c?\n\n## Two-part x_y\n\n## Two-part x_y\n")) == [
        "a-b-c",
        "two-part-x_y",
        "two-part-x_y-1",
    ]


def test_a_document_brings_no_markup_and_no_style() -> None:
    drawn = page("<script>x</script>\n\n<!-- a mark -->\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert "<script" not in drawn
    assert "a mark" not in drawn
    assert "style=" not in drawn
    assert '<td class="right">2</td>' in drawn


def test_the_reference_shows_signatures_and_docstrings(site: Path) -> None:
    text = unescape(re.sub("<[^>]+>", "", (site / links.REFERENCE).read_text("utf-8")))
    assert "class BalancedGRPOTrainer(\n    model: str | PreTrainedModel,\n    reward_funcs: Any = None,\n" in text
    assert "Weighting.combine_weights(signals: Signals) -> Tensor" in text
    assert "Task.verify(reply: str, row: Row) -> float" in text


def test_an_address_makes_the_card_and_the_missing_page_whole(site: Path) -> None:
    home, missing = ((site / name).read_text("utf-8") for name in ("index.html", links.MISSING))
    assert f'<meta property="og:image" content="{ADDRESS}/static/card.png">' in home
    assert f'<meta property="og:url" content="{ADDRESS}/index.html">' in home
    assert set(re.findall('(?:href|src)="(?!#)([^"]+)', missing)) == {
        link for link in re.findall('(?:href|src)="([^"]+)', missing) if link.startswith(f"{ADDRESS}/")
    }


def test_every_page_has_a_description_and_an_icon(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        assert re.search('<meta name="description" content="[^"]{10,}">', text), path
        assert '/static/icon.svg">' in text or '"static/icon.svg">' in text


def test_the_card_shows_the_tasks_of_the_records_and_is_as_large_as_sites_want() -> None:
    assert card.DRAWING.read_text("utf-8") == front.card_of(front.board_of()), "python -m leaderboard.front"
    picture = card.PICTURE.read_bytes()
    assert struct.unpack(">II", picture[16:24]) == card.SIZE


def test_a_document_is_read_on_a_phone(real_site: Path, open_page: Any) -> None:
    """Nothing scrolls sideways but tables and code, and the text has the width of the screen."""
    shown = open_page(real_site / "docs" / "architecture.html", width=360)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 360
    assert shown.locator("article").bounding_box()["width"] > 300
