"""Pooling to a given size, and over everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.ops.spatial import spatial_axes, spatial_sizes
from dlc.targets.onnx.spatial import channels_first
from dlc.targets.onnx.table import TABLE, is_single

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("global_avg_pool", "global_max_pool")
def write_global(e: Emitter, node: Apply, x: str) -> str:
    """The operations of that name where axes are kept, otherwise a reduction."""
    a, operand = node.attributes, node.operands[0]
    assert operand is not None
    average, rank = node.op.name == "global_avg_pool", operand.type.rank
    if a["layout"] == "NCHW" and a["keepdims"] and is_single(node):
        return str(e("GlobalAveragePool" if average else "GlobalMaxPool", x))
    return str(e("ReduceMean" if average else "ReduceMax", x, e.ints(spatial_axes(rank, a["layout"])),
                 keepdims=int(a["keepdims"])))


def _kernel(node: Apply) -> list[int] | None:
    """The size of the windows where they are equal and do not overlap."""
    x = node.operands[0]
    assert x is not None
    found = []
    for n, count in zip(spatial_sizes(x.type, node.attributes["layout"]), node.attributes["size"], strict=True):
        if not isinstance(n, int) or n % count:
            return None
        found.append(n // count)
    return found


@TABLE.writes("adaptive_avg_pool", "adaptive_max_pool", when=lambda n: is_single(n) and _kernel(n) is not None)
def write_adaptive(e: Emitter, node: Apply, x: str) -> str:
    kernel = _kernel(node)
    op_type = "AveragePool" if node.op.name == "adaptive_avg_pool" else "MaxPool"
    return channels_first(e, x, node.output.type.rank, node.attributes["layout"], lambda x: str(e(
        op_type, x, kernel_shape=kernel, strides=kernel)))
