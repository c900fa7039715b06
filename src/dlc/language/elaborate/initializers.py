"""`zeros`, `kaiming_normal(mode="fan_out")`: how a weight starts, as it is written after `init=` and in `param`."""

from __future__ import annotations

from typing import Any

from dlc.diagnostics import Span, suggestion
from dlc.ir.op import Initializer, Problem
from dlc.language import ast
from dlc.language.elaborate.context import Frame, Mistake
from dlc.language.elaborate.values import POISON, Poison, describe, is_number
from dlc.ops import initializers as rules

KNOWN = {
    "trunc_normal_": "truncated_normal",
    "kaiming": "kaiming_normal",
    "xavier": "xavier_uniform",
    "he": "kaiming_normal",
}
"""Names from elsewhere that are no aliases."""


def initializer(frame: Frame, node: ast.Expr) -> Initializer | Poison:
    """The initialiser that an expression names: a name, a call, a number, or a string with a name. Raises E0217."""
    if isinstance(node, ast.Name) and node.name not in frame.names:
        return _checked(node.name, {}, {}, node.span)
    if isinstance(node, ast.Call) and isinstance(node.callee, ast.Name):
        return _called(frame, node.callee.name, node)
    value = frame.evaluate(node)
    if isinstance(value, (Initializer, Poison)):
        return value
    if is_number(value):
        return Initializer("constant", (("value", float(value)),))
    if isinstance(value, str):
        return _checked(value, {}, {}, node.span)
    raise Mistake(
        "E0217",
        "this is no initialiser",
        node.span,
        expected="a name such as `zeros`, a call, or a number",
        found=describe(value),
    )


def _called(frame: Frame, name: str, node: ast.Call) -> Initializer | Poison:
    rule = rules.RULES.get(rules.ALIASES.get(name, name))
    known = [p.name for p in rule.parameters] if rule is not None else []
    arguments: dict[str, Any] = {}
    places: dict[str, Span] = {}
    for position, argument in enumerate(node.args):
        key = argument.name or (known[position] if position < len(known) else f"value {position + 1}")
        if key in arguments:
            raise Mistake("E0214", f"`{key}` is given twice", argument.span, expected="each argument once")
        arguments[key], places[key] = frame.guarded(argument.value), argument.span
    if POISON in arguments.values():
        return POISON
    return _checked(name, arguments, places, node.callee.span)


def _checked(name: str, arguments: dict[str, Any], places: dict[str, Span], span: Span) -> Initializer:
    try:
        return rules.initializer(name, **arguments)
    except Problem as problem:
        place = next((places[n] for n in problem.at if n in places), span)
        candidates = rules.RULES if problem.code == "E0217" else [p.name for p in rules.RULES[_rule(name)].parameters]
        meant = KNOWN.get(name) if problem.code == "E0217" else None
        hint = f"it is called `{meant}` here" if meant else suggestion(problem.found or "", candidates)
        raise Mistake(
            problem.code, problem.message, place, expected=problem.expected, found=problem.found, hint=hint
        ) from None


def _rule(name: str) -> str:
    return rules.ALIASES.get(name, name)
