"""The reference is read from source, and names what the modules really have."""

import ast
import inspect

import methods
from bench import trainers
from bench.reference import PUBLIC, _signature, reference
from leaderboard.catalogue import Symbol


def found(module: str) -> dict[str, Symbol]:
    (known,) = (each for each in reference() if each.name == module)
    return {symbol.name: symbol for symbol in known.symbols}


def test_every_public_name_of_the_trainers_is_described() -> None:
    assert set(found("bench.trainers")) == set(trainers.__all__)
    assert all(symbol.text for symbol in found("bench.trainers").values())


def test_signatures_are_those_that_python_sees() -> None:
    seen = 0
    for name, symbol in found("methods").items():
        for member in symbol.members:
            real = inspect.getattr_static(getattr(methods, name, None), member.name, None)
            if inspect.isfunction(real):
                names = [each for each in inspect.signature(real).parameters if each != "self"]
                assert [each for each in names if each not in member.signature] == [], f"{name}.{member.name}"
                seen += 1
    assert seen > 20


def test_signatures_are_valid_python_with_the_defaults_of_the_source() -> None:
    """What is shown parses, and its parameters are those of the definition, defaults and all."""
    text = "def f(self, a: int, b: str = 'x', *, c=None, **d: float) -> None: ..."
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)
    assert _signature(node, bound=True) == "(a: int, b: str = 'x', *, c=None, **d: float) -> None"

    for symbol in found("bench.trainers").values():
        assert symbol.signature.startswith("(\n    "), "a long signature has one parameter a line"
        ast.parse(f"def f{symbol.signature}: ...")


def test_every_class_of_the_reference_is_described() -> None:
    bare = [f"{module}.{name}" for module in PUBLIC for name, symbol in found(module).items() if not symbol.text]
    assert bare == []
