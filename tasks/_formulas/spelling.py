r"""One spelling for the many ways of writing the same formula: '\dfrac12' and '\frac{1}{2}', '10{,}000' and '10,000'.

What is dropped is layout: sizes, spacing, dollar signs, markup around the whole. White space that keeps two things
apart (two numbers, two words, a command and a letter) stays, as one space. Units and per cent signs stay too.
"""

import re
from functools import lru_cache

_UNICODE = str.maketrans(
    {
        "\u2212": "-", "\u2013": "-", "\u2010": "-", "\u2011": "-", "\u00d7": r"\times ", "\u00b7": r"\cdot ",
        "\u22c5": r"\cdot ", "\u00f7": r"\div ", "\u2264": r"\le ", "\u2265": r"\ge ", "\u2260": r"\ne ",
        "\u2248": r"\approx ", "\u00b1": r"\pm ", "\u221e": r"\infty ", "\u222a": r"\cup ", "\u2208": r"\in ",
        "\u221a": r"\sqrt ", "\u00b0": r"^\circ ", "\u00b2": "^2", "\u00b3": "^3", "\u00bd": r"\frac{1}{2}",
        "\u00bc": r"\frac{1}{4}", "\u00be": r"\frac{3}{4}", "\u03c0": r"\pi ", "\u03b8": r"\theta ",
        "\u03b1": r"\alpha ", "\u03b2": r"\beta ", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2205": r"\emptyset ",
        "\u211d": r"\mathbb{R}", "\u2019": "'", "\u20ac": r"\$", "\u00a3": r"\$",
    }
)  # fmt: skip
_TEXT = "text(?:bf|rm|it|sf|tt|normal|up)?|mbox|hbox|textnormal"
_UPRIGHT = "mathrm|mathbf|mathit|mathsf|mathnormal|boldsymbol|bm|rm|vec|operatorname\\*?"
_FUNCTIONS = frozenset({
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln",
    "log", "lg", "exp", "gcd", "lcm", "max", "min",
})  # fmt: skip
_REWRITES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\.?", ""),  # sizes of brackets
        (r"\\([dtc]frac|[dt]binom)(?![a-zA-Z])", lambda found: "\\" + found[1][1:]),
        (r"\\(?:displaystyle|textstyle|limits|nolimits|angle)(?![a-zA-Z])|(?<!\\)\\[()\[\]]|\\?\$", " "),
        (r"(?<=[0-9])(?:\s*(?:\{,\}|,\s*\\!|\\,|\\!|\\ |~)\s*)(?=[0-9]{3}(?![0-9]))", "_thousand_"),
        (rf"\\(?:{_UPRIGHT})\s*\{{\s*([a-zA-Z]+)\s*\}}", lambda found: _upright(found[1])),
        (rf"\\(?:{_TEXT}|{_UPRIGHT})\s*\{{", r"\\text{"),
        (r"(?<!\\)\\(?:[,;:!> ]|q?quad(?![a-zA-Z])|[hv]?phantom\s*(?:\{[^{}]*\}|[^{}]))|~|\s+", " "),
        (r"\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))|\\degree(?![a-zA-Z])", r"^\\circ "),
        (r"\\%|(?:\\text\{ ?)?(?<![a-zA-Z])per ?cent(?![a-zA-Z])(?: ?\})?", "%"),
        (r"\\frac\s*([0-9])\s*([0-9])", r"\\frac{\1}{\2}"),
        (r"\\frac\s*([0-9])\s*\{", r"\\frac{\1}{"),
        (r"\\frac\s*(\{[^{}]*\})\s*([0-9])", r"\\frac\1{\2}"),
        (r"\\sqrt\s*([0-9])", r"\\sqrt{\1}"),
        (r"_\s*\{\s*([0-9]+)\s*\}", r"_\1"),
        (r"\\leq(?:slant)?(?![a-zA-Z])", r"\\le"),
        (r"\\geq(?:slant)?(?![a-zA-Z])", r"\\ge"),
        (r"\\neq(?![a-zA-Z])", r"\\ne"),
    )
]
_GROUPED = re.compile(r"(?<![0-9.,])([0-9]{1,3})((?:_thousand_[0-9]{3})+)(?![0-9])")
_SPACED = re.compile(r"(?<![0-9.,] )(?<![0-9.,])[0-9]{1,3}(?: [0-9]{3})+(?! ?[0-9/])")
_SPACE = re.compile(r"(?<=[0-9.]) +(?=\.?[0-9])|(?<=[0-9]) +(?=[a-zA-Z]{3})|(?<=[a-zA-Z]) +(?=[a-zA-Z])|( +)")
_TEXT_NUMBER = re.compile(r"\\text\{\s*([-0-9:.,]+)\s*([a-zA-Z. ]*)\}")
_TIME = re.compile(r"(?<=:[0-9]{2})\s*([ap])\.?\s?m\b\.?", re.IGNORECASE)
_END = re.compile(r"(?:[.,;\s]|\\\\)+$")
_SIMPLE = re.compile(r"[-+0-9a-zA-Z.,:()/=^\[\]]*")
"""Without white space and commands there is nothing to rewrite but the end."""


@lru_cache(maxsize=2**14)
def plain(answer: str) -> str:
    r"""One spelling of an answer; see the module's text."""
    text = answer.strip()
    if _SIMPLE.fullmatch(text):
        return text.rstrip(".,")

    text = _unmarked(text).translate(_UNICODE)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)

    text = _unbraced(_END.sub("", text.strip()))
    number = _TEXT_NUMBER.fullmatch(text)
    if number:
        text = f"{number[1]}\\text{{{number[2]}}}" if number[2] else number[1]
    text = _TIME.sub(r"\\text{\1m}", text)

    text = _GROUPED.sub(lambda found: found[0].replace("_thousand_", ""), text).replace("_thousand_", " ")
    text = _SPACED.sub(lambda found: found[0].replace(" ", ""), text)
    return _SPACE.sub(lambda found: "" if found[1] else " ", text)


def _unmarked(text: str) -> str:
    """A text without the markdown around the whole of it."""
    for mark in ("**", "__", "*", "_", "`"):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            return _unmarked(text[len(mark) : -len(mark)].strip())
    return text


def _unbraced(text: str) -> str:
    """A text without the braces around the whole of it."""
    if not (text.startswith("{") and text.endswith("}")):
        return text
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if not depth and place < len(text) - 1:
            return text
    return _unbraced(_END.sub("", text[1:-1].strip()))


def _upright(word: str) -> str:
    r"""Upright letters: a function's name is that function, a single letter is itself, anything else is text."""
    if word in _FUNCTIONS:
        return f"\\{word} "
    return f"{word} " if len(word) == 1 else rf"\text{{{word}}}"
