"""Sums of products in Einstein's notation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.ops.einsum import parse
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("einsum")
def write_einsum(e: Emitter, node: Apply, *xs: str) -> str:
    """The equation with its ellipses and its result written out."""
    ranks = [v.type.rank for v in node.operands if v is not None]
    return str(e("Einsum", *xs, equation=str(parse(node.attributes["equation"], ranks))))
