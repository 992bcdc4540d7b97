"""The card that other sites show where one links here: a name, two sentences, and the tasks of a suite as points."""

from collections.abc import Sequence

from leaderboard.environment import HERE

SIZE = (1200, 630)
DRAWING = HERE / "static" / "card.svg"
PICTURE = HERE / "static" / "card.png"
"""What sites read, as few of them draw SVG; `python -m tests.leaderboard.card` makes it from the drawing."""
WIDE = 290
"""Of the plot, in pixels; it ends at the largest share."""
WORDS = (
    (172, 72, 212, "#1a1e26", "BalanceBench"),
    (306, 40, 80, "#1a1e26", "Which methods balance the tasks"),
    (360, 40, 80, "#1a1e26", "of multi-task post-training?"),
    (452, 30, 80, "#566070", "One harness, one budget, the same seeds."),
    (498, 30, 80, "#566070", "Every number leads to the runs behind it."),
)
"""Baseline, size, left end, colour, text."""


def card(loud: Sequence[float], gains: Sequence[float]) -> str:
    """The card as SVG; loud, gains: each task's share of the squared norms and of the gain."""
    icon = (HERE / "static" / "icon.svg").read_text("utf-8").partition("\n")[2].rpartition("</svg>")[0]
    scale = WIDE / max(*loud, *gains)
    points = [
        (x * scale, WIDE - y * scale, "#d55e00" if x > y else "#0072b2") for x, y in zip(loud, gains, strict=True)
    ]
    dots = "".join(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="11" fill="{colour}"/>' for x, y, colour in points)
    lines = [
        f'<text x="{left}" y="{base}" font-size="{size}" fill="{colour}">{text}</text>'
        for base, size, left, colour, text in WORDS
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE[0]} {SIZE[1]}" width="{SIZE[0]}" '
            f'height="{SIZE[1]}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
            '<rect width="1200" height="630" fill="#fff"/><rect width="1200" height="14" fill="#1550b4"/>',
            f'<g transform="translate(80 96) scale(3.2)">\n{icon}</g>',
            *lines,
            f'<g transform="translate(820 250)" font-size="22" text-anchor="middle" fill="#566070">'
            f'<path d="M0 {WIDE}L{WIDE} 0" stroke="#dbe0e7" stroke-width="3"/>'
            f'<path d="M0 0V{WIDE}H310" fill="none" stroke="#7f8a99" stroke-width="3"/>{dots}'
            f'<text x="150" y="328">loudness</text><text transform="translate(-18 145) rotate(-90)">gain</text></g>',
            "</svg>\n",
        ]
    )
