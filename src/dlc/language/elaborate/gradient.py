"""`grad(y, wrt=x)`: the derivative of a scalar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Span
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Problem
from dlc.language.elaborate.context import Frame, Mistake, place_of
from dlc.language.elaborate.values import POISON, Given, describe
from dlc.passes.autodiff import grad


def gradient(frame: Frame, piped: Sequence[Any], given: Sequence[Given], span: Span) -> Any:
    """The gradient of a scalar with respect to a tensor, or a tuple of them for a list. Raises E0212, E0205, E0240."""
    by_name = {g.name: g for g in given if g.name is not None}
    unknown = next((g for n, g in by_name.items() if n not in ("y", "wrt")), None)
    if unknown is not None:
        raise Mistake(
            "E0211",
            f"`grad` has no argument `{unknown.name}`",
            unknown.span,
            expected="y, wrt",
            found=str(unknown.name),
        )
    positional = [*piped, *(g.value for g in given if g.name is None)]
    if "y" in by_name:
        positional.insert(0, by_name["y"].value)
    wrt = by_name["wrt"].value if "wrt" in by_name else positional[1] if len(positional) == 2 else None
    if len(positional) not in (1, 2) or wrt is None:
        raise Mistake(
            "E0212",
            "`grad` needs a scalar and what to differentiate with respect to",
            span,
            expected="grad(y, wrt=x)",
            found=f"{len(positional)} values",
        )
    y = positional[0]
    wanted = list(wrt) if isinstance(wrt, tuple) else [wrt]
    if y is POISON or POISON in wanted:
        return POISON
    for value in (y, *wanted):
        if not isinstance(value, Value):
            raise Mistake("E0205", "`grad` takes tensors", span, expected="tensors", found=describe(value))
    if frame.captures is not None:
        raise Mistake(
            "E0240",
            "`grad` cannot stand inside run-time control flow",
            span,
            hint="take the gradient outside of `cond`, `while` and `scan`",
        )
    return _differentiate(frame, y, wanted, isinstance(wrt, tuple), span)


def _differentiate(frame: Frame, y: Value, wanted: list[Value], several: bool, span: Span) -> Any:
    before = len(frame.graph)
    try:
        found = grad(Builder(frame.graph, origin="grad", span=span), y, wanted)
    except Problem as problem:
        raise Mistake(
            problem.code,
            problem.message,
            span,
            expected=problem.expected,
            found=problem.found,
            hint=problem.hint,
            labels=place_of(y, "the scalar", span),
        ) from None
    for _ in range(len(frame.graph) - before):
        frame.session.count_node(span)
    assert isinstance(found, list)
    return tuple(found) if several else found[0]
