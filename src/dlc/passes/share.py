"""The same thing computed once: common subexpressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlc.ir.graph import Apply, Graph, Node, Program, Value, Weight, regions
from dlc.passes.base import Pass
from dlc.passes.lower import take_place


@dataclass(frozen=True)
class Share(Pass):
    """Merge nodes that apply one operation with the same attributes to the same operands.

    What differs from call to call in training, and what reads running statistics (training writes them), stays.
    """

    def transform(self, program: Program) -> Program:
        for graph in program.graphs():
            share(graph)
        return program


def share(graph: Graph) -> int:
    """Merge equal nodes of a graph, and within its regions, in place; how many went."""
    known: dict[Any, Node] = {}
    merged = 0
    for node in graph.nodes:
        merged += sum(share(region) for region in regions(node))
        key = _key(node)
        if key is None:
            continue
        first = known.setdefault(key, node)
        if first is not node:
            for old, new in zip(node.outputs, first.outputs, strict=True):
                take_place(graph, old, new)
            graph.remove(node)
            merged += 1
    return merged


def _key(node: Node) -> Any:
    """Equal for nodes that compute the same; None for one that must stay."""
    if not isinstance(node, Apply) or node.regions or is_random(node):
        return None
    if any(isinstance(v, Weight) and v.state for v in node.operands):
        return None
    operands: tuple[Value | None, ...] = node.operands
    if node.op.commutative:
        operands = tuple(sorted(operands, key=id))
    written = repr(node.attributes) if node.op.name == "constant" else ""  # 0.0 == -0.0, but they are two constants
    return node.op, operands, tuple(node.attributes.items()), written


def is_random(node: Apply) -> bool:
    """Whether two applications of it differ in training."""
    return node.op.random or bool(node.attributes.get("dropout"))
