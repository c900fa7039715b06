"""`cond`, `while` and `scan`: run-time control flow, whose bodies become regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Span
from dlc.ir.dim import Dim
from dlc.ir.graph import Apply, Graph, Input, Value
from dlc.ir.op import ControlFlow, Problem, op
from dlc.ir.types import TensorType
from dlc.language import ast
from dlc.language.elaborate.apply import constant, local
from dlc.language.elaborate.context import Frame, Mistake, evaluates, place_of
from dlc.language.elaborate.statements import rebound
from dlc.language.elaborate.values import POISON, describe, is_dim, is_number


class Region:
    """A body being built: its scope, its graph, and the values of the graph around it that it reads."""

    def __init__(self, frame: Frame, name: str) -> None:
        self.frame = frame.inner()
        self.frame.graph = Graph(name)
        self.frame.outer = frame
        self.frame.captures = {}
        self.frame.labels = frame.labels

    def state(self, name: str, type: TensorType, span: Span) -> Input:
        """An input of its own, known by a name inside. Raises E0203 for the name of a size or hyper-parameter."""
        if name in self.frame.fixed:
            raise rebound(self.frame, name, Span(span.source, span.start, span.start + len(name)))
        value = self.frame.graph.add_input(name, type, span=span)
        self.frame.names[name] = value
        self.frame.places[name] = span
        return value

    def finish(self, values: Sequence[Any], nodes: Sequence[ast.Expr]) -> bool:
        """Make the values its outputs; False where one is not known. Raises E0205 for what is no tensor."""
        for value, node in zip(values, nodes, strict=True):
            if value is POISON:
                return False
            if is_number(value) or is_dim(value):
                value = constant(self.frame, value, None, node.span)
            if not isinstance(value, Value):
                raise Mistake(
                    "E0205",
                    "a body of run-time control flow gives tensors",
                    node.span,
                    expected="a tensor",
                    found=describe(value),
                )
            self.frame.graph.add_output(f"y{len(self.frame.graph.outputs)}", local(self.frame, value))
        return True


def capture_alike(regions: Sequence[Region], own: Sequence[int]) -> list[Value]:
    """Give every region all captures in one order, after its own inputs; the captured values."""
    captured = list(dict.fromkeys(v for r in regions for v in r.frame.captures or ()))
    for region, count in zip(regions, own, strict=True):
        graph = region.frame.graph
        inside = [local(region.frame, v) for v in captured]
        graph.inputs = [*graph.inputs[:count], *(v for v in inside if isinstance(v, Input))]
    return captured


def _apply(
    frame: Frame, name: str, operands: Sequence[Value], regions: Sequence[Region], span: Span, **attributes: int
) -> Any:
    operation = op(name)
    assert isinstance(operation, ControlFlow)
    if frame.captures is not None:
        operands = [local(frame, v) for v in operands]
    graphs = [r.frame.graph for r in regions]
    try:
        types = operation.infer_regions([v.type for v in operands], graphs, **attributes)
    except Problem as problem:
        bodies = graphs if name == "cond" else graphs[-1:]
        labels = [label for g in bodies for v in g.outputs for label in place_of(v, "a value of the body", span)][:3]
        raise Mistake(
            problem.code,
            problem.message,
            span,
            expected=problem.expected,
            found=problem.found,
            hint=problem.hint,
            labels=labels,
        ) from None
    node = Apply(operation, operands, types, attributes, graphs, span=span)
    frame.graph.insert(node)
    frame.session.count_node(span)
    return node.outputs[0] if len(node.outputs) == 1 else node.outputs


@evaluates(ast.Cond)
def cond(frame: Frame, node: ast.Cond) -> Any:
    """`cond p { a } else { b }`."""
    predicate = frame.guarded(node.condition)
    regions = [Region(frame, "then"), Region(frame, "else")]
    known = predicate is not POISON
    for region, body in zip(regions, (node.then, node.otherwise), strict=True):
        region.frame.labels = frame.labels
        known = region.finish(_values(region.frame, body), body.values) and known
    if not known:
        return POISON
    if isinstance(predicate, bool):
        raise Mistake(
            "E0205",
            "this condition is known at compile time",
            node.condition.span,
            expected="a scalar bool tensor",
            found=describe(predicate),
            hint="a choice at compile time is `if`",
        )
    if not isinstance(predicate, Value):
        raise Mistake(
            "E0205",
            "`cond` needs a scalar bool tensor",
            node.condition.span,
            expected="a tensor",
            found=describe(predicate),
        )
    captured = capture_alike(regions, (0, 0))
    return _apply(frame, "cond", [predicate, *captured], regions, node.span)


def _values(frame: Frame, body: ast.Body) -> list[Any]:
    frame.execute(body.statements)
    return [frame.guarded(v) for v in body.values]


def _initial(frame: Frame, bindings: Sequence[ast.Binding]) -> list[Any]:
    values: list[Any] = []
    for binding in bindings:
        value = frame.guarded(binding.value)
        if is_number(value) or is_dim(value):
            value = constant(frame, value, None, binding.span)
        if value is not POISON and not isinstance(value, Value):
            frame.complain(
                Mistake(
                    "E0205",
                    f"`{binding.name}` is no tensor",
                    binding.span,
                    expected="a tensor or a number",
                    found=describe(value),
                )
            )
            value = POISON
        values.append(value)
    return values


@evaluates(ast.While)
def while_loop(frame: Frame, node: ast.While) -> Any:
    """`while (i = i0, x = x0) i < n { i + 1, f(x) }`."""
    states = _initial(frame, node.states)
    if POISON in states:
        return POISON
    regions = [Region(frame, "condition"), Region(frame, "body")]
    for region in regions:
        for binding, value in zip(node.states, states, strict=True):
            region.state(binding.name, value.type, binding.span)
    known = regions[0].finish([regions[0].frame.guarded(node.condition)], [node.condition])
    known = regions[1].finish(_values(regions[1].frame, node.body), node.body.values) and known
    if not known:
        return POISON
    captured = capture_alike(regions, (len(states), len(states)))
    return _apply(frame, "while", [*states, *captured], regions, node.span, states=len(states))


@evaluates(ast.Scan)
def scan(frame: Frame, node: ast.Scan) -> Any:
    """`scan (h = h0) over (xt = x) axis=1 { next_h, y }`."""
    states, sequences = _initial(frame, node.states), _initial(frame, node.over)
    axis = 0 if node.axis is None else frame.evaluate(node.axis)
    if POISON in states or POISON in sequences or axis is POISON:
        return POISON
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise Mistake(
            "E0213", "`scan` cannot take this as `axis`", node.span, expected="a whole number", found=describe(axis)
        )
    region = Region(frame, "body")
    for binding, value in zip(node.states, states, strict=True):
        region.state(binding.name, value.type, binding.span)
    for binding, value in zip(node.over, sequences, strict=True):
        region.state(binding.name, value.type.with_shape(*_without(value, axis, binding)), binding.span)
    if not region.finish(_values(region.frame, node.body), node.body.values):
        return POISON
    captured = capture_alike([region], [len(states) + len(sequences)])
    return _apply(
        frame,
        "scan",
        [*states, *sequences, *captured],
        [region],
        node.span,
        states=len(states),
        sequences=len(sequences),
        axis=axis,
    )


def _without(value: Value, axis: int, binding: ast.Binding) -> tuple[Dim, ...]:
    shape, rank = value.type.shape, value.type.rank
    if not -rank <= axis < rank:
        raise Mistake(
            "E0222",
            f"`{binding.name}` goes over axis {axis}, which the tensor lacks",
            binding.span,
            expected=f"an axis from {-rank} to {rank - 1}" if rank else "a tensor with axes",
            found=str(value.type),
        )
    return (*shape[: axis % rank], *shape[axis % rank + 1 :])
