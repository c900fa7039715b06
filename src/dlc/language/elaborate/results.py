"""The body of a block or function: what it returns, checked against the declared results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Label, Span
from dlc.ir.graph import Graph, Value
from dlc.language import ast
from dlc.language.elaborate import kinds
from dlc.language.elaborate.apply import constant
from dlc.language.elaborate.context import Frame, Mistake
from dlc.language.elaborate.signatures import Reference, declaration
from dlc.language.elaborate.sizes import declared, match
from dlc.language.elaborate.values import POISON, Phantom, describe, is_dim, is_number


def run_body(inner: Frame, reference: Reference) -> tuple[list[Any], Sequence[ast.Expr]]:
    """Execute the body of a block or function; what it returns, checked against the declared results.

    Phantom tensors of the declared types, or POISON, stand for results that are wrong.
    """
    decl = reference.decl
    returned = inner.execute(decl.body.statements)
    if returned is None and decl.body.values:
        returned = tuple((v, inner.guarded(v)) for v in decl.body.values)
    if returned is None:
        inner.complain(
            Mistake(
                "E0332",
                f"`{decl.name}` returns nothing",
                declaration(reference).span,
                expected="`return x` at its end",
                found="no `return`",
            )
        )
        return [declared_result(inner, t) for t in decl.results] or [POISON], ()
    nodes, values = [n for n, _ in returned], [v for _, v in returned]
    if decl.results and len(values) == 1 and isinstance(values[0], tuple) and len(decl.results) == len(values[0]):
        values = list(values[0])
    if decl.results and len(values) != len(decl.results):
        span = nodes[0].span.to(nodes[-1].span)
        inner.complain(
            Mistake(
                "E0333",
                f"`{decl.name}` returns {len(values)} values",
                span,
                expected=f"{len(decl.results)}, as declared",
                found=str(len(values)),
                labels=(Label(decl.results[0].span, "the declared result"),),
            )
        )
        return [declared_result(inner, t) for t in decl.results], nodes
    for position, wanted in enumerate(decl.results):
        place = nodes[position].span if position < len(nodes) else nodes[-1].span
        values[position] = check_result(inner, wanted, values[position], decl.name, place)
    return values, nodes


def check_result(inner: Frame, wanted: ast.TypeExpr, value: Any, name: str, place: Span) -> Any:
    """A returned value that fits its declared type; a stand-in after reporting one that does not."""
    if value is POISON:
        return declared_result(inner, wanted)
    try:
        if kinds.is_kind(wanted):
            return value
        if is_number(value) or is_dim(value):
            value = constant(inner, value, None, place)
        if not isinstance(value, Value):
            raise Mistake(
                "E0334", f"`{name}` returns what is no tensor", place, expected=wanted.span.text, found=describe(value)
            )
        match(inner, wanted, value, what=f"the result of `{name}`", span=place)
        return value
    except Mistake as mistake:
        inner.complain(mistake)
        return declared_result(inner, wanted)


def declared_result(inner: Frame, wanted: ast.TypeExpr) -> Any:
    """A tensor of the declared type without a node, or POISON where the type is not known."""
    if kinds.is_kind(wanted) or any(isinstance(d, ast.Dots) for d in wanted.dims or ()):
        return POISON
    known = all(not isinstance(d, ast.Name) or d.name in inner.names for d in wanted.dims or ())
    try:
        found = declared(inner.inner(), wanted) if known else None
    except Mistake:
        return POISON
    return POISON if found is None else Phantom(found, span=wanted.span)


def output_name(nodes: Sequence[ast.Expr], position: int, graph: Graph) -> str:
    """The name that was returned, or `y`, made different from those before it."""
    node = nodes[position] if position < len(nodes) and len(nodes) > 1 else nodes[0] if len(nodes) == 1 else None
    wanted = (
        node.name if isinstance(node, ast.Name) and position < len(nodes) else "y" if not position else f"y{position}"
    )
    number, name = 2, wanted
    while name in graph.output_names:
        name, number = f"{wanted}{number}", number + 1
    return name
