"""Transposed convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.spatial import channels_first, pads
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("transposed_convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def write_transposed(e: Emitter, node: Apply, x: str, weight: str, bias: str | None = None) -> str:
    a = node.attributes
    return channels_first(e, x, node.output.type.rank, a["layout"], lambda x: str(e(
        "ConvTranspose", x, weight, bias, strides=a["stride"], pads=pads(a["pad"]), dilations=a["dilation"],
        group=a["groups"], output_padding=a["output_pad"])))
