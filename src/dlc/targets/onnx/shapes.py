"""The same elements in another shape or order of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("reshape")
def write_reshape(e: Emitter, node: Apply, x: str) -> str:
    operand = node.operands[0]
    assert operand is not None
    return reshape(e, x, operand.type.shape, node.output.type.shape)


def reshape(e: Emitter, x: str, old: Sequence[Dim], new: Sequence[Dim]) -> str:
    """Reshape: 0 copies a size from its own place, -1 leaves one to follow; others are computed."""
    if tuple(old) == tuple(new):
        return x
    if 0 in new:
        return str(e("Reshape", x, e.sizes.shape(new), allowzero=1))
    copied = [i < len(old) and not isinstance(d, int) and old[i] == d for i, d in enumerate(new)]
    open_ = [i for i, d in enumerate(new) if not isinstance(d, int) and not copied[i]]
    if len(open_) > 1:
        return str(e("Reshape", x, e.sizes.shape(new)))
    target = [d if isinstance(d, int) else 0 if copied[i] else -1 for i, d in enumerate(new)]
    return str(e("Reshape", x, e.ints(target)))


@TABLE.writes("flatten", when=lambda n: n.attributes["start"] == 1 and n.output.type.rank == 2)
def write_flatten(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Flatten", x, axis=1))


@TABLE.writes("transpose")
def write_transpose(e: Emitter, node: Apply, x: str) -> str:
    return e.transpose(x, node.attributes["axes"])


@TABLE.writes("squeeze", "unsqueeze")
def write_ones(e: Emitter, node: Apply, x: str) -> str:
    axes = node.attributes["axis"]
    return str(e(node.op.name.capitalize(), x, e.ints(axes))) if axes else x
