"""Elements in order of size. Of equal elements TopK takes the first one first, as the reference does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply
from dlc.ir.types import F32
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


def _top(e: Emitter, node: Apply, x: str, k: Dim, largest: bool) -> list[str]:
    """The values and the indices. TopK does not take bf16, which f32 holds exactly."""
    operand = node.operands[0]
    assert operand is not None
    dtype = operand.type.dtype
    narrow = dtype.name == "bf16"
    values, indices = e("TopK", e.cast(x, F32) if narrow else x, e.sizes.shape([k]), outputs=2,
                        axis=node.attributes["axis"], largest=int(largest), sorted=1)
    return [e.cast(values, dtype) if narrow else values, indices]


def _whole(e: Emitter, node: Apply, x: str) -> list[str]:
    return _top(e, node, x, node.output.type.shape[node.attributes["axis"]], node.attributes["descending"])


@TABLE.writes("top_k")
def write_top_k(e: Emitter, node: Apply, x: str) -> list[str]:
    return _top(e, node, x, node.attributes["k"], node.attributes["largest"])


@TABLE.writes("sort")
def write_sort(e: Emitter, node: Apply, x: str) -> str:
    return _whole(e, node, x)[0]


@TABLE.writes("argsort")
def write_argsort(e: Emitter, node: Apply, x: str) -> str:
    return _whole(e, node, x)[1]
