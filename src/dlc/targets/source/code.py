"""Pieces of Python source: expressions that know how tightly they bind, and literals that remember being literals.

    infix(x, "*", infix(y, "+", "1"))         # x * (y + 1)
    call("nn.Linear", lit(784, "in_features"), lit(128, "out_features"), bias=False)

`lit` marks a literal: it stands in ordinary f-strings like its text, but `unify` can find it again and turn it into
a constructor parameter where specialisations of one block differ in it. `plain` removes the marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dlc.targets.source.names import quoted

ATOM, POWER, UNARY, PRODUCT, SUM, SHIFT, AND, XOR, OR, COMPARISON, NOT, TERNARY = range(12)
"""How tightly an expression binds, tightest first. A plain `str` counts as an ATOM: a name, a call, a subscript."""

_LEVELS = {"**": POWER, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "@": PRODUCT, "+": SUM, "-": SUM,
           "&": AND, "^": XOR, "|": OR, "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON,
           "==": COMPARISON, "!=": COMPARISON}
_ASSOCIATIVE = frozenset({"+", "*", "&", "|", "^"})

_OPEN, _MIDDLE, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARK = re.compile(f"{_OPEN}([^{_MIDDLE}]*){_MIDDLE}([^{_CLOSE}]*){_CLOSE}")
_BLOCK = re.compile("\ue003([0-9]+)\ue004")
ANY = "\ue005"
"""The text of a literal that may be anything, because nothing reads it."""


class Code(str):
    """Source of an expression that binds at `level`."""

    __slots__ = ("level",)
    level: int

    def __new__(cls, text: str, level: int = ATOM) -> Code:
        self = super().__new__(cls, text)
        self.level = level
        return self


def level(text: str) -> int:
    """How tightly it binds."""
    return text.level if isinstance(text, Code) else ATOM


def within(text: str, outer: int) -> str:
    """The expression where `outer` is the loosest that needs no parentheses."""
    return f"({text})" if level(text) > outer else text


def atom(text: str) -> str:
    """The expression where a `.name` or `[...]` follows."""
    return within(text, ATOM) if not plain(text).lstrip("-").isdigit() else f"({text})"


def infix(left: str, operator: str, right: str) -> Code:
    """`left operator right` with the parentheses that it needs."""
    own = _LEVELS[operator]
    if operator == "**":
        return Code(f"{within(left, ATOM)} ** {within(right, UNARY)}", own)
    if own == COMPARISON:
        return Code(f"{within(left, own - 1)} {operator} {within(right, own - 1)}", own)
    same = isinstance(right, Code) and operator in _ASSOCIATIVE and f" {operator} " in right
    return Code(f"{within(left, own)} {operator} {within(right, own if same and operator in '&|^' else own - 1)}", own)


def prefix(operator: str, operand: str) -> Code:
    """`-x`, `~x`, `not x`."""
    own = NOT if operator == "not " else UNARY
    return Code(f"{operator}{within(operand, own)}", own)


def call(function: str, *arguments: str | None, **keywords: Any) -> Code:
    """`function(a, b, name=value)`; arguments that are None are left out, keywords are code if str, else literals."""
    given = [a for a in arguments if a is not None]
    given += [f"{name.rstrip('_')}={value if isinstance(value, str) else literal(value)}"
              for name, value in keywords.items()]
    return Code(f"{function}({', '.join(given)})")


def method(receiver: str, name: str, *arguments: str | None, **keywords: Any) -> Code:
    """`receiver.name(arguments)`."""
    return call(f"{atom(receiver)}.{name}", *arguments, **keywords)


def literal(value: Any) -> str:
    """A Python literal as people write it: `1e-5`, `"same"`, `(2, 2)`, `float("inf")`."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, tuple):
        inner = ", ".join(literal(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return f"[{', '.join(literal(v) for v in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    raise TypeError(f"no Python literal for {type(value).__name__}")


def _float(value: float) -> str:
    if value != value:
        return 'float("nan")'
    if value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    return re.sub(r"e([+-])0*(\d)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", repr(value))


def lit(value: Any, hint: str) -> Code:
    """A literal that may become a constructor parameter; `hint` is its name if nothing better is known."""
    return Code(f"{_OPEN}{hint}{_MIDDLE}{literal(value)}{_CLOSE}")


def anything(hint: str) -> Code:
    """A marked literal whose value does not matter."""
    return Code(f"{_OPEN}{hint}{_MIDDLE}{ANY}{_CLOSE}")


def construct(graph_index: int) -> Code:
    """Stands for the constructor call of the class of a block; `unify` fills it in."""
    return Code(f"\ue003{graph_index}\ue004")


def constructs(text: str) -> list[int]:
    """The blocks whose constructor calls stand in the text."""
    return [int(m) for m in _BLOCK.findall(text)]


def replace_marks(text: str, mark: Callable[[str, str], str], block: Callable[[int], str]) -> str:
    """The text with every literal replaced by `mark(hint, text)` and every constructor by `block(index)`, in order."""
    both = re.compile(f"{_MARK.pattern}|{_BLOCK.pattern}")
    return both.sub(lambda m: block(int(m[3])) if m[3] is not None else mark(m[1], m[2]), text)


def plain(text: str) -> str:
    """The text with marks removed, literals standing for themselves."""
    return _MARK.sub(lambda m: m[2], text)
