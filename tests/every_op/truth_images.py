"""Truths of resampling, of channels that become space, and of positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from every_op.truth import formula_truth, torch_truth
from every_op.truth_networks import channels_second


@torch_truth("resize", "upsample")
@channels_second
def _resize(x: Any, *, scale: Any = None, size: Any = None, mode: str, align_corners: bool) -> Any:
    plain = mode.removeprefix("bi").removeprefix("tri")
    names = {"linear": ["linear", "bilinear", "trilinear"][x.ndim - 3], "cubic": "bicubic",
             "nearest": "nearest", "nearest_exact": "nearest-exact"}
    sizes = [int(n * s) for n, s in zip(x.shape[2:], scale, strict=True)] if size is None else list(size)
    return F.interpolate(x, sizes, mode=names[plain],
                         align_corners=None if plain.startswith("nearest") else align_corners)


@torch_truth("channel_shuffle")
@channels_second
def _channel_shuffle(x: Any, *, groups: int) -> Any:
    return F.channel_shuffle(x, groups)


@torch_truth("pixel_shuffle")
@channels_second
def _pixel_shuffle(x: Any, *, factor: int) -> Any:
    return F.pixel_shuffle(x, factor)


@torch_truth("pixel_unshuffle")
@channels_second
def _pixel_unshuffle(x: Any, *, factor: int) -> Any:
    return F.pixel_unshuffle(x, factor)


@torch_truth("meshgrid")
def _meshgrid(*xs: Any, indexing: str) -> Any:
    return torch.meshgrid(*xs, indexing=indexing)


@torch_truth("rotary_embedding")
def _rotary_embedding(x: Any, positions: Any, *, base: float, interleaved: bool) -> Any:
    """Multiplication of complex numbers u + i v by exp(i angle)."""
    half = x.shape[-1] // 2
    place = torch.arange(x.shape[-2]) if positions is None else positions
    angle = place[..., None].double() * base ** (-torch.arange(half).double() / half)
    u, v = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    turned = torch.complex(u, v) * torch.polar(torch.ones_like(angle), angle)
    parts = [turned.real, turned.imag]
    return torch.stack(parts, -1).flatten(-2) if interleaved else torch.cat(parts, -1)


@formula_truth("sinusoidal_positions")
def _sinusoidal_positions(*, length: int, size: int, base: float, dtype: Any) -> Any:
    rows = [[(np.sin, np.cos)[i % 2](t / base ** (2 * (i // 2) / size)) for i in range(size)] for t in range(length)]
    return np.array(rows)
