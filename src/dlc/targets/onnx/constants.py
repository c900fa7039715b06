"""Tensors that come from compile-time values alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

STORED_ELEMENTS = 4096
"""Ranges up to this length are stored; longer ones, and those of open length, are computed."""


@TABLE.writes("constant")
def write_constant(e: Emitter, node: Apply) -> str:
    type = node.output.type
    return e.constant(np.array(node.attributes["value"]).reshape([int(str(d)) for d in type.shape]), type.dtype)


@TABLE.writes("dimension")
def write_dimension(e: Emitter, node: Apply) -> str:
    return e.sizes.scalar(node.attributes["size"])


@TABLE.writes("arange")
def write_arange(e: Emitter, node: Apply) -> str:
    start, stop, step, dtype = (node.attributes[k] for k in ("start", "stop", "step", "dtype"))
    (size,) = node.output.type.shape
    if isinstance(start, int) and isinstance(stop, int) and isinstance(size, int) and size <= STORED_ELEMENTS:
        return e.constant(np.arange(start, stop, step), dtype)
    whole = str(e("Range", e.sizes.scalar(start), e.sizes.scalar(stop), e.sizes.scalar(step)))
    return whole if dtype.name == "i64" else e.cast(whole, dtype)


_TRILU = ("f32", "f64", "i64", "bool")


@TABLE.writes("triu", "tril", when=lambda n: n.output.type.dtype.name in _TRILU)
def write_triangle(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Trilu", x, e.constant(node.attributes["diagonal"]), upper=int(node.op.name == "triu")))
