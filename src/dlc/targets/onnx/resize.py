"""Resampling of spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply
from dlc.ir.types import F32
from dlc.ops.resize import CANONICAL
from dlc.ops.spatial import spatial_sizes
from dlc.targets.onnx.spatial import channels_first
from dlc.targets.onnx.table import TABLE, is_single

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


def _mode(node: Apply) -> str:
    """The mode under its one name."""
    mode: str = node.attributes["mode"]
    return CANONICAL[mode][0] if mode in CANONICAL else mode


def _sizes(node: Apply) -> list[tuple[Dim, Dim]]:
    """The size of each spatial axis before and after."""
    x, layout = node.operands[0], node.attributes["layout"]
    assert x is not None
    return list(zip(spatial_sizes(x.type, layout), spatial_sizes(node.output.type, layout), strict=True))


def _factor(before: Dim, after: Dim) -> int | None:
    """The whole number of times that an axis becomes larger."""
    if isinstance(before, int) and isinstance(after, int):
        return after // before if before and after % before == 0 else None
    ratio = after // before if before != 0 else after
    return ratio if isinstance(ratio, int) and ratio * before == after else None


def _same_neighbours(before: Dim, after: Dim, shift: float) -> bool:
    """Whether single precision, in which runtimes compute places, finds the nearest elements that it should."""
    if _factor(before, after) is not None:
        return True
    if not isinstance(before, int) or not isinstance(after, int):
        return False
    i = np.arange(after, dtype=np.float32)
    scale = np.float32(after) / np.float32(before)
    found = np.floor((i + np.float32(shift)) / scale)
    return bool((found == np.floor((np.arange(after) + shift) * before / after)).all())


def _written(node: Apply) -> bool:
    mode = _mode(node)
    if not is_single(node) or (mode == "cubic" and node.output.type.rank != 4):
        return False
    shift = {"nearest": 0.0, "nearest_exact": 0.5}.get(mode)
    return shift is None or all(_same_neighbours(n, m, shift) for n, m in _sizes(node))


@TABLE.writes("resize", "upsample", when=_written)
def write_resize(e: Emitter, node: Apply, x: str) -> str:
    """Resize by whole factors where there are such, so that no size has to be computed; otherwise to sizes."""
    a, mode = node.attributes, _mode(node)
    place = "asymmetric" if mode == "nearest" else "align_corners" if a["align_corners"] else "half_pixel"
    options: dict[str, Any] = {"mode": mode.removesuffix("_exact"), "coordinate_transformation_mode": place}
    if mode == "nearest":
        options["nearest_mode"] = "floor"
    elif mode == "nearest_exact":
        options["nearest_mode"] = "round_prefer_ceil"

    def write(x: str) -> str:
        scales, sizes = _target(e, node)
        return str(e("Resize", x, None, scales, sizes, cubic_coeff_a=-0.75 if mode == "cubic" else None, **options))
    return channels_first(e, x, node.output.type.rank, a["layout"], write)


def _target(e: Emitter, node: Apply) -> tuple[str | None, str | None]:
    """The factors of all axes, or the sizes of all axes, channels first."""
    factors = [_factor(n, m) for n, m in _sizes(node)]
    if None not in factors:
        return e.constant([1, 1, *factors], F32), None
    shape: Sequence[Dim] = node.output.type.shape
    channels = shape[1] if node.attributes["layout"] == "NCHW" else shape[-1]
    return None, e.sizes.shape([shape[0], channels, *(m for _, m in _sizes(node))])
