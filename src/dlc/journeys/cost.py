"""What a model costs: parameters, multiply-accumulates, activation memory, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dlc.ir.build import body_graph
from dlc.ir.dim import Dim, product, substitute
from dlc.ir.graph import Apply, Call, Graph, Node, Program, Weight, join, regions
from dlc.ir.op import Composite, Op
from dlc.ir.types import TensorType


@dataclass(frozen=True)
class Row:
    """One layer or block of a summary. path: its label; depth: how many blocks it is inside."""

    path: str
    kind: str
    depth: int
    outputs: tuple[TensorType, ...]
    parameters: int
    macs: Dim


@dataclass(frozen=True)
class Summary:
    """A model's layers and totals.

    parameters: trainable numbers; states: buffers and frozen numbers; macs: multiply-accumulates of one forward run;
    activations: bytes of all tensors that nodes make; weights: bytes of all weights.
    """

    rows: tuple[Row, ...]
    parameters: int
    states: int
    macs: Dim
    activations: Dim
    weights: int


def summarize(program: Program, sizes: Mapping[str, int] | None = None) -> Summary:
    """The summary of a program, with named sizes replaced by the numbers in `sizes`."""
    bound = dict(sizes or {})
    rows: list[Row] = []
    seen: set[str] = set()
    _rows(program.entry, "", 0, bound, rows, seen)
    weights = program.weights().values()
    return Summary(
        tuple(rows),
        parameters=sum(_count(w) for w in weights if w.trainable),
        states=sum(_count(w) for w in weights if not w.trainable),
        macs=substitute(_graph_macs(program.entry), bound),
        activations=substitute(_graph_bytes(program.entry), bound),
        weights=sum(_count(w) * w.type.dtype.bits // 8 for w in weights),
    )


def _rows(graph: Graph, prefix: str, depth: int, sizes: Mapping[str, int], rows: list[Row], seen: set[str]) -> None:
    """A row for each call and each node that owns weights; weights met before count nothing again."""
    for node in graph.walk():
        types = tuple(v.type.substitute(sizes) for v in node.outputs)
        if isinstance(node, Call):
            inner = join(prefix, node.instance)
            owned = _unseen(node.block, inner, set(seen))
            rows.append(Row(inner.removesuffix("."), node.block.template, depth, types, owned,
                            substitute(_graph_macs(node.block), sizes)))
            _rows(node.block, inner, depth + 1, sizes, rows, seen)
        elif isinstance(node, Apply) and any(isinstance(v, Weight) for v in node.operands):
            fresh = [v for v in node.operands if isinstance(v, Weight) and prefix + v.path not in seen]
            seen.update(prefix + v.path for v in fresh)
            path = fresh[0].path.rpartition(".")[0] if fresh else ""
            rows.append(Row(prefix + path, node.op.name, depth, types, sum(_count(w) for w in fresh if not w.state),
                            substitute(node_macs(node), sizes)))


def _unseen(graph: Graph, prefix: str, seen: set[str]) -> int:
    """Numbers in the weights under a prefix that were not counted before."""
    total = 0
    for path, weight in graph.weights.items():
        if prefix + path not in seen and not weight.state:
            seen.add(prefix + path)
            total += _count(weight)
    for node in graph.walk():
        if isinstance(node, Call):
            total += _unseen(node.block, join(prefix, node.instance), seen)
    return total


def _count(weight: Weight) -> int:
    size = weight.type.size
    assert isinstance(size, int), f"weight {weight.path} has a size that is not known"
    return size


def _graph_macs(graph: Graph) -> Dim:
    total: Dim = 0
    for node in graph.nodes:
        total = total + node_macs(node)
    return total


def node_macs(node: Node) -> Dim:
    """Multiply-accumulates of a node: its operation's own figure, or the sum over its definition.

    Of a `cond` both branches count; a `while` counts one step.
    """
    if isinstance(node, Call):
        return _graph_macs(node.block)
    assert isinstance(node, Apply)
    if inner := regions(node):
        return _steps(node) * sum((_graph_macs(region) for region in inner), start=0)
    types = tuple(None if v is None else v.type for v in node.operands)
    return op_macs(node.op, types, tuple(node.attributes.items()))


def _steps(node: Apply) -> Dim:
    """How often the regions of a node run, where that is known: the length of what a `scan` walks along."""
    sequence = node.operands[node.attributes["states"]] if node.op.name == "scan" else None
    return 1 if sequence is None else sequence.type.shape[node.attributes["axis"]]


@lru_cache(maxsize=4096)
def op_macs(op: Op, types: tuple[TensorType | None, ...], attributes: tuple[tuple[str, Any], ...]) -> Dim:
    """Multiply-accumulates of one operation on operands of these types."""
    if op.macs is not None:
        return op.macs(*types, **dict(attributes))
    if not isinstance(op, Composite):
        return 0
    return _graph_macs(body_graph(op, types, dict(attributes)))


def _graph_bytes(graph: Graph) -> Dim:
    total: Dim = 0
    for node in graph.nodes:
        if isinstance(node, Call):
            total = total + _graph_bytes(node.block)
        else:
            for value in node.outputs:
                total = total + product(value.type.shape) * value.type.dtype.bits // 8
    return total
