"""What convolutions, pooling and resizing share: where the spatial axes are, window arithmetic, padding, numpy windows.

A spatial tensor is [N, C, *S] ("NCHW", whatever the number of spatial axes) or [N, *S, C] ("NHWC").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlc.ir.build import Builder
from dlc.ir.dim import Answer, Dim, at_most, ceil_div
from dlc.ir.graph import Value
from dlc.ir.op import Problem
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import need, need_rank

ZERO: Any = 0
ONE: Any = 1
"""Defaults of attributes that hold a number or a pair for each spatial axis; their kind spreads them."""


def channel_axis(rank: int, layout: str) -> int:
    """The axis of the channels."""
    return 1 if layout == "NCHW" else rank - 1


def spatial_axes(rank: int, layout: str) -> tuple[int, ...]:
    """The axes between batch and channels, or after them."""
    return tuple(range(2, rank)) if layout == "NCHW" else tuple(range(1, rank - 1))


def spatial_sizes(x: TensorType, layout: str) -> tuple[Dim, ...]:
    """The sizes of the spatial axes."""
    return tuple(x.shape[a] for a in spatial_axes(x.rank, layout))


def with_spatial(x: TensorType, layout: str, channels: Dim, sizes: Sequence[Dim]) -> TensorType:
    """The type of a spatial tensor with other channels and sizes."""
    inner = (channels, *sizes) if layout == "NCHW" else (*sizes, channels)
    return x.with_shape(x.shape[0], *inner)


def need_spatial(operation: str, x: TensorType, rank: int | None = None) -> None:
    """x has a batch axis, a channel axis, and `rank` spatial axes (any number from 1 if None)."""
    if rank is not None:
        need(x.rank == rank + 2, f"`{operation}` takes a tensor with {rank} spatial {'axis' if rank == 1 else 'axes'}",
             expected=f"rank {rank + 2}: batch, channels and {rank} spatial", found=f"rank {x.rank}: {x}", at=["x"],
             code="E0222", hint=f"`{operation[:-2]}{x.rank - 2}d` takes rank {x.rank}"
             if operation.endswith("d") and 3 <= x.rank <= 5 else None)
    need(x.rank >= 3, f"`{operation}` takes a tensor with spatial axes", expected="rank 3 or more: batch, channels, "
         "spatial axes", found=f"rank {x.rank}: {x}", at=["x"], code="E0222")


def need_at_least(operation: str, least: int, **values: Sequence[Dim] | Dim) -> None:
    """Every number of these attributes is `least` or more; named sizes may be."""
    for name, value in values.items():
        numbers = value if isinstance(value, Sequence) else [value]
        need(all(not isinstance(v, int) or v >= least for v in numbers), at=[name], code="E0213",
             message=f"`{operation}` cannot take this as `{name}`", expected=f"numbers of at least {least}",
             found=str(value))


def each(operation: str, name: str, value: Any, count: int) -> tuple[Any, ...]:
    """A value for each of `count` spatial axes, from one or from a list of them."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
    need(len(values) == count, f"`{operation}` cannot take this as `{name}`", at=[name], code="E0213",
         expected=f"one number or a list of {count} (one for each spatial axis)", found=str(list(values)))
    return values


def extent(kernel: Dim, dilation: int) -> Dim:
    """How many elements a window spans."""
    return dilation * (kernel - 1) + 1


def resolve_same(operation: str, pad: Any, kernel: Sequence[Dim], stride: Sequence[int],
                 dilation: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Explicit pairs for `pad="same"`; given pairs stay.

    "same" keeps the size where the stride is 1, with equal padding on both sides. Frameworks differ about where an odd
    element goes and about what it means with a stride; there it is refused, with pairs that can be written instead.
    """
    if pad != "same":
        pairs: tuple[tuple[int, int], ...] = pad
        return pairs
    need(all(isinstance(k, int) for k in kernel), f'`{operation}` cannot resolve pad="same"', at=["pad"], code="E0213",
         expected="a kernel of known size", found=str(list(kernel)))
    totals = [int(extent(k, d)) - 1 for k, d in zip(kernel, dilation, strict=True)]  # type: ignore[arg-type]
    if any(s != 1 for s in stride) or any(t % 2 for t in totals):
        suggestion = [[t // 2, t - t // 2] for t in totals]
        raise Problem(f'pad="same" is ambiguous for this `{operation}`', at=["pad"], code="E0213",
                      expected="stride 1 and an even dilation * (kernel - 1)",
                      found=f"stride {list(stride)}, kernel {list(kernel)}, dilation {list(dilation)}",
                      hint=f"write the pairs (before, after) for each axis, such as pad={suggestion}")
    return tuple((t // 2, t // 2) for t in totals)


def window_count(operation: str, size: Dim, kernel: Dim, stride: int, pad: tuple[int, int], dilation: int,
                 ceil_mode: bool = False) -> Dim:
    """How many windows fit along an axis: floor((size + before + after - extent) / stride) + 1.

    ceil_mode rounds up instead, but a last window that would begin behind the data and its leading padding is left
    out, as in PyTorch. Raises Problem where not even one window fits.
    """
    before, after = pad
    span = extent(kernel, dilation)
    if at_most(span, size + before + after) is Answer.NO:
        raise Problem(f"the window of `{operation}` is larger than its input", at=["x"], code="E0230",
                      expected=f"a size of at least {span - before - after}",
                      found=f"size {size} with padding ({before}, {after}), window {span}",
                      hint="use a smaller kernel or dilation, or pad more")
    if not ceil_mode:
        return (size + before + after - span) // stride + 1
    beyond = after + stride - span
    last: Dim = beyond if isinstance(beyond, int) and beyond < 0 else 0
    return ceil_div(size + before + last, stride)


def kernel_counts(operation: str, sizes: Sequence[Dim], kernel: Sequence[Dim], *, stride: Sequence[int],
                  pad: Sequence[tuple[int, int]], dilation: Sequence[int], ceil_mode: bool = False) -> list[Dim]:
    """`window_count` for every spatial axis."""
    return [window_count(operation, n, k, s, p, d, ceil_mode)
            for n, k, s, p, d in zip(sizes, kernel, stride, pad, dilation, strict=True)]


def per_channel(b: Builder, parameter: Value, rank: int, layout: str) -> Value:
    """A [C] parameter in the shape that broadcasts over a spatial tensor of this rank."""
    need_rank(parameter.name or "weight", parameter.type, 1)
    if layout == "NHWC" or rank == 2:
        return parameter
    result: Value = b.reshape(parameter, shape=(parameter.type.shape[0], *[1] * (rank - 2)))
    return result


def pad_spatial(b: Builder, x: Value, pairs: Sequence[tuple[int, int]], layout: str, **options: Any) -> Value:
    """Pad the spatial axes; the tensor itself where there is nothing to pad."""
    if not any(before or after for before, after in pairs):
        return x
    widths = [(0, 0)] * x.type.rank
    for axis, pair in zip(spatial_axes(x.type.rank, layout), pairs, strict=True):
        widths[axis] = pair
    result: Value = b.pad(x, widths=widths, **options)
    return result


def pad_channels(b: Builder, x: Value, pair: tuple[int, int], layout: str) -> Value:
    """Zeros added before and after the channels."""
    widths = [(0, 0)] * x.type.rank
    widths[channel_axis(x.type.rank, layout)] = pair
    result: Value = b.pad(x, widths=widths) if any(pair) else x
    return result


def cut(b: Builder, x: Value, axes: Sequence[int], sizes: Sequence[Dim]) -> Value:
    """The first `sizes` elements along some axes; the tensor itself where that is all of it."""
    if all(x.type.shape[a] == n for a, n in zip(axes, sizes, strict=True)):
        return x
    result: Value = b.slice(x, starts=[0] * len(axes), stops=sizes, axes=axes, inside=True)
    return result


# --- numpy ------------------------------------------------------------------------------------------------------

def to_channels_first(x: Array, layout: str) -> Array:
    """[N, C, *S] whatever the layout."""
    return x if layout == "NCHW" else np.moveaxis(x, -1, 1)


def from_channels_first(x: Array, layout: str) -> Array:
    """The inverse of `to_channels_first`."""
    return x if layout == "NCHW" else np.ascontiguousarray(np.moveaxis(x, 1, -1))


def accumulator(x: Array) -> np.dtype[Any]:
    """The element type that sums of products are kept in: at least float32."""
    return np.dtype(np.float64 if x.dtype == np.float64 else np.float32)


def windows(x: Array, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Array:
    """A view [N, C, *out, *kernel] of the windows of x: [N, C, *S]."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=tuple(range(2, x.ndim)))
    steps = (slice(None), slice(None), *(slice(None, None, s) for s in stride),
             *(slice(None, None, d) for d in dilation))
    return view[steps]
