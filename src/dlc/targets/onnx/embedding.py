"""Rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.indexing import index
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("embedding")
def write_embedding(e: Emitter, node: Apply, tokens: str, weight: str) -> str:
    if node.attributes["padding_idx"] is not None:
        e.store.note("the `padding_idx` of `embedding` is left out: it matters in training only")
    return str(e("Gather", weight, index(e, node, 0, tokens), axis=0))
