"""Elements written at the places that index tensors name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.indexing import index
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("scatter")
def write_scatter(e: Emitter, node: Apply, x: str, places: str, updates: str) -> str:
    return str(e("ScatterElements", x, index(e, node, 1, places), updates, axis=node.attributes["axis"],
                 reduction=node.attributes["reduction"]))


@TABLE.writes("gather_nd")
def write_gather_nd(e: Emitter, node: Apply, x: str, places: str) -> str:
    return str(e("GatherND", x, index(e, node, 1, places)))


@TABLE.writes("scatter_nd")
def write_scatter_nd(e: Emitter, node: Apply, x: str, places: str, updates: str) -> str:
    return str(e("ScatterND", x, index(e, node, 1, places), updates, reduction=node.attributes["reduction"]))
