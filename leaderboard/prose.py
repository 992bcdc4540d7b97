"""A little Markdown as HTML: paragraphs, lists, tables, code, emphasis. What documents of ours say on the site."""

import re
from html import escape

from leaderboard.charts import Html

ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
CODE = re.compile(r"(`[^`]+`)")


def prose(text: str) -> Html:
    """Blocks parted by blank lines; a link keeps its words alone, as it may lead out of the site."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    return Html("\n".join(_block(block.splitlines()) for block in blocks))


def cited(text: str) -> Html:
    """Text whose arXiv numbers lead to the papers."""
    return Html(ARXIV.sub(r'<a href="https://arxiv.org/abs/\1">arXiv \1</a>', escape(text)))


def _block(lines: list[str]) -> str:
    if all(line.startswith("|") for line in lines) and len(lines) > 2:
        return _table([_cells(line) for line in lines])
    if re.match(r"([-*]|\d+\.) ", lines[0]):
        items = re.split(r"^(?:[-*]|\d+\.) ", "\n".join(lines), flags=re.MULTILINE)[1:]
        return f"<ul>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</ul>"
    return f"<p>{_inline(' '.join(lines))}</p>"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _table(rows: list[list[str]]) -> str:
    """The second row is the rule."""
    head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in rows[0])
    body = "".join(
        f'<tr><th scope="row">{_inline(row[0])}</th>{"".join(f"<td>{_inline(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows[2:]
    )
    return (
        f'<div class="scroll fit" role="region" aria-label="Table" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _inline(text: str) -> str:
    """Code as it is; elsewhere emphasis, and links by their words."""
    return "".join(
        f"<code>{escape(part[1:-1])}</code>" if CODE.fullmatch(part) else _plain(part) for part in CODE.split(text)
    )


def _plain(text: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = cited(text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
