"""Smooth activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE, is_single

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("gelu", when=is_single)
def write_gelu(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Gelu", x, approximate=node.attributes["approximate"]))


@TABLE.writes("softplus", when=lambda n: is_single(n) and n.attributes["beta"] == 1 and n.attributes["threshold"] >= 20)
def write_softplus(e: Emitter, node: Apply, x: str) -> str:
    """Beyond the threshold of 20 the function and its argument differ by less than a rounding."""
    return str(e("Softplus", x))


@TABLE.writes("softsign", "mish", when=is_single)
def write_same(e: Emitter, node: Apply, x: str) -> str:
    return str(e(node.op.name.capitalize(), x))
