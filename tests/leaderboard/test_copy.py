"""A table as text, copied from table_page.html, to the letter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Open = Callable[..., Any]
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def copied(page: Any, name: str) -> str:
    page.get_by_role("button", name=name, exact=True).click()
    page.locator("[data-status]", has_text="Copied").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def test_csv_has_one_value_a_cell(contract: Path, open_page: Open):
    """Values are not rounded; a margin is a column. What a spreadsheet would run is marked as text."""
    page = open_page(contract, **CLIPBOARD)
    page.get_by_role("button", name="Method", exact=True).press("Enter")
    assert copied(page, "CSV") == (
        'Method,Method note,Mean gain,Mean gain margin,Mean gain note,"Cost, prompts",Note\n'
        'Alpha,,-0.2,0.030,,9,"say ""so"""\n'
        'beta_2,50 % & more,0.1,0.020,,10,"a,b"\n'
        "beta_10,,,,not run,10,'=1+1\n"
        "gamma,,0.1,,,10,a|b <i> $x^2$ \\y {z}~#\n"
    )
    assert page.get_by_role("status").inner_text() == "Copied 4 rows as CSV."


def test_markdown_is_what_is_on_screen(contract: Path, open_page: Open):
    page = open_page(contract, "#t=nano-v1&hide=cost-prompts&cost=costly", **CLIPBOARD)
    assert copied(page, "Markdown") == (
        "| Method | Mean gain | Note |\n"
        "| :--- | ---: | :--- |\n"
        '| Alpha | -0.200 ± 0.030 | say "so" |\n'
        "| beta\\_10 | not run | =1+1 |\n"
        "| gamma | +0.100 | a\\|b \\<i\\> $x^2$ \\\\y {z}\\~# |\n"
    )


def test_latex_is_what_is_on_screen(contract: Path, open_page: Open):
    page = open_page(contract, "#t=nano-v1&currency=wall_seconds", **CLIPBOARD)
    assert copied(page, "LaTeX") == (
        "% n = 5; ranges are 95 % intervals.\n"
        "% \\usepackage{booktabs}\n"
        "\\begin{tabular}{lrrl}\n"
        "\\toprule\n"
        "Method & Mean gain & Cost, seconds & Note \\\\\n"
        "\\midrule\n"
        "beta\\_2 50 \\% \\& more & +0.100 $\\pm$ 0.020 & 3.0 & a,b \\\\\n"
        'Alpha & $-$0.200 $\\pm$ 0.030 & 20.0 & say "so" \\\\\n'
        "beta\\_10 & not run & failed & =1+1 \\\\\n"
        "gamma & +0.100 & 100.0 & a\\textbar{}b \\textless{}i\\textgreater{} \\$x\\textasciicircum{}2\\$ "
        "\\textbackslash{}y \\{z\\}\\textasciitilde{}\\# \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
    )


def test_without_a_clipboard_the_text_is_offered_selected(contract: Path, open_page: Open):
    page = open_page(contract, init=NO_CLIPBOARD)
    button = page.get_by_role("button", name="CSV", exact=True)
    button.press("Enter")
    dialog = page.get_by_role("dialog", name="Copy this text")
    assert dialog.is_visible()
    selected = "(area => area.value.slice(area.selectionStart, area.selectionEnd))(document.activeElement)"
    assert page.evaluate(selected).startswith("Method,Method note,Mean gain,")
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    assert button.evaluate("button => button === document.activeElement")
