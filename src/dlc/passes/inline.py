"""One flat graph: every call replaced by the nodes of its block, weights under their full paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from dlc.ir.graph import Apply, Call, Graph, Node, Program, Value, Weight, join
from dlc.passes.base import FLAT, Pass, Property
from dlc.passes.clone import copy_node, copy_weight

FindWeight = Callable[[str, Weight], Value]
"""The value that stands for a weight of this full path in the graph that is being built."""


@dataclass(frozen=True)
class Inline(Pass):
    """Replace every call by the nodes of its block.

    Each node keeps the instance path that it came from in `scope`. Weights of calls inside regions become operands
    of the operation that has the regions.
    """

    ensures: ClassVar[tuple[Property, ...]] = (FLAT,)

    def transform(self, program: Program) -> Program:
        entry = program.entry
        flat = Graph(entry.name, template=entry.template, parameters=entry.parameters, doc=entry.doc, span=entry.span)
        flat.assumptions = list(entry.assumptions)
        arguments: list[Value | None] = [
            flat.add_input(v.name, v.type, default=v.default, doc=v.doc, span=v.span) for v in entry.inputs]
        outputs = inline_into(flat, entry, arguments, "", _owner(flat))
        for name, value, doc in zip(entry.output_names, outputs, entry.output_docs, strict=True):
            flat.add_output(name, value, doc)
        program.entry = flat
        return program


def inline(program: Program) -> Program:
    """The program as one flat graph."""
    return Inline()(program)


def inline_into(target: Graph, block: Graph, arguments: list[Value | None], prefix: str,
                find: FindWeight, before: Node | None = None) -> list[Value]:
    """Put the nodes of a block, and of the blocks that it calls, into a graph, at its end or before a node.

    prefix: the full path of the instance, with a dot at its end. find: gives the values of weights.
    Returns the values of the block's outputs.
    """
    values: dict[Value, Value] = {given: argument for given, argument in zip(block.inputs, arguments, strict=True)
                                  if argument is not None}
    for weight in block.weights.values():
        values[weight] = find(prefix + weight.path, weight)
    for node in block.nodes:
        if isinstance(node, Call):
            operands = [None if v is None else values[v] for v in node.operands]
            results = inline_into(target, node.block, operands, join(prefix, node.instance), find, before)
            values.update(zip(node.outputs, results, strict=True))
            _keep_names(node, results)
            continue
        copy = copy_node(node, values, {})
        copy.scope = ".".join(p for p in (prefix.removesuffix("."), node.scope) if p)
        if isinstance(copy, Apply) and copy.regions:
            _inline_regions(copy, prefix, find)
        target.insert(copy, before)
    return [values[v] for v in block.outputs]


def _keep_names(call: Call, results: list[Value]) -> None:
    for output, value in zip(call.outputs, results, strict=True):
        if output.name and not value.name:
            value.name = output.name


def _owner(graph: Graph) -> FindWeight:
    """Weights live in the graph itself, each path once."""
    def find(path: str, weight: Weight) -> Value:
        return graph.weights.get(path) or graph.add_weight(copy_weight(weight, path))
    return find


def _inline_regions(node: Apply, prefix: str, find: FindWeight) -> None:
    """Inline the calls inside the regions of a node; every region takes all weights that any of them needs."""
    needed = {path: weight for region in node.regions for path, weight in _called_weights(region, prefix)}
    for path, weight in needed.items():
        value = find(path, weight)
        node.operands = (*node.operands, value)
        value.uses[node, len(node.operands) - 1] = None
    node.regions = tuple(_inline_region(region, prefix, needed) for region in node.regions)


def _called_weights(graph: Graph, prefix: str) -> Iterator[tuple[str, Weight]]:
    for node in graph.walk():
        if isinstance(node, Call):
            inner = join(prefix, node.instance)
            for path, weight in node.block.weights.items():
                yield inner + path, weight
            yield from _called_weights(node.block, inner)


def _inline_region(region: Graph, prefix: str, needed: dict[str, Weight]) -> Graph:
    flat = Graph(region.name, doc=region.doc, span=region.span)
    arguments: list[Value | None] = [flat.add_input(v.name, v.type, doc=v.doc, span=v.span) for v in region.inputs]
    weights = {path: flat.add_input(path, weight.type) for path, weight in needed.items()}
    outputs = inline_into(flat, region, arguments, prefix, lambda path, weight: weights[path])
    for name, value in zip(region.output_names, outputs, strict=True):
        flat.add_output(name, value)
    return flat
