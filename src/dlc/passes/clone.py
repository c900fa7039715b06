"""Copies of nodes, graphs and programs, optionally with some named sizes replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dlc.ir.build import resolve, resolve_attributes
from dlc.ir.dim import Dim, Expr, substitute
from dlc.ir.graph import Apply, Assumption, Call, Graph, Node, Program, Value, Weight
from dlc.ir.op import ControlFlow, Op
from dlc.ir.types import TensorType

Sizes = Mapping[str, Dim]


def clone(program: Program, sizes: Sizes | None = None) -> Program:
    """A copy that shares nothing but weight arrays with the original; `sizes` replaces named sizes."""
    blocks: dict[Graph, Graph] = {}
    for graph in program.blocks():
        blocks[graph] = clone_graph(graph, blocks, sizes)
    entry = clone_graph(program.entry, blocks, sizes)
    return replace(program, entry=entry, assumptions=_assumptions(program.assumptions, sizes or {}))


def clone_graph(graph: Graph, blocks: Mapping[Graph, Graph], sizes: Sizes | None = None) -> Graph:
    """A copy of a graph and its regions, whose calls go to `blocks` (to the same block where it is not listed)."""
    copy = Graph(graph.name, template=graph.template, parameters=graph.parameters, doc=graph.doc, span=graph.span)
    values: dict[Value, Value] = {}
    for given in graph.inputs:
        values[given] = copy.add_input(given.name, _type(given.type, sizes), default=given.default, doc=given.doc,
                                       span=given.span)
    for weight in graph.weights.values():
        values[weight] = copy.add_weight(copy_weight(weight, weight.path, sizes))
    for node in graph.nodes:
        copy.insert(copy_node(node, values, blocks, sizes))
    for name, value, doc in zip(graph.output_names, graph.outputs, graph.output_docs, strict=True):
        copy.add_output(name, values[value], doc)
    copy.assumptions = _assumptions(graph.assumptions, sizes or {})
    return copy


def copy_weight(weight: Weight, path: str, sizes: Sizes | None = None) -> Weight:
    """The same weight under another path."""
    return Weight(_type(weight.type, sizes), path=path, initializer=weight.initializer, trainable=weight.trainable,
                  state=weight.state, span=weight.span)


def copy_node(node: Node, values: dict[Value, Value], blocks: Mapping[Graph, Graph],
              sizes: Sizes | None = None) -> Node:
    """A copy that stands in no graph yet and reads `values[v]` for every v; its outputs are entered in `values`."""
    operands = [None if v is None else values[v] for v in node.operands]
    copy: Node
    if isinstance(node, Call):
        copy = Call(blocks.get(node.block, node.block), node.instance, operands)
    else:
        assert isinstance(node, Apply)
        inner = tuple(clone_graph(region, blocks, sizes) for region in node.regions)
        types = [v.type for v in node.outputs]
        attributes = node.attributes
        if sizes:
            attributes, types = _resolved(node.op, [None if v is None else v.type for v in operands],
                                          substitute_attributes(attributes, sizes), inner)
        copy = Apply(node.op, operands, types, attributes, inner)
    copy.span, copy.origin, copy.doc, copy.scope = node.span, node.origin, node.doc, node.scope
    for old, new in zip(node.outputs, copy.outputs, strict=True):
        new.name, new.span = old.name, old.span
        values[old] = new
    return copy


def substitute_attributes(attributes: Mapping[str, Any], sizes: Sizes) -> dict[str, Any]:
    """Attributes with some named sizes replaced."""
    return {name: _substituted(value, sizes) for name, value in attributes.items()}


def _substituted(value: Any, sizes: Sizes) -> Any:
    if isinstance(value, Expr):
        return substitute(value, sizes)
    return tuple(_substituted(v, sizes) for v in value) if isinstance(value, tuple) else value


def _resolved(op: Op, types: list[TensorType | None], attributes: Mapping[str, Any],
              inner: tuple[Graph, ...]) -> tuple[dict[str, Any], list[TensorType]]:
    """Attributes and types inferred anew, as smaller sizes can make them simpler."""
    if isinstance(op, ControlFlow):
        canonical = resolve_attributes(op, types, attributes)
        return canonical, list(op.infer_regions(types, inner, **canonical))
    canonical, found = resolve(op, types, attributes)
    return canonical, list(found)


def _type(t: TensorType, sizes: Sizes | None) -> TensorType:
    return t.substitute(sizes) if sizes else t


def _assumptions(assumptions: list[Assumption], sizes: Sizes) -> list[Assumption]:
    return [replace(a, left=substitute(a.left, sizes), right=substitute(a.right, sizes)) for a in assumptions]
