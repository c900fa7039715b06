"""Pieces of Python source: expressions that know how tightly they bind, and literals that remember being literals.

    infix(x, "*", infix(y, "+", "1"))         # x * (y + 1)
    call("nn.Linear", lit(784, "in_features"), lit(128, "out_features"), bias=False)

`lit` marks a literal (see `marks`), `option` a keyword that is left out where it is the default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dlc.targets.source.marks import block_mark, choice_mark, literal_mark, option_mark, plain
from dlc.targets.source.names import quoted

ATOM, POWER, UNARY, PRODUCT, SUM, SHIFT, AND, XOR, OR, COMPARISON, NOT, TERNARY = range(12)
"""How tightly an expression binds, tightest first. A plain `str` counts as an ATOM: a name, a call, a subscript."""

_LEVELS = {"**": POWER, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "@": PRODUCT, "+": SUM, "-": SUM,
           "&": AND, "^": XOR, "|": OR, "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON,
           "==": COMPARISON, "!=": COMPARISON}

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
        base, power = within(left, ATOM), within(right, UNARY)
        tight = all(re.fullmatch(r"-?[\w.]+", plain(side)) for side in (base, power))
        return Code(f"{base}**{power}" if tight else f"{base} ** {power}", own)
    if own == COMPARISON:
        return Code(f"{within(left, own - 1)} {operator} {within(right, own - 1)}", own)
    return Code(f"{within(left, own)} {operator} {within(right, own - 1)}", own)


def prefix(operator: str, operand: str) -> Code:
    """`-x`, `~x`, `not x`."""
    own = NOT if operator == "not " else UNARY
    return Code(f"{operator}{within(operand, own)}", own)


@dataclass(frozen=True)
class Option:
    """The value of a keyword that is left out where it is the default; see `option`."""

    text: str
    default: str


def option(value: Any, default: Any, hint: str, shown: Any = None) -> Option:
    """A literal for a keyword of `call` that people leave out where it has its default."""
    return Option(lit(value if shown is None else shown, hint), literal(default))


def call(function: str, *arguments: str | None, **keywords: Any) -> Code:
    """`function(a, b, name=value)`.

    Arguments that are None are left out. Keywords are code if str, options (see `option`), else plain literals.
    """
    text = ", ".join(a for a in arguments if a is not None)
    for name, value in keywords.items():
        comma = ", " if text else ""
        if isinstance(value, Option):
            text += option_mark(f"{comma}{name.rstrip('_')}=", value.text, value.default)
        else:
            text += f"{comma}{name.rstrip('_')}={value if isinstance(value, str) else literal(value)}"
    return Code(f"{function}({text})")


def method(receiver: str, name: str, *arguments: str | None, **keywords: Any) -> Code:
    """`receiver.name(arguments)`."""
    return call(f"{atom(receiver)}.{name}", *arguments, **keywords)


def bounds(first: str, last: str, step: int = 1) -> str:
    """`first:last:step` as `ruff format` writes it: spaces around the colons unless all is a name or a number.

    first, last: empty where the slice begins or ends with the axis.
    """
    parts = [within(first, TERNARY), within(last, TERNARY), *([str(step)] if step != 1 else [])]
    if all(re.fullmatch(r"(-?\w+)?", plain(p)) for p in parts):
        return ":".join(parts)
    return " : ".join(parts).strip().replace(":  :", "::")


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
    return Code(literal_mark(hint, literal(value)))


def construct(index: int) -> Code:
    """Stands for the constructor call of the class of block number `index`; `unify` fills it in."""
    return Code(block_mark(index))


def either(present: bool, hint: str, then: str, otherwise: str) -> Code:
    """`then if flag else otherwise`, where the flag may become a constructor parameter."""
    return Code(choice_mark(literal_mark(hint, literal(present)), then, otherwise), TERNARY)


__all__ = ["AND", "ATOM", "COMPARISON", "NOT", "OR", "POWER", "PRODUCT", "SHIFT", "SUM", "TERNARY", "UNARY", "XOR",
           "Code", "Option", "atom", "bounds", "call", "construct", "either", "infix", "level", "lit",
           "literal", "method", "option", "plain", "prefix", "within"]
