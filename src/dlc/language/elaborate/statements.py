"""Statements of bodies: bindings, `if`, `for`, `return`; and `if` as an expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Label, Span
from dlc.ir.graph import Input, Value, Weight
from dlc.language import ast
from dlc.language.elaborate import kinds, limits
from dlc.language.elaborate.apply import constant
from dlc.language.elaborate.context import Frame, Mistake, evaluates, executes, head
from dlc.language.elaborate.sizes import declared, match
from dlc.language.elaborate.values import POISON, Condition, Phantom, bounded, describe, is_number


@evaluates(ast.Int, ast.Float, ast.Str, ast.Bool)
def literal(frame: Frame, node: ast.Int | ast.Float | ast.Str | ast.Bool) -> Any:
    """A number, string or truth value. Raises E0314 for a number beyond all use."""
    if isinstance(node, ast.Int) and node.value.bit_length() > limits.BITS:
        raise Mistake("E0314", "the number is too large", node.span, expected=f"at most {limits.BITS} bits")
    return node.value


@evaluates(ast.Nothing)
def nothing(frame: Frame, node: ast.Nothing) -> None:
    """`none`."""
    return None


@evaluates(ast.List, ast.Tuple)
def sequence(frame: Frame, node: ast.List | ast.Tuple) -> Any:
    """A list; POISON if one of its elements is. Raises E0209 for one that is too large."""
    values = tuple([frame.guarded(item) for item in node.items])
    try:
        return POISON if any(v is POISON for v in values) else bounded(values)
    except ValueError as error:
        raise Mistake("E0209", str(error), node.span) from None


@executes(ast.Assign)
def assign(frame: Frame, node: ast.Assign) -> None:
    """`x = e`, `a, b = e`. Raises E0203, E0208."""
    value = frame.guarded(node.value)
    if len(node.targets) == 1:
        bind(frame, node.targets[0], value, node.value.span)
        if node.doc and isinstance(value, Value) and value.node is not None:
            value.node.doc = node.doc
        return
    for target, part in zip(node.targets, _parts(node, value), strict=True):
        bind(frame, target, part, node.value.span)


def _parts(node: ast.Assign, value: Any) -> Sequence[Any]:
    count = len(node.targets)
    if value is POISON:
        return [POISON] * count
    if isinstance(value, (tuple, range)) and len(value) == count:
        return list(value)
    found = f"{len(value)} values" if isinstance(value, (tuple, range)) else describe(value)
    names = ", ".join(t.name for t in node.targets)
    hint = None
    if isinstance(value, Value):
        hint = f"a tensor is taken apart with `split` or an index: `{node.targets[0].name} = x[0]`"
    elif isinstance(value, tuple):
        spare = ["_"] * max(0, len(value) - count)
        hint = f"write `{', '.join([names, *spare])} = ...`" if spare else None
    raise Mistake(
        "E0208",
        f"{count} names, but {found}",
        node.targets[0].span.to(node.targets[-1].span),
        expected=f"{count} values for {names}",
        found=found,
        hint=hint,
        labels=(Label(node.value.span, "this gives them"),),
    )


def bind(frame: Frame, target: ast.Target, value: Any, span: Span) -> None:
    """Give a value a name. Raises E0203 for a name that is fixed, and what `match` raises for a written type."""
    name = target.name
    if name in frame.fixed:
        raise rebound(frame, name, target.span)
    if target.type is not None:
        value = _typed(frame, target, target.type, value, span)
    if isinstance(value, Value) and not value.name and not isinstance(value, (Input, Weight)):
        value.name = name
    frame.names[name] = value
    frame.places[name] = target.span


def rebound(frame: Frame, name: str, span: Span) -> Mistake:
    """E0203, for a name that is fixed."""
    what, place = frame.fixed[name], frame.places.get(name)
    return Mistake(
        "E0203",
        f"`{name}` is {what} and cannot be bound again",
        span,
        expected="a new name",
        found=name,
        labels=(Label(place, f"{what.split(' ', 1)[1]} `{name}`"),) if place is not None else (),
        hint="tensors may be bound again; sizes, hyper-parameters and layers may not",
    )


def _typed(frame: Frame, target: ast.Target, wanted: ast.TypeExpr, value: Any, span: Span) -> Any:
    if kinds.is_kind(wanted) and not isinstance(value, Value):
        return kinds.checked(frame, value, ast.Param(target.name, wanted, span=target.span), span, "the binding")
    if value is POISON:
        known = declared(frame.inner(), wanted) if not any(isinstance(d, ast.Dots) for d in wanted.dims or ()) else None
        return POISON if known is None else Phantom(known, span=target.span)
    if is_number(value) or (isinstance(value, tuple) and value and not isinstance(value[0], Value)):
        probe = declared(frame.inner(), ast.TypeExpr(wanted.name, span=wanted.span))
        value = constant(frame, value, None if probe is None else probe.dtype, span)
    if not isinstance(value, Value):
        raise Mistake(
            "E0205", f"`{target.name}` is declared as a tensor", span, expected=wanted.span.text, found=describe(value)
        )
    match(frame, wanted, value, what=f"`{target.name}`", span=span)
    return value


@executes(ast.Return)
def execute_return(frame: Frame, node: ast.Return) -> tuple[Any, ...] | None:
    """The places and values that are returned. Raises E0331 in a model."""
    if frame.kind == "model":
        raise Mistake(
            "E0331",
            "a model does not return",
            node.span,
            expected="`output name = value`",
            found="`return`",
            hint="results of a model have names: `output logits = x`",
        )
    return tuple((value, frame.guarded(value)) for value in node.values)


@evaluates(ast.If)
def if_expression(frame: Frame, node: ast.If) -> Any:
    """The values of the branch that is taken."""
    for branch in node.branches:
        taken = decide(frame, branch.condition)
        if taken is None:
            for body in (*(b.body for b in node.branches), node.otherwise):
                if body is not None:
                    _speculate(frame, body)
            return POISON
        if taken:
            return body_value(frame, branch.body)
    assert node.otherwise is not None
    return body_value(frame, node.otherwise)


def body_value(frame: Frame, body: ast.Body) -> Any:
    """What a body is worth: its value, or a tuple of its values. What it binds stays inside."""
    if body.statements:
        frame = frame.inner()
        frame.execute(body.statements)
    values = tuple(frame.guarded(v) for v in body.values)
    return values[0] if len(values) == 1 else values


def _speculate(frame: Frame, body: ast.Body) -> Frame:
    """Check a body of which it is not known whether it is taken."""
    inner = frame.inner()
    inner.labels = dict(frame.labels)
    inner.execute(body.statements)
    for value in body.values:
        inner.guarded(value)
    return inner


@executes(ast.If)
def if_statement(frame: Frame, node: ast.If) -> tuple[Any, ...] | None:
    """The statements of the branch that is taken, in the scope around them."""
    for branch in node.branches:
        taken = decide(frame, branch.condition)
        if taken is None:
            bodies = [*(b.body for b in node.branches), *([node.otherwise] if node.otherwise else [])]
            for inner in [_speculate(frame, body) for body in bodies]:
                for name in inner.names.keys() - frame.fixed.keys():
                    if inner.names[name] is not frame.names.get(name):
                        frame.names[name] = POISON
            return None
        if taken:
            return frame.execute(branch.body.statements)
    return frame.execute(node.otherwise.statements) if node.otherwise is not None else None


def decide(frame: Frame, node: ast.Expr) -> bool | None:
    """Whether a condition of `if` holds; None where that is not known after a complaint.

    Raises E0300 for one that depends on sizes that are not known, E0270 for a tensor.
    """
    value = frame.evaluate(node)
    if isinstance(value, bool):
        return value
    if value is POISON or (isinstance(value, Condition) and frame.session.generic):
        return None
    if isinstance(value, Condition):
        raise Mistake(
            "E0300",
            "`if` is decided before the model runs, and this depends on a size that is not known",
            node.span,
            expected="a condition with a known answer",
            found=str(value),
            hint="give the size as a number or a hyper-parameter, or state which case holds with `assume`",
        )
    if isinstance(value, Value):
        raise Mistake(
            "E0270",
            "`if` is decided before the model runs",
            node.span,
            expected="a compile-time condition",
            found=describe(value),
            hint="a choice that depends on a tensor is `cond p { a } else { b }`, "
            "or `where(p, a, b)` element by element",
        )
    raise Mistake(
        "E0206", "`if` needs a condition", node.span, expected="true, false or a comparison", found=describe(value)
    )


@executes(ast.For)
def for_loop(frame: Frame, node: ast.For) -> tuple[Any, ...] | None:
    """The body for each element; labels directly in it get the number of the round. Raises E0203, E0313."""
    if node.name in frame.fixed:
        raise rebound(frame, node.name, head(node.span, node.name))
    rounds = _rounds(frame, node)
    outer, before = frame.suffix, frame.session.complaints
    frame.fixed[node.name], frame.places[node.name] = "the index of a loop", node.span
    try:
        for number, value in rounds:
            frame.session.count_step(node.span)
            frame.names[node.name], frame.suffix = value, f"{outer}.{number}"
            returned = frame.execute(node.body.statements)
            if returned is not None:
                return returned
            if frame.session.complaints != before:
                break
    finally:
        frame.suffix = outer
        del frame.fixed[node.name]
    return None


def _rounds(frame: Frame, node: ast.For) -> Sequence[tuple[Any, Any]]:
    """The number in labels and the value of each round."""
    if isinstance(node.iterable, ast.Range):
        bounds = [frame.evaluate(e) for e in (node.iterable.start, node.iterable.stop)]
        if POISON in bounds:
            return [(0, POISON)]
        for value, place in zip(bounds, (node.iterable.start, node.iterable.stop), strict=True):
            if isinstance(value, bool) or not isinstance(value, int):
                raise Mistake(
                    "E0313",
                    "the bounds of `for` must be known whole numbers",
                    place.span,
                    expected="a whole number",
                    found=describe(value),
                    hint="a loop over an axis at run time is `scan`",
                )
        if bounds[1] - bounds[0] > limits.STEPS:
            raise Mistake(
                "E0313",
                "`for` has too many rounds",
                node.iterable.span,
                expected=f"at most {limits.STEPS:,}",
                found=f"{bounds[1] - bounds[0]:,}",
            )
        return [(i, i) for i in range(*bounds)]
    value = frame.evaluate(node.iterable)
    if value is POISON:
        return [(0, POISON)]
    if isinstance(value, range):
        return [(i, i) for i in value]
    if isinstance(value, tuple):
        return list(enumerate(value))
    hint = (
        "a loop over an axis of a tensor is `scan (...) over (xt = x)`"
        if isinstance(value, Value)
        else "count with `for i in 0..n`"
    )
    raise Mistake(
        "E0313",
        "`for` needs a list or a range",
        node.iterable.span,
        expected="`0..n` or a list",
        found=describe(value),
        hint=hint,
    )
