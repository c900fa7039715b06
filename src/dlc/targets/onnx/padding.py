"""Tensors made larger at their borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@TABLE.writes("pad")
def write_pad(e: Emitter, node: Apply, x: str) -> str:
    widths, mode = node.attributes["widths"], node.attributes["mode"]
    pads = e.sizes.shape([before for before, _ in widths] + [after for _, after in widths])
    value = e.constant(node.attributes["value"], node.output.type.dtype) if mode == "constant" else None
    return str(e("Pad", x, pads, value, mode=_MODES[mode]))
