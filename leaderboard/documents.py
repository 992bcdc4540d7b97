"""The documents of the repository as pages of the site: its Markdown files, and the reference of its public modules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from posixpath import dirname, join, normpath
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from leaderboard import links
from leaderboard.catalogue import Catalogue
from leaderboard.charts import Html
from leaderboard.environment import href
from leaderboard.overview import File
from leaderboard.pages import Pages

COMMENT = re.compile(r"^<!--.*?-->\n?", re.MULTILINE)
TABLE = '<div class="scroll fit" role="region" aria-label="Table" tabindex="0"><table>\n'
FIRST = ("README.md", "CONTRIBUTING.md", "docs/architecture.md")
"""Documents that are listed before the others."""


def document_pages(pages: Pages, catalogue: Catalogue) -> Iterator[File]:
    """A page for every document, the reference, and the pictures that documents show."""
    if not catalogue.documents:
        return
    titles = {path: title_of(text) for path, text in ordered(catalogue.documents)}
    for path, title in titles.items():
        body = rendered(path, catalogue)
        yield pages.page("document.html", links.document(path), titles=titles, title=title, body=body)

    known: dict[str, Any] = {
        "titles": titles,
        "title": "Reference",
        "modules": catalogue.reference,
        "code": catalogue.code,
    }
    yield pages.page("reference.html", links.REFERENCE, **known)
    for path, content in catalogue.pictures.items():
        yield path, content


def ordered(documents: Mapping[str, str]) -> list[tuple[str, str]]:
    """Documents as they are listed: the first ones, those in docs/, those of the root."""
    return sorted(documents.items(), key=lambda item: _place(item[0]))


def _place(path: str) -> tuple[int, bool, str]:
    return FIRST.index(path) if path in FIRST else len(FIRST), "/" not in path, path


def title_of(text: str) -> str:
    """The words of the first heading; '' if there is none."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].replace("`", "") if found else ""


def rendered(path: str, catalogue: Catalogue) -> Html:
    """The document at a path of the repository as HTML: its links lead to pages of the site, or to the code.

    A link to a file that the site does not have keeps its words alone, unless the catalogue knows where code is read.
    """
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = parser.parse(COMMENT.sub("", catalogue.documents[path]))
    _name_headings(tokens)
    for token in tokens:
        _without_style(token)
        if token.children:
            token.children = _led(token.children, path, catalogue)

    return Html(parser.renderer.render(tokens, parser.options, {}))


class _Renderer(RendererHTML):
    """Tables and code scroll by themselves, and can be reached by the keyboard."""

    def table_open(self, *_: Any) -> str:
        return TABLE

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], index: int, *rest: Any) -> str:
        return super().fence(tokens, index, *rest).replace("<pre>", '<pre tabindex="0">', 1)


def _name_headings(tokens: Sequence[Token]) -> None:
    """Anchors as GitHub makes them, so that links written for it work here."""
    taken = set[str]()
    for token, after in pairwise(tokens):
        if token.type == "heading_open":
            plain = re.sub(r"[^\w\- ]", "", after.content.lower()).replace(" ", "-")
            name = next(each for each in (plain, *(f"{plain}-{n}" for n in range(1, len(tokens)))) if each not in taken)
            taken.add(name)
            token.attrSet("id", name)


def _without_style(token: Token) -> None:
    """Alignment as a class: the pages' policy allows no style in an element."""
    style = token.attrs.pop("style", "")
    if "right" in str(style):
        token.attrSet("class", "right")


def _led(children: Sequence[Token], path: str, catalogue: Catalogue) -> list[Token]:
    """The tokens of a line, with links and pictures as they are on the site."""
    out = list[Token]()
    dropped = False
    for token in children:
        if token.type == "image":
            token.attrSet("src", _target(str(token.attrGet("src")), path, catalogue))

        if token.type == "link_open":
            target = _target(str(token.attrGet("href")), path, catalogue)
            dropped = not target
            token.attrSet("href", target)
        if not (dropped and token.type in ("link_open", "link_close")):
            out.append(token)
    return out


def _target(link: str, path: str, catalogue: Catalogue) -> str:
    """Where a link of a document leads from its page; '' if to nothing that can be read."""
    if re.match(r"https?://|#", link):
        return link

    to, sign, anchor = link.partition("#")
    file = normpath(join(dirname(path), to))
    if file in catalogue.documents:
        return href(links.root_from(links.document(path)), f"{links.document(file)}{sign}{anchor}")
    if file in catalogue.pictures:
        return href(links.root_from(links.document(path)), file)
    return f"{catalogue.code}/HEAD/{file}" if catalogue.code else ""
