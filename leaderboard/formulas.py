"""Formulas of the cards as MathML: a small part of AsciiMath, which the source and the terminal show as it is.

    d = 1/K sum_k norm(g_k)^2 ; g_k = nabla L_k

`;` ends a line. `_` and `^` take one letter, number or word, or a group in (); `a / b` is a fraction of what stands
beside the bar; a group loses its parentheses there and in scripts. Greek letters are words, other words are upright.
norm, abs and inner draw their own brackets; hat, bar and tilde their accents.
"""

import re
from collections.abc import Sequence
from html import escape

from leaderboard.charts import Html

GREEK = {
    name: chr(code)
    for name, code in (
        *(("alpha", 0x3B1), ("beta", 0x3B2), ("gamma", 0x3B3), ("delta", 0x3B4), ("zeta", 0x3B6), ("eta", 0x3B7)),
        *(("theta", 0x3B8), ("lambda", 0x3BB), ("mu", 0x3BC), ("nu", 0x3BD), ("xi", 0x3BE), ("pi", 0x3C0)),
        *(("rho", 0x3C1), ("sigma", 0x3C3), ("tau", 0x3C4), ("phi", 0x3C6)),
        *(("Delta", 0x394), ("Lambda", 0x39B), ("Pi", 0x3A0)),
    )
}
LARGE = {"sum": "\u2211", "prod": "\u220f", "min": "min", "max": "max", "argmin": "arg min", "argmax": "arg max"}
LARGE |= {"mean": "mean"}
"""Operators whose scripts stand below and above."""
SIGNS = {
    "<=": "\u2264",
    ">=": "\u2265",
    "!=": "\u2260",
    "<-": "\u2190",
    "...": "\u2026",
    "-": "\u2212",
    "*": "\u2217",
    "~": "\u223c",
    "in": "\u2208",
    "prop": "\u221d",
    "nabla": "\u2207",
}
FUNCTIONS = {"exp", "log", "ln", "softmax", "sign", "clip", "tanh", "cos", "std", "diag", "span"}
ACCENTS = {"hat": "^", "bar": "\u00af", "tilde": "~"}
TOKEN = re.compile(r"<=|>=|!=|<-|\.\.\.|\d+(?:\.\d+)?|[A-Za-z]+'*|\S")
CLOSING = {"(": ")", "[": "]", "{": "}"}


def mathml(formula: str) -> Html:
    """Each line of a formula as a block. ValueError if it cannot be read; the message says where."""
    lines = [_Reader(TOKEN.findall(line)).line() for line in formula.split(";")]
    return Html("".join(f'<math display="block">{line}</math>' for line in lines))


class _Reader:
    """Reads one line, token by token."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def line(self) -> str:
        read = self.sequence()
        if self.peek():
            raise ValueError(f"{self.peek()!r} closes nothing in {' '.join(self.tokens)!r}")
        return read

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        sign = self.peek()
        if not sign or (wanted and sign != wanted):
            raise ValueError(f"{sign or 'the end'!r} where {wanted or 'more'!r} is missing: {' '.join(self.tokens)!r}")
        self.at += 1
        return sign

    def sequence(self) -> str:
        """Terms and fractions up to a closing bracket or the end."""
        parts = list[str]()
        while self.peek() and self.peek() not in CLOSING.values():
            first, bare = self.term()
            if self.peek() == "/":
                self.take()
                parts.append(f"<mfrac>{bare}{self.term()[1]}</mfrac>")
            else:
                parts.append(first)
        return f"<mrow>{''.join(parts)}</mrow>"

    def term(self) -> tuple[str, str]:
        """An atom with its scripts, and the same without the parentheses of a group."""
        sign = self.peek()
        base, bare = self.atom()
        scripts: dict[str, str] = {}
        while self.peek() in ("_", "^"):
            place = self.take()
            scripts[place] = self.atom()[1]

        if not scripts:
            return base, bare
        kind = ("munder", "mover", "munderover") if sign in LARGE else ("msub", "msup", "msubsup")
        name = kind[2] if len(scripts) == 2 else kind["^" in scripts]
        drawn = f"<{name}>{base}{scripts.get('_', '')}{scripts.get('^', '')}</{name}>"
        return drawn, drawn

    def atom(self) -> tuple[str, str]:
        sign = self.take()
        if sign in CLOSING:
            inner = self.sequence()
            closed = self.take(CLOSING[sign])
            drawn = f"<mrow><mo>{sign}</mo>{inner}<mo>{closed}</mo></mrow>"
            return drawn, inner if sign == "(" else drawn

        if self.peek() == "(" and (drawn := self.bracketed(sign)):
            return drawn, drawn
        drawn = _sign(sign)
        return drawn, drawn

    def bracketed(self, word: str) -> str:
        """What draws something else around its argument than parentheses; '' for other words."""
        if word not in {"sqrt", "norm", "abs", "inner", *ACCENTS}:
            return ""

        _, inner = self.atom()
        if word == "sqrt":
            return f"<msqrt>{inner}</msqrt>"
        if word in ACCENTS:
            return f'<mover accent="true">{inner}<mo>{ACCENTS[word]}</mo></mover>'

        left, right = {"norm": ("\u2016", "\u2016"), "abs": ("|", "|"), "inner": ("\u27e8", "\u27e9")}[word]
        return f"<mrow><mo>{left}</mo>{inner}<mo>{right}</mo></mrow>"


def _sign(sign: str) -> str:
    """One token by itself."""
    name = sign.rstrip("'")
    if primes := len(sign) - len(name):
        return f"<msup>{_sign(name)}<mo>{chr(0x2032) * primes}</mo></msup>"
    if sign in LARGE:
        return f"<mo>{LARGE[sign]}</mo>"
    if sign in SIGNS:
        return f"<mo>{SIGNS[sign]}</mo>"
    if sign[0].isdigit():
        return f"<mn>{sign}</mn>"
    if sign == "ones":
        return "<mn>\U0001d7cf</mn>"
    if sign in GREEK or (len(sign) == 1 and sign.isalpha()):
        return f"<mi>{GREEK.get(sign, sign)}</mi>"
    if sign in FUNCTIONS:
        return f"<mi>{sign}</mi><mo>&#8289;</mo>"
    # Words stand apart from what is beside them.
    return f"<mtext>&#160;{sign}&#160;</mtext>" if sign.isalpha() else f"<mo>{escape(sign)}</mo>"
