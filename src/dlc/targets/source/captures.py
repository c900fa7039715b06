"""Weights inside regions. A region captures a weight as an input; in Python, it is simply the attribute of `self`.

With the weight itself in the place of the input, layers inside a `cond` or a loop are members like all others.
"""

from __future__ import annotations

from dlc.ir.graph import Apply, Program, Weight


def uncapture(program: Program) -> None:
    """Let the nodes of regions read captured weights directly, in place."""
    for graph in program.graphs():
        for node in graph.walk():
            if isinstance(node, Apply) and node.regions:
                _uncapture(node)


def _uncapture(node: Apply) -> None:
    carried = sum(node.attributes.get(name, 0) for name in ("states", "sequences"))
    for region in node.regions:
        first = len(node.operands) - len(region.inputs)
        for position, value in enumerate(region.inputs):
            operand = node.operands[first + position]
            if position >= carried and isinstance(operand, Weight):
                region.replace(value, operand)
