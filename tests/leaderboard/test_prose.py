"""Markdown of our documents as HTML, and arXiv numbers as links."""

import pytest

from leaderboard.prose import cited, prose


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>"),
        ("*a* **b** `c*d*`", "<p><em>a</em> <strong>b</strong> <code>c*d*</code></p>"),
        ("[gate](docs/gate.md)", "<p>gate</p>"),
        ("- a\n- b", "<ul><li>a\n</li><li>b</li></ul>"),
        ("<b>", "<p>&lt;b&gt;</p>"),
    ],
)
def test_blocks_and_marks(text: str, html: str):
    assert prose(text) == html


def test_a_table_has_heads_for_columns_and_rows():
    html = prose("| rate | gain |\n|---|---:|\n| 1e-4 | +0.1 |")
    assert '<th scope="col">gain</th>' in html
    assert '<th scope="row">1e-4</th><td>+0.1</td>' in html


def test_arxiv_numbers_lead_to_papers_and_the_rest_is_text():
    assert cited("<i> arXiv 2001.06782, Algorithm 1") == (
        '&lt;i&gt; <a href="https://arxiv.org/abs/2001.06782">arXiv 2001.06782</a>, Algorithm 1'
    )
