"""Elementwise arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

_SAME = {"add": "Add", "mul": "Mul"}


@TABLE.writes(*_SAME)
def write_same(e: Emitter, node: Apply, *inputs: str) -> str:
    return str(e(_SAME[node.op.name], *inputs))
