"""Parts of tensors and tensors put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

LAST, FIRST = 2**63 - 1, -2**63
"""Bounds that ONNX clamps to either end of an axis."""


@TABLE.writes("slice")
def write_slice(e: Emitter, node: Apply, x: str) -> str:
    starts, stops, steps, axes = (node.attributes[k] for k in ("starts", "stops", "steps", "axes"))
    if not axes:
        return x
    ends = [(LAST if step > 0 else FIRST) if stop is None else stop for stop, step in zip(stops, steps, strict=True)]
    return str(e("Slice", x, e.sizes.shape(starts), e.sizes.shape(ends), e.ints(axes), e.ints(steps)))


@TABLE.writes("select")
def write_select(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Gather", x, e.sizes.scalar(node.attributes["index"]), axis=node.attributes["axis"]))


@TABLE.writes("concat")
def write_concat(e: Emitter, node: Apply, *xs: str) -> str:
    return str(e("Concat", *xs, axis=node.attributes["axis"]))


@TABLE.writes("split")
def write_split(e: Emitter, node: Apply, x: str) -> list[str]:
    sizes = node.attributes["sizes"]
    parts = e("Split", x, e.sizes.shape(sizes), outputs=len(sizes), axis=node.attributes["axis"])
    return [parts] if isinstance(parts, str) else list(parts)
