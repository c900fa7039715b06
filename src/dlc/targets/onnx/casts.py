"""From one element type to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("cast")
def write_cast(e: Emitter, node: Apply, x: str) -> str:
    return e.cast(x, node.attributes["dtype"])
