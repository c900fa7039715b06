"""Calls and pipes: what is called decides how its arguments are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Label, Span
from dlc.ir.graph import Value
from dlc.ir.op import REQUIRED, Op, Problem
from dlc.ir.types import TensorType
from dlc.language import ast
from dlc.language.elaborate import arguments, labels, layers
from dlc.language.elaborate.apply import apply, complaint, excusable
from dlc.language.elaborate.arguments import MISSING, tensors_in
from dlc.language.elaborate.blocks import call_block, call_function
from dlc.language.elaborate.bound import Bound
from dlc.language.elaborate.context import Frame, Mistake, evaluates
from dlc.language.elaborate.gradient import gradient
from dlc.language.elaborate.initializers import initializer
from dlc.language.elaborate.names import callee as find_callee
from dlc.language.elaborate.values import POISON, BlockRef, Builtin, FnRef, Given, Layer, bounded_size, describe

REPEATS = 100_000


@evaluates(ast.Call)
def call(frame: Frame, node: ast.Call) -> Any:
    """`callee(arguments) @label`."""
    return invoke(frame, node.callee, (), node.args, node.label, node.span)


@evaluates(ast.Pipe)
def pipe(frame: Frame, node: ast.Pipe) -> Any:
    """`first |> stage |> stage`; a wrong stage does not hide what is wrong with those after it."""
    value = frame.guarded(node.first)
    for stage in node.stages:
        try:
            piped = value if tensors_in(value) else (value,)
            if stage.repeat is None:
                value = invoke(frame, stage.callee, piped, stage.args, stage.label, stage.span)
            else:
                value = _repeat(frame, stage, piped)
        except Mistake as mistake:
            frame.complain(mistake)
            value = POISON
    return value


def given(frame: Frame, nodes: Sequence[ast.Argument]) -> list[Given]:
    """Evaluated arguments; those of `init=` are initialisers."""
    result: list[Given] = []
    for a in nodes:
        starts = a.name is not None and (a.name == "init" or a.name.endswith("_init"))
        if starts and isinstance(a.value, (ast.Name, ast.Call)):
            try:
                result.append(Given(a.name, initializer(frame, a.value), a.span))
            except Mistake as mistake:
                frame.complain(mistake)
                result.append(Given(a.name, POISON, a.span))
        else:
            result.append(Given(a.name, frame.guarded(a.value), a.span))
    return result


def invoke(
    frame: Frame,
    callee: ast.Expr,
    piped: Sequence[Any],
    nodes: Sequence[ast.Argument],
    label: ast.Label | None,
    span: Span,
) -> Any:
    """Call what an expression names with piped values and written arguments."""
    if isinstance(callee, ast.Name) and callee.name == "grad" and "grad" not in frame.names:
        return gradient(frame, piped, given(frame, nodes), span)
    try:
        found = find_callee(frame, callee)
    except Mistake as mistake:
        frame.complain(mistake)
        found = POISON
    values = given(frame, nodes)
    if isinstance(found, tuple):
        tensors = any(isinstance(v, Value) or tensors_in(v) for v in (*piped, *(g.value for g in values)))
        found = found[1] if tensors or label is not None else found[0]
    path = None if label is None else label_path(frame, label)
    return dispatch(frame, found, piped, values, path, span)


def label_path(frame: Frame, label: ast.Label) -> str:
    """The path of a label; one that is wrong is reported and replaced."""
    try:
        return labels.take(frame, label)
    except Mistake as mistake:
        frame.complain(mistake)
        return f"{label.name}{frame.suffix}#{len(frame.labels)}"


def dispatch(
    frame: Frame, callee: Any, piped: Sequence[Any], values: Sequence[Given], path: str | None, span: Span
) -> Any:
    """Call a resolved callee."""
    if callee is POISON:
        return POISON
    if isinstance(callee, Op):
        return call_operation(frame, callee, piped, values, path, span)
    if isinstance(callee, BlockRef):
        return call_block(frame, callee, piped, values, path, span)
    if isinstance(callee, FnRef):
        return call_function(frame, callee, piped, values, span)
    if isinstance(callee, Layer):
        return call_layer(frame, callee, piped, values, path, span)
    assert isinstance(callee, Builtin)
    return call_builtin(callee, piped, values, span)


def call_builtin(callee: Builtin, piped: Sequence[Any], values: Sequence[Given], span: Span) -> Any:
    """A function of compile-time values. Raises E0214 for the wrong number of them, E0209 where it is not defined."""
    found = [*piped, *(v.value for v in values)]
    if any(v is POISON or (isinstance(v, tuple) and POISON in v) for v in found):
        return POISON
    named = next((v for v in values if v.name is not None), None)
    if named is not None:
        raise Mistake(
            "E0211",
            f"`{callee.name}` has no argument `{named.name}`",
            named.span,
            found=str(named.name),
            expected="values by position",
            hint="with a tensor it is an operation and takes keywords",
        )
    least, most = callee.arguments
    if not least <= len(found) <= (most if most is not None else len(found)):
        raise Mistake(
            "E0214",
            f"`{callee.name}` takes {least if least == most else f'{least} or more'} values",
            span,
            expected=str(least),
            found=str(len(found)),
        )
    try:
        return bounded_size(callee.apply(*found))
    except ZeroDivisionError:
        raise Mistake("E0209", "division by zero", span) from None
    except (ValueError, TypeError, OverflowError) as error:
        hint = "a tensor has sizes: `x.shape[0]`, `x.rank`" if any(isinstance(v, Value) for v in found) else None
        raise Mistake("E0209", f"`{callee.name}` has no result here: {error}", span, hint=hint) from None


def call_operation(
    frame: Frame,
    operation: Op,
    piped: Sequence[Any],
    values: Sequence[Given],
    path: str | None,
    span: Span,
    layer: Layer | None = None,
) -> Any:
    """Apply an operation; as a layer it makes the weights that it is not given."""
    bound = arguments.bind(operation, piped, values, span)
    if "layout" in operation.attribute and "layout" not in bound.attributes:
        bound.attributes["layout"] = _layout(frame, operation, span)
    slots = arguments.operands(frame, operation, bound, span)
    if operation.layer is not None:
        return _with_weights(frame, operation, slots, bound, path, span, layer)
    if bound.poisoned or POISON in slots:
        return POISON
    tensors = arguments.as_tensors(frame, operation, slots, bound, span)
    return apply(frame, operation, tensors, bound.attributes, span, bound.places)


def _layout(frame: Frame, operation: Op, span: Span) -> str:
    if frame.module.layout is None:
        raise Mistake(
            "E0250",
            f"`{operation.name}` needs to know which axis holds the channels",
            span,
            expected="a line `layout NCHW` or `layout NHWC` at the top of the file",
            found="no layout",
            hint="NCHW is PyTorch's order (channels second), NHWC is TensorFlow's (channels last)",
        )
    return frame.module.layout


def _with_weights(
    frame: Frame, operation: Op, slots: list[Any], bound: Bound, path: str | None, span: Span, layer: Layer | None
) -> Any:
    shape = layers.shape_of(operation)
    fixed = len(operation.operands) - operation.variadic
    position = {o.name: i for i, o in enumerate(operation.operands[:fixed])}
    owned = [n for n in shape.weights if n in position]
    tied = {n: slots[position[n]] for n in owned if slots[position[n]] is not MISSING}
    sized = any(shape.parameters[n].default is REQUIRED for n in bound.parameters)
    functional = path is None and layer is None and not sized and (bool(tied) or len(slots) > fixed)
    if bound.poisoned or POISON in slots:
        if path is None and layer is None and not functional and not set(owned) <= tied.keys():
            frame.complain(labels.missing(frame, operation.name, layers.call_text(span), span))
        return POISON
    _check_tensors(operation, slots, position, shape, tied, span)
    for at in (position[n] for n in shape.tensors if n in position):
        if slots[at] is not MISSING and slots[at] is not None and not isinstance(slots[at], Value):
            slots[at] = arguments.as_tensor(frame, operation, slots, at, bound, span)
    if functional:
        _check_switches(operation, bound)
        tensors = arguments.as_tensors(frame, operation, slots, bound, span)
        return apply(frame, operation, tensors, bound.attributes, span, bound.places)
    types = {
        n: slots[position[n]].type for n in shape.tensors if n in position and isinstance(slots[position[n]], Value)
    }
    given_types = {n: v.type for n, v in tied.items() if isinstance(v, Value)}
    try:
        declared = layers.specs(frame, operation, types, bound, given_types, path or operation.name, span)
    except Problem as problem:
        known = [v for v in slots if isinstance(v, Value)]
        if frame.session.generic and excusable(problem, known, {**bound.attributes, **bound.parameters}):
            return POISON
        raise complaint(
            problem,
            operation,
            [v if isinstance(v, Value) else None for v in slots[:fixed]],
            span,
            bound.places,
            {**bound.attributes, **bound.parameters},
        ) from None
    weights = layers.make(
        frame, operation, declared, tied, bound.options, path if layer is None else layer.path, span, layer
    )
    if layer is not None:
        _remember(layer, weights, types, shape, span)
    for name in owned:
        slots[position[name]] = weights.get(name)
    slots += [v for n, v in weights.items() if n not in position]
    tensors = arguments.as_tensors(frame, operation, slots, bound, span)
    return apply(frame, operation, tensors, bound.attributes, span, bound.places)


def _remember(
    layer: Layer, weights: dict[str, Value], types: dict[str, TensorType], shape: layers.Shape, span: Span
) -> None:
    layer.weights.update(weights)
    if layer.types is None:
        layer.types, layer.first = tuple(types.get(n) for n in shape.tensors), span


def _check_tensors(
    operation: Op,
    slots: list[Any],
    position: dict[str, int],
    shape: layers.Shape,
    tied: dict[str, Any],
    span: Span,
) -> None:
    """A layer has its inputs, and weights that it is given are tensors. Raises E0210, E0205."""
    for name in shape.tensors:
        at = position.get(name)
        if at is not None and not operation.operands[at].optional and slots[at] in (MISSING, None):
            raise Mistake(
                "E0210",
                f"`{operation.name}` needs the tensor `{name}`",
                span,
                expected=f"{name}: {operation.operands[at].dtypes.text}",
                found="nothing",
                hint=f"give it what it works on: `x |> {layers.call_text(span)}`"
                if name == shape.tensors[0]
                else f"write `{name}=...`",
            )
    for name, value in tied.items():
        if value is not None and not isinstance(value, Value):
            raise Mistake(
                "E0205", f"`{name}` of `{operation.name}` is a tensor", span, expected="a tensor", found=describe(value)
            )


def _check_switches(operation: Op, bound: Bound) -> None:
    for name, value in bound.parameters.items():
        if value is not False:
            raise Mistake(
                "E0213",
                f"`{name}` shapes the weights of a layer, but this call is given its weights",
                bound.places[name],
                expected="a tensor or `false`",
                found=describe(value),
            )
    for name in bound.options:
        raise Mistake(
            "E0217",
            f"`{name}` is for weights that the layer makes itself",
            bound.places[name],
            hint="leave it out, or set it where the weights are made",
        )


def call_layer(
    frame: Frame, layer: Layer, piped: Sequence[Any], values: Sequence[Given], path: str | None, span: Span
) -> Any:
    """A declared layer, with the arguments of its declaration and the tensors of this call. Raises E0243, E0245."""
    if path is not None:
        raise Mistake(
            "E0243",
            f"`{layer.name}` has its label already",
            span,
            labels=(Label(layer.span, "the layer"),),
            hint=f"leave the label out: every call of `{layer.name}` uses the same weights",
        )
    if layers.owner(frame).graph is not layers.owner(layer.home).graph:
        raise Mistake(
            "E0245",
            f"the layer `{layer.name}` belongs to another block",
            span,
            labels=(Label(layer.span, "the layer"),),
            hint="declare the layer in the block that uses it, or pass the result as a tensor",
        )
    both = [*layer.given, *values]
    if isinstance(layer.callee, Op):
        return call_operation(frame, layer.callee, piped, both, None, span, layer)
    return call_block(frame, layer.callee, piped, both, None, span, layer)


def _repeat(frame: Frame, stage: ast.Stage, piped: Sequence[Any]) -> Any:
    """`repeat n callee(...) @h`: instances h.0, h.1, ..., each on what the one before it gave."""
    assert stage.repeat is not None
    count = frame.evaluate(stage.repeat)
    if count is POISON:
        count = 1
    if isinstance(count, bool) or not isinstance(count, int):
        raise Mistake(
            "E0313",
            "the count of `repeat` must be a whole number",
            stage.repeat.span,
            expected="a number known at compile time",
            found=describe(count),
            hint="a loop over a size is `scan`" if not isinstance(count, (float, str)) else None,
        )
    if not 0 <= count <= REPEATS:
        raise Mistake(
            "E0313",
            "the count of `repeat` is out of bounds",
            stage.repeat.span,
            found=f"{count:,}",
            expected=f"0 to {REPEATS:,}",
        )
    found = find_callee(frame, stage.callee)
    if isinstance(found, tuple):
        found = found[1]
    values = given(frame, stage.args)
    base = None if stage.label is None else label_path(frame, stage.label)
    result: Any = tuple(piped) if len(piped) != 1 else piped[0]
    before = frame.session.complaints
    for number in range(count):
        frame.session.count_step(stage.span)
        path = None if base is None else f"{base}.{number}"
        if path is not None:
            frame.labels[path] = stage.label.span  # type: ignore[union-attr]
        inputs = result if tensors_in(result) else (result,)
        result = dispatch(frame, found, inputs, values, path, stage.span)
        if frame.session.complaints != before:
            break
    return result
