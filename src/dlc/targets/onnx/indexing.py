"""Elements chosen by masks and by index tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.ir.types import I64
from dlc.targets.onnx.table import TABLE, enter_same

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

enter_same({"where": "Where"})


def index(e: Emitter, node: Apply, position: int, name: str) -> str:
    """An index operand as int64, the type that every indexing operation of ONNX takes."""
    operand = node.operands[position]
    assert operand is not None
    return name if operand.type.dtype == I64 else e.cast(name, I64)


@TABLE.writes("gather")
def write_gather(e: Emitter, node: Apply, x: str, places: str) -> str:
    return str(e("Gather", x, index(e, node, 1, places), axis=node.attributes["axis"]))


@TABLE.writes("take_along_axis")
def write_take_along_axis(e: Emitter, node: Apply, x: str, places: str) -> str:
    return str(e("GatherElements", x, index(e, node, 1, places), axis=node.attributes["axis"]))
