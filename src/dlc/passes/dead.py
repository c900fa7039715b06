"""Nodes whose results nobody reads, removed."""

from __future__ import annotations

from dataclasses import dataclass

from dlc.ir.graph import Graph, Program, regions
from dlc.passes.base import Pass


@dataclass(frozen=True)
class RemoveDead(Pass):
    """Remove nodes without readers, from the last to the first. Inputs, weights and outputs stay."""

    def transform(self, program: Program) -> Program:
        for graph in program.graphs():
            remove_dead(graph)
        return program


def remove_dead(graph: Graph) -> int:
    """Remove the dead nodes of a graph and of its regions in place; how many there were."""
    wanted = set(graph.outputs)
    removed = 0
    for node in graph.nodes_reversed:
        if not any(v.uses or v in wanted for v in node.outputs):
            graph.remove(node)
            removed += 1
            continue
        removed += sum(remove_dead(region) for region in regions(node))
    return removed
