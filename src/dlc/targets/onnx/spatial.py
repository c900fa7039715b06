"""Channels last: ONNX has its operations on images for channels first only, so transposes go around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


def channels_first(e: Emitter, x: str, rank: int, layout: str, write: Callable[[str], str]) -> str:
    """`write(x)` on [N, C, *S], whatever the layout of x and of the result."""
    if layout == "NCHW" or rank < 3:
        return write(x)
    y = write(e.transpose(x, [0, rank - 1, *range(1, rank - 1)]))
    return e.transpose(y, [0, *range(2, rank), 1])


def pads(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """All leading paddings, then all trailing ones."""
    return [before for before, _ in pairs] + [after for _, after in pairs]
