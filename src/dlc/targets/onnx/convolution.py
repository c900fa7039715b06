"""Convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.spatial import channels_first, pads
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@TABLE.writes("convolution", "conv1d", "conv2d", "conv3d")
def write_convolution(e: Emitter, node: Apply, x: str, weight: str, bias: str | None = None) -> str:
    """Conv; other paddings than zeros go before it."""
    a = node.attributes
    mode, pairs = a.get("pad_mode", "zeros"), a["pad"]

    def write(x: str) -> str:
        inside = pads(pairs)
        if mode != "zeros" and any(inside):
            x = e("Pad", x, e.ints(pads([(0, 0), (0, 0), *pairs])), mode=_MODES[mode])
            inside = [0] * len(inside)
        return str(e("Conv", x, weight, bias, strides=a["stride"], pads=inside, dilations=a["dilation"],
                     group=a["groups"]))
    return channels_first(e, x, node.output.type.rank, a["layout"], write)
