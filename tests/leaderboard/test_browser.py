"""The site of the repository's results, as readers with a browser get it."""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Open = Callable[..., Any]
AXE = Path(__file__).resolve().parent / "axe.min.js"
AXE_DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""SHA-256 of axe-core 4.14.1 as npm has it."""
RUN_AXE = """async () => (await axe.run(document, {preload: false, resultTypes: ["violations"]})).violations
    .filter((found) => ["serious", "critical"].includes(found.impact))
    .flatMap((found) => found.nodes.map((node) => `${found.id}: ${node.target} ${node.failureSummary}`))"""
WIDER = "document.documentElement.scrollWidth > innerWidth ? ['scrolls sideways'] : []"
OPEN = "; for (const each of document.querySelectorAll('details')) each.open = true;"
VIEWS = ((360, "light"), (1400, "dark"))
CONTROLS = ".tools, .filters, .skip, [data-theme-toggle], select, input, textarea"
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}
ACTIVE = """() => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    const before = window.last, inOrder = !before || !!(before.compareDocumentPosition(element) & 4);
    window.last = element;
    return {name: element.outerHTML.slice(0, 120), inOrder, end: element === document.body,
            marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
            seen: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth
                  && box.bottom > 0 && box.top < innerHeight};
}"""


SIZES = [0, pytest.param(-1, marks=pytest.mark.slow)]
"""Which page of each kind is looked at, ordered by size: the smallest, and in the slow tests the largest as well."""


def kinds(site: Path, size: int) -> list[Path]:
    """Of the pages at each depth of each part of the site: all of the root, else the one at this place by size."""
    groups: dict[tuple[str, int], list[Path]] = {}
    for path in sorted(site.rglob("*.html")):
        parts = path.relative_to(site).parts
        groups.setdefault((path.name if len(parts) == 1 else parts[0], len(parts)), []).append(path)
    sized = (sorted(group, key=lambda path: path.stat().st_size) for group in groups.values())
    return sorted(group[size] for group in sized)


def visit(page: Any, site: Path, size: int) -> Iterator[str]:
    """Goes to every kind of page in turn; gives its name."""
    for path in kinds(site, size):
        page.goto(path.as_uri())
        yield path.relative_to(site).as_posix()


@pytest.fixture(scope="module")
def suite(real_site: Path) -> Path:
    """The page with every control: the suite's."""
    return real_site / "suites" / "nano-v1.html"


def tables(page: Any) -> list[Any]:
    return page.locator("table.sortable").all()


def cells(table: Any) -> list[list[str]]:
    """Texts of the visible cells of the visible rows; runs of white space are one blank."""
    texts = "rows => rows.map(r => [...r.cells].filter(c => c.offsetWidth).map(c => c.innerText)).filter(r => r.length)"
    return [[" ".join(text.split()) for text in row] for row in table.locator("tr").evaluate_all(texts)]


def values(table: Any, column: int) -> list[str]:
    """The data-value of a column's cells on screen, in order."""
    code = "(rows, i) => rows.filter(r => r.offsetHeight).map(r => r.cells[i].dataset.value ?? '')"
    return table.locator("tbody tr").evaluate_all(code, column)


def test_axe_is_the_one_that_was_published():
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == AXE_DIGEST


@pytest.mark.parametrize("size", SIZES)
def test_every_kind_of_page_is_accessible_and_fits(real_site: Path, open_page: Open, size: int):
    """No serious or critical finding of axe, contrast of text (4.5) among its rules; the page scrolls down only."""
    page = open_page(real_site / "index.html")
    found, axe = [], AXE.read_text("utf-8")
    for name in visit(page, real_site, size):
        page.evaluate(axe + OPEN)
        for width, scheme in VIEWS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            problems = page.evaluate(RUN_AXE) + page.evaluate(WIDER)
            found += [f"{name}, {width}, {scheme}: {problem}" for problem in problems]
    assert found == []


def test_the_text_to_copy_is_accessible(suite: Path, open_page: Open):
    page = open_page(suite, width=360, init="Object.defineProperty(navigator, 'clipboard', {value: undefined});")
    page.locator("[data-copy=latex]").first.press("Enter")
    assert page.get_by_role("dialog").is_visible()
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(RUN_AXE) + page.evaluate(WIDER) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_wins_over_the_system(real_site: Path, open_page: Open, theme: str):
    """With the same colours as the system's theme of that name."""
    ground = "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color"
    other = {"light": "dark", "dark": "light"}[theme]
    page = open_page(
        real_site / "index.html", color_scheme=other, init=f"localStorage.setItem('balancebench-theme', '{theme}');"
    )
    wanted = open_page(real_site / "index.html", color_scheme=theme)
    assert page.evaluate(ground) == wanted.evaluate(ground)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", [360, 1400])
def test_without_scripts_every_page_can_be_read(real_site: Path, open_page: Open, width: int, size: int):
    page = open_page(real_site / "index.html", width=width, java_script_enabled=False)
    for name in visit(page, real_site, size):
        assert page.locator("h1:visible").count() == 1, name
        assert page.locator("main").inner_text().strip(), name
        assert page.locator("button:visible:enabled, select:visible, input:visible, textarea:visible").count() == 0, (
            name
        )
        for table in page.locator("table").all():
            if not table.evaluate("table => !!table.closest('details:not([open])')"):
                assert re.search(r"\w", table.locator("tbody").first.inner_text()), name
    page.goto((real_site / "index.html").as_uri())
    assert len(re.findall(r"[+-]0\.\d{3}", page.locator("main").inner_text())) >= 10


@pytest.mark.parametrize("size", SIZES)
def test_the_keyboard_reaches_everything_in_order_and_in_sight(real_site: Path, open_page: Open, size: int):
    page = open_page(real_site / "index.html")
    for name in visit(page, real_site, size):
        stops = []
        while len(stops) < 40 and not (stops and stops[-1]["end"]):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(ACTIVE))
            # After the last stop comes the window, or the first stop again.
            if len(stops) > 1 and stops[-1]["name"] == stops[0]["name"]:
                stops.pop()
                break
        stops = [stop for stop in stops if not stop["end"]]
        assert 'class="skip"' in stops[0]["name"], name
        lost = [stop["name"] for stop in stops if not (stop["inOrder"] and stop["marked"] and stop["seen"])]
        assert lost == [], name


@pytest.mark.parametrize("size", SIZES)
def test_print_leaves_the_controls_out(real_site: Path, open_page: Open, size: int):
    page = open_page(real_site / "index.html")
    page.emulate_media(media="print")
    for name in visit(page, real_site, size):
        assert page.locator(CONTROLS).locator("visible=true").count() == 0, name
        assert page.locator("h1:visible").count() == 1, name


def test_every_column_sorts_by_key(real_site: Path, open_page: Open):
    """The better numbers first, then the other way; then the page's own order is back."""
    page = open_page(real_site / "index.html")
    assert tables(page)
    for table in tables(page):
        assert table.locator("thead button:enabled").count() >= 3
        for i, head in enumerate(table.locator("thead tr").last.locator("th").all()):
            if head.get_attribute("aria-sort") != "none" or not head.is_visible():
                continue
            before = cells(table)
            orders = ["descending", "ascending"][:: -1 if head.get_attribute("data-first") else 1]
            for order, key in zip(orders, ("Space", "Enter"), strict=True):
                head.get_by_role("button").press(key)
                numbers = [float(value) for value in values(table, i) if value]
                assert numbers == sorted(numbers, reverse=order == "descending")
                assert all(values(table, i)[: len(numbers)])
                assert head.get_attribute("aria-sort") == order or not numbers
            head.get_by_role("button").press("Enter")
            assert (cells(table), head.get_attribute("aria-sort")) == (before, "none")


def test_filters_keep_the_rows_that_have_the_value(suite: Path, open_page: Open):
    page = open_page(suite)
    rows = page.locator("table.sortable").first.locator("tbody tr")
    every = rows.evaluate_all("rows => rows.map(r => r.dataset)")
    selects = page.locator("form.filters").first.locator("select").all()
    assert {select.get_attribute("data-filter") for select in selects} >= {"place", "cost"}
    for select in selects:
        name = select.get_attribute("data-filter")
        for value in select.evaluate("select => [...select.options].map(o => o.value)"):
            select.select_option(value)
            shown = rows.evaluate_all("rows => rows.filter(r => r.offsetHeight).map(r => r.dataset)")
            assert shown == [row for row in every if not value or value in row[name].split()]
            assert shown or name != "place"
        select.select_option("")


def test_a_view_comes_back_from_its_link(suite: Path, open_page: Open):
    page = open_page(suite)
    table = page.locator("table.sortable").first
    table.locator("thead button").first.press("Enter")
    page.locator("form.filters select").first.select_option(index=1)
    page.locator("[data-columns] summary").first.click()
    page.locator("[data-columns] input:visible").first.uncheck()
    page.locator("[data-toggle=currency]").first.select_option(index=1)
    fresh = open_page(suite, f"#{page.url.partition('#')[2]}")
    assert cells(fresh.locator("table.sortable").first) == cells(table)
    assert len(cells(table)) > 1


def copied(page: Any, language: str) -> str:
    page.locator(f"[data-copy={language}]").first.click()
    page.locator("[data-status]", has_text="Copied").first.wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def test_csv_has_one_value_a_cell_for_every_row_on_screen(suite: Path, open_page: Open):
    page = open_page(suite, **CLIPBOARD)
    table = page.locator("table.sortable").first
    for _ in range(2):
        rows = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
        assert [row["Minus uniform"] for row in rows] == values(table, 3)
        assert all(re.fullmatch(r"[+-]?[\d.]+|", row["Minus uniform low"]) for row in rows)
        assert {row["Minus uniform verdict"] for row in rows} >= {"not separable from uniform"}
        assert all(re.fullmatch(r"[\d.]+", row["Mean gain margin"]) for row in rows)
        table.locator("thead button").first.press("Enter")
        page.locator("form.filters select").first.select_option(index=1)


@pytest.mark.parametrize(
    ("language", "line", "sign"),
    [("latex", r"^(?!%).* & .* \\\\$", r"$\pm$"), ("markdown", r"^\| (?!:-).* \|$", "\u00b1")],
)
def test_a_copied_table_has_every_row_and_interval(suite: Path, open_page: Open, language: str, line: str, sign: str):
    page = open_page(suite, **CLIPBOARD)
    text = copied(page, language)
    rows = cells(page.locator("table.sortable").first)
    lines = [each for each in text.splitlines() if re.match(line, each)]
    assert len(lines) == len(rows)
    assert [each.count(sign) for each in lines] == [" ".join(row).count("\u00b1") for row in rows]
