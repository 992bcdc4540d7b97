r"""Answers in \boxed{}: finding the last one."""

import re

LONGEST = 300
"""Longest answer in characters; what is longer counts as no answer."""

_BOX = re.compile(r"\\(?:boxed|fbox)\s*(\{|[^\s{}\\$])")
_COMMANDS = ("\\boxed", "\\fbox")


def last_boxed(text: str) -> str | None:
    r"""The contents of the last \boxed{...} (or \fbox{...}, or \boxed 2), without outer white space.

    None if there is none, if its braces do not close, or if it is longer than LONGEST. Takes time linear in the
    length of the text, with a constant of a memory scan.
    """
    start = max(text.rfind(command) for command in _COMMANDS)
    match = _BOX.match(text, start) if start >= 0 else None
    if not match:
        return None
    return match[1] if match[1] != "{" else _closed(text[match.end() : match.end() + LONGEST + 1])


def _closed(text: str) -> str | None:
    """The part of a text before the brace that closes one opened in front of it."""
    depth, escaped = 1, False
    for place, letter in enumerate(text):
        if letter == "{" and not escaped:
            depth += 1
        elif letter == "}" and not escaped:
            depth -= 1
            if not depth:
                return text[:place].strip()
        escaped = letter == "\\" and not escaped

    return None
