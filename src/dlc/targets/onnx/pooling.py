"""Pooling by sliding windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.ops.pooling import overhang
from dlc.ops.spatial import spatial_sizes
from dlc.targets.onnx.spatial import channels_first, pads
from dlc.targets.onnx.table import TABLE, is_single

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


def _overhang(node: Apply) -> list[int] | None:
    """How far the windows reach beyond the padding; None where that depends on a named size."""
    a, x = node.attributes, node.operands[0]
    assert x is not None
    sizes, counts = spatial_sizes(x.type, a["layout"]), spatial_sizes(node.output.type, a["layout"])
    if a["ceil_mode"] and not all(isinstance(d, int) for d in (*sizes, *counts)):
        return None
    dilation = a.get("dilation", (1,) * len(sizes))
    return overhang(sizes, counts, a["kernel"], stride=a["stride"], pad=a["pad"], dilation=dilation,
                    ceil_mode=a["ceil_mode"])


@TABLE.writes("max_pool", when=lambda n: _overhang(n) is not None)
def write_max_pool(e: Emitter, node: Apply, x: str) -> str:
    """Windows that hang over get padding, which never wins; `ceil_mode` itself means different things in runtimes."""
    a, over = node.attributes, _overhang(node)
    assert over is not None
    pairs = [(before, after + o) for (before, after), o in zip(a["pad"], over, strict=True)]
    return channels_first(e, x, node.output.type.rank, a["layout"], lambda x: str(e(
        "MaxPool", x, kernel_shape=a["kernel"], strides=a["stride"], pads=pads(pairs), dilations=a["dilation"])))


@TABLE.writes("avg_pool", when=lambda n: is_single(n) and not any(_overhang(n) or [int(_overhang(n) is None)]))
def write_avg_pool(e: Emitter, node: Apply, x: str) -> str:
    a = node.attributes
    return channels_first(e, x, node.output.type.rank, a["layout"], lambda x: str(e(
        "AveragePool", x, kernel_shape=a["kernel"], strides=a["stride"], pads=pads(a["pad"]),
        count_include_pad=int(a["count_include_pad"]))))
