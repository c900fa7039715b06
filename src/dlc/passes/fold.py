"""Operations on constants, computed at compile time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlc.ir.build import Builder
from dlc.ir.dim import Expr
from dlc.ir.evaluate import apply, concrete
from dlc.ir.graph import Apply, Graph, Node, Program, Value, regions
from dlc.ir.op import ControlFlow
from dlc.ir.types import F64, Array
from dlc.passes.base import Pass
from dlc.passes.dead import remove_dead
from dlc.passes.lower import take_place
from dlc.passes.share import is_random


@dataclass(frozen=True)
class Fold(Pass):
    """Compute what depends on constants alone, up to `limit` elements, in float64; what dies is removed."""

    limit: int = 64

    def transform(self, program: Program) -> Program:
        for graph in program.graphs():
            fold(graph, self.limit)
        return program


def fold(graph: Graph, limit: int = 64) -> int:
    """Fold one graph and its regions in place; how many nodes became constants."""
    known: dict[Value, Array] = {}
    folded: list[Node] = []
    for node in graph.nodes:
        for region in regions(node):
            fold(region, limit)
        if isinstance(node, Apply) and _foldable(node, known, limit):
            arrays = [None if v is None else known[v] for v in node.operands]
            known.update(zip(node.outputs, apply(node.op, arrays, concrete(node.attributes, {}, True)), strict=True))
            folded += [node] if node.op.name != "constant" else []
    wanted = set(graph.outputs)
    for node in folded:
        _replace(graph, node, known, wanted)
    remove_dead(graph)
    return len(folded)


def _foldable(node: Apply, known: dict[Value, Array], limit: int) -> bool:
    """Whether everything it needs is known and its results are small numbers or bools."""
    if isinstance(node.op, ControlFlow) or is_random(node) or any(v is not None and v not in known
                                                                  for v in node.operands):
        return False
    sizes = [v.type.size for v in node.outputs]
    if any(isinstance(s, Expr) or s > limit for s in sizes) or _symbolic(tuple(node.attributes.values())):
        return False
    return all(v.type.dtype.kind in ("float", "int", "uint", "bool") for v in node.outputs)


def _symbolic(value: object) -> bool:
    return isinstance(value, Expr) or (isinstance(value, tuple) and any(_symbolic(v) for v in value))


def _replace(graph: Graph, node: Node, known: dict[Value, Array], wanted: set[Value]) -> None:
    """Put constants in place of the results that somebody outside the folded part reads."""
    for value in node.outputs:
        needed = value in wanted or any(any(o not in known for o in user.outputs) for user in value.users)
        if not needed:
            continue
        b = Builder(graph, origin="fold", span=node.span, anchor=node, scope=node.scope)
        array = known[value]
        constant = b.constant(_nested(array.astype(F64.numpy) if value.type.dtype.is_float else array),
                              value.type.dtype)
        if not array.size:
            constant = b.reshape(constant, shape=value.type.shape)
        take_place(graph, value, constant)


def _nested(array: Array) -> object:
    """The elements as nested tuples; one empty tuple for no elements."""
    return _tuples(array.tolist()) if array.size else ()


def _tuples(value: object) -> object:
    return tuple(_tuples(v) for v in value) if isinstance(value, Sequence) else value
