r"""Whether two answers are the same, as trees: values by value, structures part by part.

What is compared is always the whole of both answers. `tasks._formulas.places` says when two values are equal.
"""

from collections.abc import Sequence

from tasks._formulas.forms import flat, interval, oriented, union
from tasks._formulas.lexer import Unreadable
from tasks._formulas.places import Places
from tasks._formulas.reader import read
from tasks._formulas.statements import Statement, same_label, statement
from tasks._formulas.tree import Node, symbols
from tasks._formulas.units import conflict

ITEMS = 60
"""Longest list whose order does not count."""
STRUCTURES = {"list", "tuple", "union", "matrix", "row", "ratio", "empty"}


def equal(gold: str, answer: str) -> bool:
    """Whether two texts in plain spelling are the same answer. False if either is not read as a whole."""
    try:
        ours, theirs = read(gold), read(answer)
    except Unreadable:
        return False
    bases = (0, 10) if "log" in gold + answer else (0,)  # `log` alone is of base e or 10, the same in both
    return any(_Comparison(Places(f"{gold}\0{answer}", base)).same(ours, theirs) for base in bases)


class _Comparison:
    """One comparison. places: where formulas are evaluated."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def same(self, gold: Node, answer: Node) -> bool:
        """Whether two answers say the same."""
        gold, answer = flat(gold), flat(answer)
        if gold.kind == answer.kind == "list":
            return self.lists(gold.parts, answer.parts)

        ours, theirs = self.stated(gold), self.stated(answer)
        inner, given = _labelled_list(ours) or gold, _labelled_list(theirs) or answer
        if (inner, given) != (gold, answer):
            return self.same(inner, given)

        if ours is None or theirs is None:
            return self.relations(_members(gold, ours), _members(answer, theirs))
        if not same_label(ours.label, theirs.label) or conflict(ours.unit, theirs.unit):
            return False

        if not theirs.exact:  # no more than an approximation
            return not ours.exact and self.nodes(ours.rough[0], theirs.rough[0])
        return any(self.nodes(one, theirs.exact[-1]) for one in (*ours.exact, *ours.rough))

    def stated(self, node: Node) -> Statement | None:
        """What a node states, if its sides are equal; None if it is an equation or inequality."""
        found = statement(node)
        if found is None or not all(self.places.equal(found.exact[0], side) for side in found.exact[1:]):
            return None
        if found.exact and not all(self.places.rounded(found.exact[0], side) for side in found.rough):
            return None
        return found

    def nodes(self, gold: Node, answer: Node) -> bool:
        """Whether two values or structures are the same."""
        if gold.kind in STRUCTURES or answer.kind in STRUCTURES:
            return self.structures(gold, answer)
        return self.places.equal(gold, answer) or self.places.decimal(gold, answer)

    # --- structures ---

    def lists(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
        """Whether two lists have the same items, each as often; in their order where labels tell only ours apart."""
        if len(gold) != len(answer):
            return False
        if len(gold) > ITEMS or (len(_labels(gold)) > 1 and not _labels(answer)):
            return self.rows(gold, answer)

        rest = list(answer)
        for one in gold:
            place = next((place for place, other in enumerate(rest) if self.same(one, other)), None)
            if place is None:
                return False
            del rest[place]
        return True

    def structures(self, gold: Node, answer: Node) -> bool:
        """Whether two structures have the same form and parts."""
        if {gold.kind, answer.kind} == {"tuple", "list"}:
            bare, inner = (gold, answer) if gold.kind == "list" else (answer, gold)
            return inner.parts[0] == "()" and self.rows(bare.parts, inner.parts[1:])
        if {gold.kind, answer.kind} == {"union", "list"}:
            gold, answer = union(gold), union(answer)

        for one, other in ((gold, answer), (answer, gold)):
            if one.kind == "ratio" and other.kind not in STRUCTURES and len(one.parts) == 2:
                return self.places.equal(Node("/", one.parts), other)

        if gold.kind != answer.kind:
            return False
        if gold.kind == "union":
            return self.lists(gold.parts, answer.parts)
        if gold.kind == "tuple":
            return bool(gold.parts[0] == answer.parts[0]) and self.rows(gold.parts[1:], answer.parts[1:])
        return self.rows(gold.parts, answer.parts)

    def rows(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool:
        """Whether two sequences have the same items in the same order."""
        return len(gold) == len(answer) and all(self.same(*pair) for pair in zip(gold, answer, strict=True))

    # --- equations and inequalities ---

    def relations(self, gold: Node, answer: Node) -> bool:
        """Whether two equations are the same up to a factor, two inequalities likewise, or one and an interval."""
        one, other = interval(gold), interval(answer)
        if one or other:
            if one and other and one[0] != other[0]:
                return False
            return self.structures(one[1] if one else gold, other[1] if other else answer)

        solved = statement(gold)
        if gold.kind != "chain" or answer.kind != "chain" or (solved and solved.label and len(symbols(gold)) == 1):
            return False  # of 'x = 5', an equation that only has this solution is not yet the answer

        ours, theirs = oriented(gold), oriented(answer)
        if ours.parts[0] != theirs.parts[0] or not (symbols(ours) and symbols(theirs)):
            return False
        if ours.parts[0] not in {("=",), ("<",), ("<=",)}:
            return self.rows(ours.parts[1:], theirs.parts[1:])

        sides = (Node("-", ours.parts[1:]), Node("-", theirs.parts[1:]))
        return self.places.proportional(*sides, signed=ours.parts[0] != ("=",))


def _labelled_list(found: Statement | None) -> Node | None:
    r"""The list of 'x \in \{1, 2\}', or None for anything else."""
    if found is None or not found.label or len(found.exact) != 1:
        return None
    inner = flat(found.exact[0])
    return inner if inner.kind == "list" else None


def _members(node: Node, found: Statement | None) -> Node:
    r"""The interval of 'x \in [0, 1]', any other node as it is."""
    return found.exact[0] if found and found.exact and found.exact[0].kind in ("tuple", "union") else node


def _labels(items: Sequence[Node]) -> set[str]:
    return {found.label for item in items if (found := statement(item)) is not None and found.label}
