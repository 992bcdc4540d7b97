"""The site on a phone, on paper and by keyboard: nothing is cut, nothing is left out, nothing is far."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Open = Callable[..., Any]
PAGES = ("index.html", "suites/nano-v1.html", "compare/nano-v1.html", "methods.html", "tasks/nano-v1/lookup.html")
LARGE = (*PAGES, "reports/nano-v1.html", "search.html", "suites.html", "tasks.html", "methods/mgs.html")
STOPS = """() => [...document.querySelectorAll("a[href], button, select, input, textarea, summary, [tabindex]")]
    .filter((each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility()).length"""
SMALL = """() => [...document.querySelectorAll("td a, tbody th a, nav a, button, select, summary")]
    .filter((each) => each.checkVisibility() && !each.closest("svg") && !each.closest("td.text, dd, p, li"))
    .filter((each) => Math.round(each.getBoundingClientRect().height) < 24)
    .map((each) => each.outerHTML.slice(0, 90))"""
CUT = """() => [...document.querySelectorAll("table.cards td")].filter((cell) => cell.checkVisibility())
    .map((cell) => [cell, cell.getBoundingClientRect()])
    .filter(([, box]) => box.left < 0 || box.right > innerWidth + 1).map(([cell]) => cell)
    .map((cell) => cell.textContent.trim().slice(0, 60))"""
UNSAID = """() => [...document.querySelectorAll("table.cards:not(.few) tbody td")].filter((cell) => !cell.dataset.label)
    .length"""


@pytest.mark.parametrize("name", LARGE)
def test_a_page_has_fewer_than_150_stops_for_the_keyboard(real_site: Path, open_page: Open, name: str):
    assert open_page(real_site / name).evaluate(STOPS) < 150


@pytest.mark.parametrize("name", PAGES)
def test_targets_are_at_least_24_pixels_tall(real_site: Path, open_page: Open, name: str):
    assert open_page(real_site / name).evaluate(SMALL) == []


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_a_row_is_a_card_and_no_cell_is_cut(real_site: Path, open_page: Open, name: str):
    page = open_page(real_site / name, width=360)
    assert page.evaluate(CUT) == []
    assert page.locator("table.cards thead").first.is_hidden()
    assert page.evaluate(UNSAID) == 0


def test_on_a_phone_every_point_of_a_chart_is_in_sight(real_site: Path, open_page: Open):
    page = open_page(real_site / "suites" / "nano-v1.html", width=360)
    outside = """() => [...document.querySelectorAll(".plot [data-value]")].filter((mark) => {
        const box = mark.getBoundingClientRect();
        return box.left < 0 || box.right > innerWidth;
    }).length"""
    assert page.locator(".plot [data-value]").count() > 50
    assert page.evaluate(outside) == 0


def test_on_paper_every_column_is_there_with_its_name(real_site: Path, open_page: Open):
    page = open_page(real_site / "suites" / "nano-v1.html", width=1100)
    page.emulate_media(media="print")
    table = page.locator("table.sortable").first
    shown = (
        table.locator("tbody tr")
        .first.locator("td")
        .evaluate_all(
            "cells => cells.filter(cell => !cell.hidden).map(cell => [cell.dataset.label, cell.checkVisibility()])"
        )
    )
    assert len(shown) > 20
    assert all(label and seen for label, seen in shown)
    assert page.evaluate(CUT) == []
