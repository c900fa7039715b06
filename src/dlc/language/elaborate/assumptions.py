"""`assert` and `assume`: what is decided now, what is checked when sizes are bound, and which sizes become equal."""

from __future__ import annotations

from typing import Any

from dlc.diagnostics import Span
from dlc.ir.dim import Dim, Expr, Name, Quotient, divisibility, divisible, names, substitute
from dlc.ir.dim import name as named_size
from dlc.ir.graph import Assumption, Value
from dlc.language import ast
from dlc.language.elaborate.context import Frame, Mistake, executes
from dlc.language.elaborate.values import POISON, Condition, describe, is_dim


@executes(ast.Assert)
def execute_assert(frame: Frame, node: ast.Assert) -> None:
    """Raises E0301 where the condition is false; one about sizes that are not known is checked when they are bound."""
    value = frame.evaluate(node.condition)
    if isinstance(value, Condition):
        take(frame, value, node.message or "", node.span)
    elif value is False:
        raise Mistake(
            "E0301",
            node.message or "the assertion does not hold",
            node.condition.span,
            expected=node.condition.span.text,
            found=_sides(frame, node.condition),
        )
    else:
        _check(value, "assert", node.condition.span)


@executes(ast.Assume)
def execute_assume(frame: Frame, node: ast.Assume) -> None:
    """Raises E0302 where the condition can never hold."""
    value = frame.evaluate(node.condition)
    if isinstance(value, Condition):
        take(frame, value, "", node.span)
    elif value is False:
        raise Mistake(
            "E0302",
            "this can never hold",
            node.condition.span,
            expected="an assumption that some sizes fulfil",
            found=_sides(frame, node.condition),
            hint="another assumption, or the declared sizes, say the opposite",
        )
    else:
        _check(value, "assume", node.condition.span)


def _check(value: Any, word: str, span: Span) -> None:
    if isinstance(value, bool) or value is POISON:
        return
    if isinstance(value, Value):
        raise Mistake(
            "E0270",
            f"`{word}` is decided before the model runs",
            span,
            expected="a condition of sizes and hyper-parameters",
            found=describe(value),
            hint="what depends on the numbers in a tensor is known at run time only",
        )
    raise Mistake(
        "E0206", f"`{word}` needs a condition", span, expected="true, false or a comparison", found=describe(value)
    )


def _sides(frame: Frame, node: ast.Expr) -> str:
    """The two sides of a comparison that is false, as values."""
    if not isinstance(node, ast.Binary):
        return "false"
    if node.op == "and":
        left = frame.evaluate(node.left)
        return _sides(frame, node.left if left is False else node.right)
    if node.op == "or":
        return "both sides are false"
    left, right = frame.evaluate(node.left), frame.evaluate(node.right)
    shown = [v for v in (left, right) if is_dim(v) or isinstance(v, (float, str, bool))]
    if len(shown) < 2:
        return "false"
    text = node.left.span.text
    return (
        f"{left} {node.op} {right}"
        if len(text) > 40 or text == str(left)
        else f"{text} is {left}, not {node.op} {right}"
    )


def take(frame: Frame, condition: Condition, message: str, span: Span) -> None:
    """Record a condition; where it makes a size follow from others, the next attempt has the size replaced."""
    session = frame.session
    for left, relation, right in condition.parts:
        found = None
        if relation == "==":
            found = consequence(substitute(left, session.pending), substitute(right, session.pending))
        if found is not None:
            session.pending = compose(session.pending, found)
        if found is None or divisibility(left, right) is not None:
            left, right = _plain(left, right)
            record(frame, Assumption(left, relation, right, message, span))


def record(frame: Frame, assumption: Assumption) -> None:
    """Keep an assumption for the program and for the graph that states it."""
    if assumption not in frame.session.assumptions:
        frame.session.assume(assumption)
        frame.graph.assumptions.append(assumption)


def compose(old: dict[str, Dim], new: dict[str, Dim]) -> dict[str, Dim]:
    """The substitution that does the old one, then the new one."""
    changed = {name: substitute(dim, new) for name, dim in old.items() if not new.keys().isdisjoint(names(dim))}
    return {**old, **changed, **new}


def consequence(left: Dim, right: Dim) -> dict[str, Dim] | None:
    """The substitution under which two sizes are equal: a name for what it equals, or a name that is divisible."""
    divided = divisibility(left, right)
    if divided is not None:
        return divisible(*divided)
    for a, b in ((right, left), (left, right)):
        name = _sole_name(a)
        if name is not None and name not in names(b):
            return {name: b}
    return _linear(left - right)


def _sole_name(dim: Dim) -> str | None:
    if isinstance(dim, Expr) and len(dim.terms) == 1:
        monomial, coefficient = dim.terms[0]
        if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], Name):
            return monomial[0][0].text
    return None


def _linear(difference: Dim) -> dict[str, Dim] | None:
    """A name with the factor 1 or -1 that stands nowhere else in `difference == 0`, in terms of the others."""
    if not isinstance(difference, Expr):
        return None
    for monomial, coefficient in difference.terms:
        atom = monomial[0][0] if len(monomial) == 1 and monomial[0][1] == 1 else None
        if not isinstance(atom, Name) or coefficient not in (1, -1):
            continue
        rest = difference - Expr(((monomial, coefficient),))
        if atom.text not in names(rest):
            return {atom.text: rest * -coefficient}
    return None


def _plain(left: Dim, right: Dim) -> tuple[Dim, Dim]:
    """A divisibility said of the size itself, where it was found of an exact quotient of it."""
    divided = divisibility(left, right)
    if divided is None or not isinstance(divided[0], Expr):
        return left, right
    (monomial, coefficient), *rest = divided[0].terms
    atom = monomial[0][0]
    if rest or not isinstance(atom, Quotient) or coefficient % atom.divisor:
        return left, right
    whole = coefficient // atom.divisor * named_size(atom.text)
    return whole % divided[1], right
