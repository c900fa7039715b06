"""Sums of products in Einstein's notation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.ir.types import F32
from dlc.ops.einsum import parse
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("einsum")
def write_einsum(e: Emitter, node: Apply, *xs: str) -> str:
    """The equation with its ellipses and its result written out. Einsum does not take bf16."""
    dtype = node.output.type.dtype
    narrow = dtype.name == "bf16"
    ranks = [v.type.rank for v in node.operands if v is not None]
    y = str(e("Einsum", *(e.cast(x, F32) if narrow else x for x in xs),
              equation=str(parse(node.attributes["equation"], ranks))))
    return e.cast(y, dtype) if narrow else y
