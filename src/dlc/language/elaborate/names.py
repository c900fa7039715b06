"""What a name means: a binding, an item of the file, an element type, a constant, an operation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from dlc.diagnostics import Label, Span, suggestion
from dlc.ir.graph import Value
from dlc.ir.op import Op, all_ops, is_op, op
from dlc.ir.types import DTYPES
from dlc.language import ast
from dlc.language.elaborate import habits
from dlc.language.elaborate.builtins import BUILTINS
from dlc.language.elaborate.context import Frame, Mistake, evaluates
from dlc.language.elaborate.values import (
    POISON,
    BlockRef,
    Callee,
    FnRef,
    Layer,
    ModelRef,
    Poison,
    describe,
)

CONSTANTS = {"pi": math.pi, "inf": math.inf, "nan": math.nan}
MISSING: Any = object()


@evaluates(ast.Name)
def name_value(frame: Frame, node: ast.Name) -> Any:
    """The value of a name. Raises E0200."""
    value = frame.names.get(node.name, MISSING)
    if value is not MISSING:
        return value
    item = frame.module.items.get(node.name, MISSING)
    if item is not MISSING:
        return item
    if node.name in DTYPES:
        return DTYPES[node.name]
    if node.name in CONSTANTS:
        return CONSTANTS[node.name]
    if is_op(node.name):
        return op(node.name)
    raise unknown_name(frame, node.name, node.span)


def unknown_name(frame: Frame, name: str, span: Span) -> Mistake:
    """E0200, with the nearest name that could be meant."""
    hint = suggestion(name, [*frame.names, *frame.module.items, *CONSTANTS])
    if hint is None and len(name) > 3:
        hint = suggestion(name, all_ops())
    if hint is None and name in habits.DTYPES:
        hint = f"the element type is called `{habits.DTYPES[name]}`"
    if hint is None and name in ("True", "False", "None", "self"):
        hint = {"self": "there is no `self`: a block's weights are made where its layers are called"}.get(
            name, f"write `{name.lower()}`"
        )
    if hint is None:
        hint = "a name is bound by `name = ...` before it is used, or by a parameter list"
    return Mistake("E0200", f"nothing is called `{name}` here", span, hint=hint)


def callee(frame: Frame, node: ast.Expr) -> Any:
    """What a call calls: an operation, block, function, layer or builtin; POISON where that cannot be known."""
    if isinstance(node, ast.Name):
        return _named_callee(frame, node)
    if isinstance(node, ast.Field):
        raise _foreign_callee(frame, node)
    value = frame.evaluate(node)
    if value is POISON:
        return POISON
    raise Mistake(
        "E0202",
        "only names can be called",
        node.span,
        expected="an operation, a block, a function or a layer",
        found=describe(value),
        hint="hyper-parameters and tensors go into one call: `x |> Block(8)`",
    )


def _named_callee(frame: Frame, node: ast.Name) -> Any:
    name = node.name
    bound = frame.names.get(name, MISSING)
    if bound is POISON or isinstance(bound, (BlockRef, FnRef, Layer, Op)):
        return bound
    item = frame.module.items.get(name)
    if isinstance(item, (BlockRef, FnRef, Poison)):
        return item
    if isinstance(item, ModelRef):
        raise Mistake(
            "E0202",
            f"`{name}` is a model, and models cannot be called",
            node.span,
            expected="a block",
            found=f"the model {name}",
            labels=(Label(item.decl.span, "the model"),),
            hint="make it a block with inputs and a result, and let the model call that",
        )
    builtin: Callee | None = BUILTINS.get(name)
    if is_op(name):
        return op(name) if builtin is None else (builtin, op(name))
    if builtin is not None:
        return builtin
    if bound is not MISSING:
        raise not_callable(frame, name, bound, node.span)
    raise unknown_callee(frame, name, node.span)


def not_callable(frame: Frame, name: str, value: Any, span: Span) -> Mistake:
    """E0202: a value where something that can be called is expected."""
    place = frame.places.get(name)
    hint = f"indexing is written `{name}[...]`, a product `{name} * ...`" if isinstance(value, Value) else None
    return Mistake(
        "E0202",
        f"`{name}` cannot be called",
        span,
        expected="an operation, a block, a function or a layer",
        found=describe(value),
        hint=hint,
        labels=(Label(place, f"`{name}` is bound here"),) if place else (),
    )


def unknown_callee(frame: Frame, name: str, span: Span) -> Mistake:
    """E0201, with the name under which the operation is known here."""
    known = habits.operation_for(name)
    hint = f"it is called `{known}` here" if known else None
    if hint is None:
        hint = suggestion(name, callables(frame))
    if hint is None and name == "print":
        hint = "a value is shown by making it an `output`"
    return Mistake(
        "E0201",
        f"there is no operation, block or function `{name}`",
        span,
        hint=hint or "`dlc ops` lists the operations; a block is defined or imported in this file",
    )


def callables(frame: Frame) -> Iterable[str]:
    """Every name that can be called here."""
    yield from (n for n, v in frame.names.items() if isinstance(v, (BlockRef, FnRef, Layer, Op)))
    yield from (n for n, v in frame.module.items.items() if not isinstance(v, ModelRef))
    yield from BUILTINS
    yield from all_ops()


def _foreign_callee(frame: Frame, node: ast.Field) -> Mistake:
    """E0204: `torch.relu(x)`, `x.view(...)`, `self.conv(x)`."""
    base = root(node)
    whole = node.span.text if len(node.span.text) < 60 else node.name
    known = habits.operation_for(node.name)
    if base == "self" and base not in frame.names:
        return Mistake(
            "E0201",
            "there is no `self`",
            node.span,
            expected="an operation, a block, a function or a layer",
            found=whole,
            hint="a layer is called where it stands: `x |> linear(64) @fc`; to call it twice: `layer fc = linear(64)`",
        )
    if base in habits.MODULES and base not in frame.names:
        hint = (
            f"operations have no prefix: `x |> {known}`" if known else "operations have no prefix; `dlc ops` lists them"
        )
        return Mistake("E0201", f"there is no operation `{whole}`", node.span, hint=hint)
    if base not in frame.names and base is not None and base not in frame.module.items:
        return unknown_name(frame, base, node.span)
    hint = f"operations are functions: `{base or 'x'} |> {known}`" if known else "operations are functions: `x |> relu`"
    return Mistake("E0204", f"tensors have no method `{node.name}`", node.span, hint=hint)


def root(node: ast.Expr) -> str | None:
    """The name at the left end of `a.b.c`."""
    while isinstance(node, ast.Field):
        node = node.base
    return node.name if isinstance(node, ast.Name) else None


@evaluates(ast.Field)
def field_value(frame: Frame, node: ast.Field) -> Any:
    """`x.shape`, `x.rank`, `x.dtype`, `x.size`, and the weights of a layer. Raises E0204."""
    base_name = root(node)
    if base_name in habits.MODULES and base_name not in frame.names and base_name not in frame.module.items:
        raise _foreign_callee(frame, node)
    path: list[str] = []
    base: ast.Expr = node
    while isinstance(base, ast.Field):
        path.append(base.name)
        base = base.base
    value = frame.evaluate(base)
    for name in reversed(path):
        if isinstance(value, Layer):
            return _layer_field(value, ".".join(reversed(path)), node.span)
        value = _field(value, name, node.span)
    return value


def _field(value: Any, name: str, span: Span) -> Any:
    if value is POISON:
        return POISON
    if isinstance(value, Value):
        fields = {
            "shape": value.type.shape,
            "rank": value.type.rank,
            "dtype": value.type.dtype,
            "size": value.type.size,
        }
        if name in fields:
            return fields[name]
        known = habits.operation_for(name)
        near = suggestion(name, fields)
        raise Mistake(
            "E0204",
            f"a tensor has no field `{name}`",
            span,
            expected="shape, rank, dtype or size",
            found=name,
            hint=f"operations are functions: `x |> {known}`" if known and not near else near,
        )
    raise Mistake("E0204", f"this has no field `{name}`", span, expected="a tensor or a layer", found=describe(value))


def _layer_field(layer: Layer, name: str, span: Span) -> Any:
    found = layer.weights.get(name)
    if found is not None:
        return found
    where = (Label(layer.span, "the layer"),)
    if layer.types is None:
        raise Mistake(
            "E0244",
            f"the weights of `{layer.name}` are not known before its first call",
            span,
            labels=where,
            hint=f"call `{layer.name}` above this line: the shapes of weights follow from what goes in",
        )
    raise Mistake(
        "E0204",
        f"the layer `{layer.name}` has no weight `{name}`",
        span,
        labels=where,
        expected=", ".join(layer.weights) or "a layer with weights",
        found=name,
        hint=suggestion(name, layer.weights),
    )
