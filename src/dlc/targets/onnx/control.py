"""Control flow at run time. Captured values are read from the graph around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlc.ir.graph import Apply, Graph
from dlc.ir.types import BOOL, I64, TensorType
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

ONE_BOOL, ONE_NUMBER = TensorType(BOOL, ()), TensorType(I64, ())


def _list(result: str | list[str]) -> list[str]:
    return [result] if isinstance(result, str) else list(result)


@TABLE.writes("cond")
def write_cond(e: Emitter, node: Apply, predicate: str, *captures: str) -> list[str]:
    types = [v.type for v in node.outputs]

    def branch(name: str, graph: Graph) -> Any:
        return e.region(name, [], types, lambda inner, names: inner.graph(graph, captures))
    then, other = branch("then", node.regions[0]), branch("else", node.regions[1])
    return _list(e("If", predicate, outputs=len(types), then_branch=then, else_branch=other))


@TABLE.writes("while")
def write_while(e: Emitter, node: Apply, *operands: str) -> list[str]:
    """A Loop without a limit; its condition is asked before the first step and at the end of each."""
    condition, body = node.regions
    count = node.attributes["states"]
    states, captures = operands[:count], operands[count:]
    types = [v.type for v in node.outputs]

    def step(inner: Emitter, names: list[str]) -> Sequence[str]:
        following = inner.graph(body, [*names[2:], *captures])
        return [*inner.graph(condition, [*following, *captures]), *following]
    loop = e.region("body", [ONE_NUMBER, ONE_BOOL, *types], [ONE_BOOL, *types], step)
    (first,) = e.graph(condition, operands)
    return _list(e("Loop", None, first, *states, outputs=count, body=loop))


@TABLE.writes("scan")
def write_scan(e: Emitter, node: Apply, *operands: str) -> list[str]:
    (body,) = node.regions
    states, sequences, axis = (node.attributes[k] for k in ("states", "sequences", "axis"))
    own, captures = operands[:states + sequences], operands[states + sequences:]
    stacked = [v.type for v in body.outputs[states:]]
    graph = e.region("body", [v.type for v in body.inputs[:len(own)]], [v.type for v in body.outputs],
                     lambda inner, names: inner.graph(body, [*names, *captures]))
    over = [v.type.rank for v in node.operands[states:states + sequences] if v is not None]
    return _list(e("Scan", *own, outputs=len(body.outputs), body=graph, num_scan_inputs=sequences,
                   scan_input_axes=[axis % rank for rank in over],
                   scan_output_axes=[axis % (t.rank + 1) for t in stacked] or None))
