"""The softmax family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("softmax", "log_softmax")
def write_softmax(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Softmax" if node.op.name == "softmax" else "LogSoftmax", x, axis=node.attributes["axis"]))
