"""Scaled dot-product attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE, is_single

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


def _plain(node: Apply) -> bool:
    """Four axes, no dropout to keep for training, and no mask: with one, ONNX leaves open what a row without any
    visible key gives."""
    unmasked = node.operands[3] is None and not node.attributes["dropout"]
    return unmasked and is_single(node) and node.output.type.rank == 4


@TABLE.writes("attention", when=_plain)
def write_attention(e: Emitter, node: Apply, q: str, k: str, v: str, mask: None) -> str:
    return str(e("Attention", q, k, v, is_causal=int(node.attributes["causal"]), scale=node.attributes["scale"]))
