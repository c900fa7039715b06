"""`zeros`, `kaiming_normal(mode="fan_out")`: how a weight starts, as it is written after `init=` and in `param`."""

from __future__ import annotations

from typing import Any

from dlc.ir.op import Initializer
from dlc.language import ast
from dlc.language.elaborate import habits
from dlc.language.elaborate.context import Frame, Mistake
from dlc.language.elaborate.values import POISON, Given, Poison, describe, is_number

INITIALIZERS: dict[str, tuple[str, ...]] = {
    "zeros": (),
    "ones": (),
    "constant": ("value",),
    "uniform": ("low", "high"),
    "normal": ("mean", "std"),
    "truncated_normal": ("mean", "std", "low", "high"),
    "xavier_uniform": ("gain",),
    "xavier_normal": ("gain",),
    "kaiming_uniform": ("mode", "nonlinearity", "a"),
    "kaiming_normal": ("mode", "nonlinearity", "a"),
    "orthogonal": ("gain",),
}
ALIASES = {
    "glorot_uniform": "xavier_uniform",
    "glorot_normal": "xavier_normal",
    "he_normal": "kaiming_normal",
    "he_uniform": "kaiming_uniform",
    "random_normal": "normal",
    "random_uniform": "uniform",
    "eye": "orthogonal",
    "trunc_normal": "truncated_normal",
    "kaiming": "kaiming_normal",
    "xavier": "xavier_uniform",
}


def initializer(frame: Frame, node: ast.Expr) -> Initializer | Poison:
    """The initialiser that an expression names: a name, a call, a number, or a string with a name. Raises E0217."""
    if isinstance(node, ast.Name) and node.name not in frame.names:
        return _checked(node.name, (), node)
    if isinstance(node, ast.Call) and isinstance(node.callee, ast.Name):
        return _called(frame, node.callee.name, node)
    value = frame.evaluate(node)
    if isinstance(value, (Initializer, Poison)):
        return value
    if is_number(value):
        return Initializer("constant", (("value", float(value)),))
    if isinstance(value, str):
        return _checked(value, (), node)
    raise Mistake(
        "E0217",
        "this is no initialiser",
        node.span,
        expected="a name such as `zeros`, a call, or a number",
        found=describe(value),
    )


def _called(frame: Frame, name: str, node: ast.Call) -> Initializer | Poison:
    _check_name(name, node.callee)
    known = INITIALIZERS[name]
    arguments: dict[str, Any] = {}
    poisoned = False
    for position, given in enumerate([Given(a.name, frame.guarded(a.value), a.span) for a in node.args]):
        key = given.name if given.name is not None else known[position] if position < len(known) else "?"
        if key not in known:
            raise Mistake(
                "E0211",
                f"`{name}` has no argument `{key}`",
                given.span,
                found=key,
                expected=", ".join(known) or "no arguments",
                hint=habits.suggestion(key, known),
            )
        poisoned = poisoned or given.value is POISON
        arguments[key] = given.value
    if poisoned:
        return POISON
    for key, value in arguments.items():
        if not isinstance(value, (int, float, str)):
            raise Mistake(
                "E0213",
                f"`{name}` cannot take this as `{key}`",
                node.span,
                expected="a number or a string",
                found=describe(value),
            )
    return _checked(name, tuple((k, arguments[k]) for k in known if k in arguments), node)


def _checked(name: str, arguments: tuple[tuple[str, Any], ...], node: ast.Expr) -> Initializer:
    _check_name(name, node)
    return Initializer(name, arguments)


def _check_name(name: str, node: ast.Expr) -> None:
    if name in INITIALIZERS:
        return
    hint = f"it is called `{ALIASES[name]}` here" if name in ALIASES else habits.suggestion(name, INITIALIZERS)
    raise Mistake(
        "E0217", f"there is no initialiser `{name}`", node.span, expected=", ".join(INITIALIZERS), found=name, hint=hint
    )
