"""Elements written at the places that index tensors name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.ir.types import F32
from dlc.targets.onnx.indexing import index
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


def _combined(e: Emitter, node: Apply, op_type: str, x: str, places: str, updates: str, **options: int) -> str:
    """Reductions of 16-bit floats are done in f32: ONNX Runtime has no others."""
    dtype, reduction = node.output.type.dtype, node.attributes["reduction"]
    narrow = dtype.is_float and dtype.bits < 32 and reduction != "none"
    if narrow:
        x, updates = e.cast(x, F32), e.cast(updates, F32)
    y = str(e(op_type, x, index(e, node, 1, places), updates, reduction=reduction, **options))
    return e.cast(y, dtype) if narrow else y


@TABLE.writes("scatter")
def write_scatter(e: Emitter, node: Apply, x: str, places: str, updates: str) -> str:
    return _combined(e, node, "ScatterElements", x, places, updates, axis=node.attributes["axis"])


@TABLE.writes("gather_nd")
def write_gather_nd(e: Emitter, node: Apply, x: str, places: str) -> str:
    return str(e("GatherND", x, index(e, node, 1, places)))


@TABLE.writes("scatter_nd")
def write_scatter_nd(e: Emitter, node: Apply, x: str, places: str, updates: str) -> str:
    return _combined(e, node, "ScatterND", x, places, updates)
