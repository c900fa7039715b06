"""Padding that Keras' convolutions don't have becomes a step of its own.

Keras pads as the kernel needs it ("same") or not at all. Symmetric padding beside a stride, and padding with something
else than zeros, is taken out of the convolution and put in front of it. Specialisations of one block are treated alike,
so that they stay one class: where one needs the step, all get it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dlc.ir.build import Builder
from dlc.ir.graph import Apply, Graph, Program, Value
from dlc.targets.keras.spatial import all_same, has_padding
from dlc.targets.source.layers import owned_weights

ORIGIN = "padding"
"""The origin of the steps that are made here; they are written even where they add nothing."""

_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def separate_padding(program: Program) -> Program:
    """Take padding out of convolutions where Keras needs it, in place; the same program."""
    needed = {_key(graph, node) for graph in program.graphs() for node in _convolutions(graph) if _needs_step(node)}
    for graph in program.graphs():
        for node in _convolutions(graph):
            if _key(graph, node) in needed:
                _separate(graph, node)
    return program


def _convolutions(graph: Graph) -> Iterator[Apply]:
    for node in list(graph.nodes):
        if isinstance(node, Apply) and node.op.name in ("conv1d", "conv2d", "conv3d") \
                and node.attributes["layout"] == "NHWC" and owned_weights(node) is not None:
            yield node


def _key(graph: Graph, node: Apply) -> tuple[str, str]:
    """What the same convolution has in all specialisations of its block."""
    owned = owned_weights(node)
    assert owned is not None
    return graph.template, owned[0]


def _needs_step(node: Apply) -> bool:
    if not has_padding(node.attributes["pad"]):
        return False
    kernel = node.operands[1].type.shape[2:]  # type: ignore[union-attr]
    return node.attributes["pad_mode"] != "zeros" or not all_same(node, kernel)  # type: ignore[arg-type]


def _separate(graph: Graph, node: Apply) -> None:
    x, pad = node.operands[0], node.attributes["pad"]
    assert x is not None
    b = Builder(graph, origin=ORIGIN, span=node.span, anchor=node, scope=node.scope)
    mode = _MODES[node.attributes["pad_mode"]] if has_padding(pad) else "constant"
    padded: Value = b.pad(x, widths=[(0, 0), *pad, (0, 0)], mode=mode)
    node.set_operand(0, padded)
    node.attributes.update(pad=tuple((0, 0) for _ in pad), pad_mode="zeros")
