"""Axes that are stretched or repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("broadcast_to")
def write_broadcast_to(e: Emitter, node: Apply, x: str) -> str:
    """Expand keeps an axis where the given size is 1, so that only stretched sizes have to be known."""
    operand = node.operands[0]
    assert operand is not None
    old, new = operand.type.shape, node.output.type.shape
    offset = len(new) - len(old)
    kept = [i >= offset and old[i - offset] == d for i, d in enumerate(new)]
    if all(kept):
        return x
    return str(e("Expand", x, e.sizes.shape([1 if k else d for k, d in zip(kept, new, strict=True)])))


@TABLE.writes("tile")
def write_tile(e: Emitter, node: Apply, x: str) -> str:
    repeats = node.attributes["repeats"]
    return str(e("Tile", x, e.sizes.shape(repeats))) if repeats else x
