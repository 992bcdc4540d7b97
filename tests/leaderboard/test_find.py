"""Searching, choosing methods to compare, values and downloads of charts, in a browser."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

Open = Callable[..., Any]


def test_search_finds_names_and_sentences_and_comes_back_from_its_link(real_site: Path, open_page: Open):
    page = open_page(real_site / "search.html")
    assert page.locator(".found li:visible").count() == 0
    page.get_by_role("searchbox").fill("column addition")
    names = page.locator(".found li:visible a").all_inner_texts()
    assert "column_addition" in names
    assert "mgda" not in names
    assert page.get_by_role("status").inner_text() == f"{len(names)} found."
    fresh = open_page(real_site / "search.html", f"#{page.url.partition('#')[2]}")
    assert fresh.locator(".found li:visible a").all_inner_texts() == names


def test_chosen_methods_stand_side_by_side_and_come_back_from_their_link(real_site: Path, open_page: Open):
    page = open_page(real_site / "compare" / "nano-v1.html")
    heads = page.locator("#chosen thead th:visible")
    assert heads.count() == 1 + 6
    page.locator(".choose select").select_option(["uniform", "mgda", "pcgrad"])
    shown = heads.evaluate_all("heads => heads.map(head => head.dataset.method)")
    assert {"uniform", "mgda", "pcgrad"} == set(shown[1:])
    assert page.locator("#chosen tbody tr").first.locator("td:visible").count() == 3
    fresh = open_page(real_site / "compare" / "nano-v1.html", f"#{page.url.partition('#')[2]}")
    there = fresh.locator("#chosen thead th:visible").evaluate_all("heads => heads.map(head => head.dataset.method)")
    assert there == shown


def test_no_more_than_six_are_compared(real_site: Path, open_page: Open):
    page = open_page(real_site / "compare" / "nano-v1.html")
    every = page.locator(".choose option").evaluate_all("options => options.map(option => option.value)")
    page.locator(".choose select").select_option(every)
    assert page.locator("#chosen thead th:visible").count() == 1 + 6
    assert "Only 6 fit" in page.locator("[data-chosen]").inner_text()


def test_a_chart_says_its_values_by_pointer_and_by_key(real_site: Path, open_page: Open):
    page = open_page(real_site / "index.html")
    figure = page.locator("#loudness")
    figure.locator("[data-value]").first.hover()
    said = figure.get_by_role("status").inner_text()
    assert re.match(r"\w+ at [\d.e-]+: [\d.e-]+ \(", said)
    figure.locator(".plot").focus()
    seen = []
    for _ in range(figure.locator("[data-value]").count()):
        seen.append(figure.get_by_role("status").inner_text())
        page.keyboard.press("ArrowRight")
    assert len(set(seen)) == len(seen) > 2
    assert said in seen


def test_a_chart_is_saved_as_a_drawing_of_its_own(real_site: Path, open_page: Open):
    page = open_page(real_site / "index.html")
    with page.expect_download() as download:
        page.locator("#loudness").get_by_role("button", name="Save this chart as SVG").click()
    root = ET.fromstring(Path(download.value.path()).read_text("utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "class" not in {name for each in root.iter() for name in each.attrib}
    assert any("stroke" in each.attrib.get("style", "") for each in root.iter())

    with page.expect_download() as download:
        page.locator("#loudness").get_by_role("button", name="Save this chart as PNG").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_two_hundred_rows_sort_within_a_tenth_of_a_second(contract: Path, open_page: Open):
    """The script and the layout that it causes; the best of five, as the machine may be busy."""
    page = open_page(contract)
    page.evaluate(
        """() => {
        const table = document.querySelector("table.sortable");
        const body = table.tBodies[0];
        while (body.rows.length < 200) body.append(body.rows[body.rows.length % 4].cloneNode(true));
        const script = document.querySelector("script[src$='table.js']").src;
        return new Promise((done) => {
            document.querySelector("thead button").replaceWith(document.querySelector("thead button").cloneNode(true));
            const again = Object.assign(document.createElement("script"), {src: script, onload: done});
            document.head.append(again);
        });
    }"""
    )
    took = page.evaluate(
        """() => {
        const button = document.querySelectorAll("table.sortable thead button")[1];
        return [0, 0, 0, 0, 0].map(() => {
            const start = performance.now();
            button.click();
            document.body.getBoundingClientRect();
            return performance.now() - start;
        });
    }"""
    )
    assert page.locator("table.sortable tbody tr").count() >= 200
    assert min(took) < 100
