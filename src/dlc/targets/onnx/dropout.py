"""Noise that only training adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.ir.types import F32
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("dropout")
def write_dropout(e: Emitter, node: Apply, x: str) -> str:
    """Dropout keeps its ratio, for tools that train; without `training_mode` it is the identity."""
    p = node.attributes["p"]
    return str(e("Dropout", x, e.constant(p, F32))) if p < 1 else x


@TABLE.writes("dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "gaussian_noise", "gaussian_dropout")
def write_noise(e: Emitter, node: Apply, x: str) -> str:
    e.store.note(f"`{node.op.name}` is left out: ONNX has no form of it for training")
    return x
