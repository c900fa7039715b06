"""Expressions get the parentheses that they need and no others; marks can be found again."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc.targets.source.code import (
    Code,
    atom,
    bounds,
    call,
    either,
    infix,
    lit,
    literal,
    option,
    plain,
    prefix,
)
from dlc.targets.source.marks import ANY, Plain, block_mark, forget, read

_OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<", "=="]


def _trees() -> st.SearchStrategy[tuple[Code, str]]:
    """An expression built with `infix`, and the same with parentheses everywhere."""
    leaves = st.sampled_from([(Code(n), n) for n in "abc"])

    def extend(inner: st.SearchStrategy[tuple[Code, str]]) -> st.SearchStrategy[tuple[Code, str]]:
        binary = st.tuples(inner, st.sampled_from(_OPERATORS), inner).map(
            lambda t: (infix(t[0][0], t[1], t[2][0]), f"({t[0][1]} {t[1]} {t[2][1]})"))
        unary = st.tuples(st.sampled_from(["-", "~"]), inner).map(
            lambda t: (prefix(t[0], t[1][0]), f"({t[0]}{t[1][1]})"))
        return binary | unary
    return st.recursive(leaves, extend, max_leaves=8)


@given(_trees())
def test_precedence(pair: tuple[Code, str]) -> None:
    """An expression without superfluous parentheses parses to the same tree as one with all of them."""
    shown, full = pair
    assert ast.dump(ast.parse(shown)) == ast.dump(ast.parse(full))


@pytest.mark.parametrize(("code", "expected"), [
    (infix("x", "*", infix("y", "+", "1")), "x * (y + 1)"),
    (infix(infix("x", "*", "y"), "+", "1"), "x * y + 1"),
    (infix("x", "**", "2"), "x**2"),
    (atom(infix("x", "+", "y")) + ".T", "(x + y).T"),
    (atom("x") + ".T", "x.T"),
])
def test_as_people_write(code: str, expected: str) -> None:
    """No parentheses where they are not needed."""
    assert code == expected


@pytest.mark.parametrize(("value", "expected"), [
    (1e-5, "1e-5"), (0.5, "0.5"), (1e30, "1e30"), (True, "True"), ("same", '"same"'), ((2,), "(2,)"),
    ([1, (2, 3)], "[1, (2, 3)]"), (float("inf"), 'float("inf")'), (None, "None"), ({"a": 1}, '{"a": 1}'),
])
def test_literal(value: object, expected: str) -> None:
    """Literals are written as people write them."""
    assert literal(value) == expected


@given(st.floats(allow_nan=False))
def test_literal_keeps_every_float(value: float) -> None:
    """No digit of a float is lost."""
    assert eval(literal(value)) == value


def test_call_leaves_out_defaults() -> None:
    """An option with its default is not written; arguments that are None neither."""
    text = call("f", "x", None, stride=option(1, 1, "stride"), pad=option(2, 0, "pad"), mode="m", name=3)
    assert plain(text) == "f(x, pad=2, mode=m, name=3)"
    assert plain(call("f", a=option(1, 1, "a"))) == "f()"


def test_marks_are_nested() -> None:
    """A choice may hold calls with literals, and is decided by its flag."""
    inner = call("relu", lit(3, "n"))
    assert plain(either(True, "act", inner, "x")) == "relu(3)"
    assert plain(either(False, "act", inner, "x")) == "x"


def test_forget_keeps_the_shape_of_marks() -> None:
    """A forgotten text has the same marks in the same order, with values that may be anything."""
    class Record(Plain):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def literal(self, hint: str, text: str) -> str:
            self.seen.append(text)
            return text

        def block(self, index: int, *, anything: bool) -> str:
            self.seen.append(f"{index}{anything}")
            return ""

    record = Record()
    read(forget(call("f", lit(3, "n"), block_mark(7), stride=option(2, 1, "s"))), record)
    assert record.seen == [ANY, "7True", ANY]


@pytest.mark.parametrize(("first", "last", "step", "expected"), [
    ("1", "n", 2, "1:n:2"), ("", "-1", 1, ":-1"), ("", "", 3, "::3"), ("n - 1", "", 1, "n - 1 :"),
    ("", "n - 1", 2, ": n - 1 : 2"), ("n - 1", "", 2, "n - 1 :: 2"), ("a", "len(x)", 1, "a : len(x)"),
])
def test_bounds_are_spaced_as_ruff_does(first: str, last: str, step: int, expected: str) -> None:
    """A slice of names and numbers is tight, any other has spaces around its colons."""
    assert bounds(first, last, step) == expected
