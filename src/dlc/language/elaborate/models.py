"""Declarations: inputs and outputs of a model, layers, `param` and `state`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dlc.diagnostics import Label, Span
from dlc.ir.graph import Value, Weight
from dlc.ir.op import Initializer, Op, WeightSpec
from dlc.ir.types import F32, TensorType
from dlc.language import ast
from dlc.language.elaborate import labels
from dlc.language.elaborate.apply import constant
from dlc.language.elaborate.calls import given, label_path
from dlc.language.elaborate.context import Frame, Mistake, executes, head
from dlc.language.elaborate.initializers import initializer
from dlc.language.elaborate.layers import check_spec, new_weight
from dlc.language.elaborate.names import callee
from dlc.language.elaborate.sizes import declared, match
from dlc.language.elaborate.values import POISON, BlockRef, Layer, Phantom, Poison, describe, is_dim, is_number


def fresh(frame: Frame, name: str, span: Span, what: str) -> None:
    """Raises E0203 for a declaration of a name that is taken by another one."""
    if name in frame.fixed or (name in frame.names and name in frame.places):
        place = frame.places.get(name)
        raise Mistake(
            "E0203",
            f"`{name}` is bound already",
            head(span, name),
            expected=f"a new name for {what}",
            found=name,
            labels=(Label(place, f"`{name}` is bound here"),) if place is not None else (),
        )


def _only_in_model(frame: Frame, word: str, span: Span) -> None:
    if frame.kind == "model":
        return
    hint = {
        "input": "the inputs of a block stand in its second parentheses: `block B(c: int) (x: f32[N, C])`",
        "output": "a block returns its results: `return y`",
    }[word]
    raise Mistake(
        "E0331",
        f"`{word}` stands in a model only",
        span,
        expected=f"`{word}` inside `model`",
        found=f"`{word}` in a {frame.kind}",
        hint=hint,
    )


@executes(ast.InputDecl)
def input_decl(frame: Frame, node: ast.InputDecl) -> None:
    """`input name: type = default`."""
    _only_in_model(frame, "input", node.span)
    fresh(frame, node.name, node.span, "the input")
    found = declared(frame, node.type)
    if found is None:
        frame.fix(node.name, POISON, "an input", node.span)
        frame.fixed.pop(node.name)
        return
    default = None if node.default is None else _default(frame, node.default, found.dtype.kind)
    frame.names[node.name] = frame.graph.add_input(
        node.name, found, default=default, doc=node.doc or "", span=node.span
    )
    frame.places[node.name] = node.span


def _default(frame: Frame, node: ast.Expr, kind: str) -> float | bool:
    """The number that fills an optional input. Raises E0336."""
    if isinstance(node, ast.Name) and node.name in ("zeros", "ones") and node.name not in frame.names:
        value: Any = node.name == "ones"
    else:
        value = frame.evaluate(node)
        if value is POISON:
            return 0.0
    if not is_number(value) or (kind in ("int", "uint") and float(value) != int(value)):
        raise Mistake(
            "E0336",
            "this cannot fill an input that is left out",
            node.span,
            expected="zeros, ones or a number" if kind not in ("int", "uint") else "zeros, ones or a whole number",
            found=describe(value),
        )
    return bool(value) if kind == "bool" else float(value)


@executes(ast.OutputDecl)
def output_decl(frame: Frame, node: ast.OutputDecl) -> None:
    """`output name: type = value`; the name is bound too, where it is free, so that later lines can use it."""
    _only_in_model(frame, "output", node.span)
    value = frame.guarded(node.value)
    if node.name in frame.graph.output_names:
        place = frame.places.get(node.name)
        raise Mistake(
            "E0335",
            f"there are two outputs `{node.name}`",
            head(node.span, node.name),
            expected="a name for each output",
            labels=(Label(place, "the first one"),) if place is not None else (),
        )
    if is_number(value) or is_dim(value):
        value = constant(frame, value, None, node.value.span)
    if value is not POISON and not isinstance(value, Value):
        raise Mistake(
            "E0205",
            f"the output `{node.name}` is no tensor",
            node.value.span,
            expected="a tensor",
            found=describe(value),
        )
    if isinstance(value, Value) and node.type is not None:
        match(frame, node.type, value, what=f"the output `{node.name}`", span=node.value.span)
    if node.name not in frame.fixed:
        frame.names[node.name] = value
        frame.places[node.name] = node.span
    if isinstance(value, Poison):
        value = Phantom(TensorType(F32, ()))
    if not value.name:
        value.name = node.name
    frame.graph.add_output(node.name, value, node.doc or "")


@executes(ast.LayerDecl)
def layer_decl(frame: Frame, node: ast.LayerDecl) -> None:
    """`layer name = callee(arguments)`. Raises E0202 for a callee without weights of its own."""
    fresh(frame, node.name, node.span, "the layer")
    labels.need_owner(frame, "`layer`", node.span)
    call = node.call
    found = callee(frame, call.callee)
    if isinstance(found, tuple):
        found = found[1]
    values = given(frame, call.args)
    label = call.label or ast.Label(node.name, span=node.span)
    path = label_path(frame, label)
    if found is POISON:
        frame.fix(node.name, POISON, "a layer", node.span)
        return
    if not isinstance(found, (Op, BlockRef)) or (isinstance(found, Op) and found.layer is None):
        raise Mistake(
            "E0202",
            f"`{call.callee.span.text}` has no weights to share",
            call.span,
            found=describe(found),
            expected="an operation with weights, or a block",
            hint="call it directly where it is needed",
        )
    if any(isinstance(v.value, Value) and v.name is None for v in values):
        raise Mistake(
            "E0205",
            "a layer is declared without its inputs",
            call.span,
            expected="sizes and options",
            found="a tensor",
            hint=f"declare it, then call it: `y = {node.name}(x)`",
        )
    frame.fix(node.name, Layer(node.name, found, tuple(values), path, node.span, frame), "a layer", node.span)


@executes(ast.ParamDecl, ast.StateDecl)
def weight_decl(frame: Frame, node: ast.ParamDecl | ast.StateDecl) -> None:
    """`param name: type = init`, `state name: type = init`. Without an initialiser it starts as zeros.

    `= zeros() @"layer1.0.gamma"` gives another path than the name, `= ones(trainable=false)` a weight that stays.
    """
    fresh(frame, node.name, node.span, "the weight")
    labels.need_owner(frame, "`param`" if isinstance(node, ast.ParamDecl) else "`state`", node.span)
    found = declared(frame, node.type)
    init, options = _weight_options(frame, node.init)
    start = Initializer("zeros") if init is None else initializer(frame, init)
    label = init.label if isinstance(init, ast.Call) else None
    path = labels.claim(frame, node.name + frame.suffix, node.span) if label is None else label_path(frame, label)
    if found is None or not isinstance(start, Initializer):
        frame.names[node.name] = POISON
        return
    spec = WeightSpec(found, start, state=isinstance(node, ast.StateDecl))
    check_spec(frame, path, spec, node.span)
    weight: Weight = new_weight(frame, path, spec, options, "weight", node.span)
    frame.names[node.name] = weight
    frame.places[node.name] = node.span


def _weight_options(frame: Frame, init: ast.Expr | None) -> tuple[ast.Expr | None, dict[str, Any]]:
    """The initialiser without `trainable=`, and what that says. Raises E0213 for anything but true or false."""
    if not isinstance(init, ast.Call):
        return init, {}
    said = [a for a in init.args if a.name == "trainable"]
    if not said:
        return init, {}
    value = frame.evaluate(said[0].value)
    if not isinstance(value, (bool, Poison)):
        raise Mistake(
            "E0213",
            "`trainable` of a weight must be known",
            said[0].span,
            expected="true or false",
            found=describe(value),
        )
    return replace(init, args=tuple(a for a in init.args if a.name != "trainable")), {"trainable": value is not False}
