"""The fenced blocks of a reply in markdown that are Python programs, by the rules of CommonMark 0.31, section 4.5.

A fence is three or more backticks or tildes; as many, or more, of the same close it. Blocks may stand in a list, and
lose its indentation. Two habits of models are read as they are meant: a fence that names a language ends a block that
is still open, and a closing fence alone ends a program that began with the reply.
"""

import re
from dataclasses import dataclass, field

PYTHON = frozenset({"python", "python3", "py", "py3"})
_STARTS = re.compile(
    r"(?:import|from|def|class|async def)\s+\w|@\w|\w+(?:\s*,\s*\w+)*\s*=[^=]|print\(|(?:for|while|if|try|with)\b.*:$"
)
"""How the first line of a program looks that stands outside any block."""
_TITLE = re.compile(r"[A-Z][A-Za-z ]*:")
_FENCE = re.compile(r"^(\s*(?:(?:[-*+]|[0-9]{1,3}[.)])\s+)?)(`{3,}|~{3,})([^`]*)$")


@dataclass
class _Block:
    """A block as it is read. language: in lower case, '' if none is named; width: columns before its fence."""

    fence: str
    language: str
    width: int
    lines: list[str] = field(default_factory=list)

    def closes(self, fence: str) -> bool:
        return fence[0] == self.fence[0] and len(fence) >= len(self.fence)

    def text(self) -> str:
        """The lines without the indentation of the fence."""
        return "\n".join(line[min(self.width, len(line) - len(line.lstrip(" "))) :] for line in self.lines)


def blocks(reply: str) -> list[str]:
    """The programs in a reply, in their order: blocks that are Python, or else those that name no language.

    Empty for a reply without fences, which is a program as a whole; [''] where no block can be one.
    """
    found, before = _read(reply)
    if not found:
        return []
    if not found[0].language and (_is_program(before) or not any(block.text().strip() for block in found)):
        return ["\n".join(before)]

    for languages in (PYTHON, {""}):
        chosen = [block.text() for block in found if block.language in languages]
        if chosen:
            return chosen
    return [""]


def _is_program(lines: list[str]) -> bool:
    """Whether lines outside of blocks are a program; takes the title of a block behind it off."""
    written = [line for line in lines if line.strip() and not line.startswith("#")]
    if not written or not _STARTS.match(written[0]):
        return False
    while lines and (not lines[-1].strip() or _TITLE.fullmatch(lines[-1].strip())):
        lines.pop()
    return True


def _read(reply: str) -> tuple[list[_Block], list[str]]:
    """All blocks of a reply, the last of which may lack its end, and the lines before the first."""
    found: list[_Block] = []
    before: list[str] = []
    inside: _Block | None = None

    for line in reply.split("\n"):
        match = _FENCE.match(line)
        if inside is None and match is None:
            if not found:
                before.append(line)
        elif match is None or (inside and not match[3].strip() and not inside.closes(match[2])):
            assert inside is not None
            inside.lines.append(line)
        elif inside and not match[3].strip():
            inside = None
        else:
            inside = _Block(match[2], _language(match[3]), len(match[1]))
            found.append(inside)

    return found, before


def _language(info: str) -> str:
    """The language that the text behind a fence names: of 'python title="a"' and '{.python}', python."""
    words = re.split(r"[\s{}.,:;]+", info.strip().lower())
    return next((word for word in words if word), "")
