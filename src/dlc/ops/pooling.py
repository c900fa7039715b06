"""Pooling: windows of a spatial tensor reduced to their maximum, average or norm, and whole axes likewise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from dlc.ir.attributes import Bool, Layout, Pad, Real, Spatial
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Float, Sample, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import need
from dlc.ops.spatial import (
    ONE,
    ZERO,
    channel_axis,
    extent,
    kernel_counts,
    need_at_least,
    need_spatial,
    pad_spatial,
    resolve_same,
    spatial_axes,
    spatial_sizes,
    with_spatial,
)


class Pooling(Composite):
    """Base: a kernel slides over the spatial axes; its stride is its size unless given."""

    spatial = True
    positional: ClassVar[tuple[str, ...]] = ("kernel",)

    def complete(self, x: TensorType, *, kernel: tuple[int, ...], stride: tuple[int, ...] | None,
                 **attributes: Any) -> dict[str, Any]:
        need_spatial(self.name, x)
        stride = kernel if stride is None else stride
        dilation = attributes.get("dilation", (1,) * len(kernel))
        need_at_least(self.name, 1, kernel=kernel, stride=stride, dilation=dilation)
        if "pad" not in attributes:
            return {"stride": stride}
        pad = resolve_same(self.name, attributes["pad"], kernel, stride, dilation)
        for pair, k, d in zip(pad, kernel, dilation, strict=True):
            most = d * (k - 1)
            need(max(pair) <= most, f"the padding of `{self.name}` would fill a whole window", at=["pad"],
                 expected=f"less than the window: at most {most}", found=str(max(pair)), code="E0213")
        return {"stride": stride, "pad": pad}


def pooled(operation: str, x: TensorType, kernel: Sequence[int], *, stride: Sequence[int] | None,
           pad: Sequence[tuple[int, int]] | None = None, dilation: Sequence[int] | None = None, ceil_mode: bool,
           layout: str) -> TensorType:
    """The type of a pooled tensor."""
    assert stride is not None
    pad = [(0, 0)] * len(kernel) if pad is None else pad
    dilation = [1] * len(kernel) if dilation is None else dilation
    sizes = kernel_counts(operation, spatial_sizes(x, layout), kernel, stride=stride, pad=pad, dilation=dilation,
                          ceil_mode=ceil_mode)
    return with_spatial(x, layout, x.shape[channel_axis(x.rank, layout)], sizes)


def taps(b: Builder, x: Value, axis: int, count: Dim, *, kernel: int, stride: int, dilation: int = 1) -> list[Value]:
    """For each element of the kernel along an axis, what stands under it in every window."""
    return [b.slice(x, starts=[t * dilation], stops=[t * dilation + (count - 1) * stride + 1], steps=[stride],
                    axes=[axis], inside=True) for t in range(kernel)]


def fold(b: Builder, operation: str, values: Sequence[Value]) -> Value:
    """The values joined by an operation of two operands."""
    result, *others = values
    for value in others:
        result = b.apply(operation, result, value)
    return result


def overhang(sizes: Sequence[Dim], counts: Sequence[Dim], kernel: Sequence[int], *, stride: Sequence[int],
             pad: Sequence[tuple[int, int]], dilation: Sequence[int], ceil_mode: bool) -> list[int]:
    """How far the last windows may reach beyond the padding: exactly, or at most where sizes are named."""
    result = []
    for n, c, k, s, (before, after), d in zip(sizes, counts, kernel, stride, pad, dilation, strict=True):
        beyond = (c - 1) * s + extent(k, d) - (n + before + after)
        result.append(0 if not ceil_mode else max(beyond, 0) if isinstance(beyond, int) else s - 1)
    return result


@operation
class MaxPool(Pooling):
    """The greatest element of each window; padding never wins.

    x: [N, C, *S]; y: [N, C, *T] with T = floor((S + before + after - extent) / stride) + 1,
    extent = dilation * (kernel - 1) + 1. stride: the kernel unless given.
    ceil_mode: rounds up instead of down, so that windows may hang over the end; one that would begin behind the data
    is left out, as in PyTorch. The gradient is shared by equal elements.
    """

    ulps = 0

    def infer(self, x: Float, *, kernel: Spatial, stride: Spatial | None = None, pad: Pad = ZERO,
              dilation: Spatial = ONE, ceil_mode: Bool = False, layout: Layout = "NCHW") -> TensorType:
        return pooled(self.name, x, kernel, stride=stride, pad=pad, dilation=dilation, ceil_mode=ceil_mode,
                      layout=layout)

    def body(self, b: Builder, x: Value, *, kernel: Sequence[int], stride: Sequence[int],
             pad: Sequence[tuple[int, int]], dilation: Sequence[int], ceil_mode: bool, layout: str) -> Value:
        counts = spatial_sizes(pooled(self.name, x.type, kernel, stride=stride, pad=pad, dilation=dilation,
                                      ceil_mode=ceil_mode, layout=layout), layout)
        over = overhang(spatial_sizes(x.type, layout), counts, kernel, stride=stride, pad=pad, dilation=dilation,
                        ceil_mode=ceil_mode)
        pairs = [(before, after + o) for (before, after), o in zip(pad, over, strict=True)]
        y = pad_spatial(b, x, pairs, layout, value=-float("inf"))
        for i, axis in enumerate(spatial_axes(x.type.rank, layout)):
            y = fold(b, "maximum", taps(b, y, axis, counts[i], kernel=kernel[i], stride=stride[i],
                                        dilation=dilation[i]))
        return y

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 6, 4]", kernel=2)
        yield sample("f32[1, 2, 7, 8]", kernel=[3, 2], stride=[2, 1], pad=[1, 0])
        yield sample("f32[1, 2, 7, 8]", kernel=3, stride=2, pad=[[1, 0], [0, 2]])
        yield sample("f32[1, 2, 7, 8]", kernel=2, dilation=[2, 3], stride=1)
        yield sample("f32[1, 2, 6, 7]", kernel=3, stride=2, ceil_mode=True)
        yield sample("f32[1, 1, 5, 4]", kernel=2, stride=3, pad=1, ceil_mode=True)
        yield sample("f32[2, 6, 5, 3]", kernel=3, stride=2, pad=1, layout="NHWC")
        yield sample("f32[2, 3, 7]", kernel=2, stride=3)
        yield sample("f32[1, 2, 4, 5, 4]", kernel=2, stride=[1, 2, 2], pad=[0, 1, 0])
        yield sample("f32[1, 2, 5, 5]", kernel=3, stride=1, pad="same")


@operation
class AvgPool(Pooling):
    """The average of each window.

    x: [N, C, *S]; y: [N, C, *T] with T = floor((S + before + after - kernel) / stride) + 1. stride: the kernel unless
    given. ceil_mode: as in `max_pool`.
    count_include_pad: whether the zeros of the padding count as elements (never what hangs over beyond them), as in
    PyTorch; false divides by the number of real elements.
    """

    ulps = 8

    def infer(self, x: Float, *, kernel: Spatial, stride: Spatial | None = None, pad: Pad = ZERO,
              ceil_mode: Bool = False, count_include_pad: Bool = True, layout: Layout = "NCHW") -> TensorType:
        return pooled(self.name, x, kernel, stride=stride, pad=pad, ceil_mode=ceil_mode, layout=layout)

    def body(self, b: Builder, x: Value, *, kernel: Sequence[int], stride: Sequence[int],
             pad: Sequence[tuple[int, int]], ceil_mode: bool, count_include_pad: bool, layout: str) -> Value:
        ones = [1] * len(kernel)
        sizes = spatial_sizes(x.type, layout)
        counts = spatial_sizes(pooled(self.name, x.type, kernel, stride=stride, pad=pad, ceil_mode=ceil_mode,
                                      layout=layout), layout)
        over = overhang(sizes, counts, kernel, stride=stride, pad=pad, dilation=ones, ceil_mode=ceil_mode)
        y = pad_spatial(b, x, [(before, after + o) for (before, after), o in zip(pad, over, strict=True)], layout)
        for i, axis in enumerate(spatial_axes(x.type.rank, layout)):
            y = fold(b, "add", taps(b, y, axis, counts[i], kernel=kernel[i], stride=stride[i]))
            partial = over[i] > 0 or (any(pad[i]) and not count_include_pad)
            if not partial:
                y = b.div(y, float(kernel[i]))
                continue
            elements = b.full(shape=[sizes[i]], value=1.0, dtype=x.type.dtype)
            elements = b.pad(elements, widths=[pad[i]], value=float(count_include_pad))
            elements = b.pad(elements, widths=[(0, over[i])])
            number = fold(b, "add", taps(b, elements, 0, counts[i], kernel=kernel[i], stride=stride[i]))
            y = b.div(y, b.reshape(number, shape=[counts[i], *[1] * (x.type.rank - 1 - axis)]))
        return y

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 6, 4]", kernel=2)
        yield sample("f32[1, 2, 7, 8]", kernel=[3, 2], stride=[2, 1], pad=[1, 0])
        yield sample("f32[1, 2, 7, 8]", kernel=3, stride=2, pad=1, count_include_pad=False)
        yield sample("f32[1, 2, 7, 8]", kernel=3, stride=2, pad=[[1, 0], [0, 2]])
        yield sample("f32[1, 2, 6, 7]", kernel=3, stride=2, ceil_mode=True)
        yield sample("f32[1, 2, 6, 7]", kernel=3, stride=2, pad=1, ceil_mode=True)
        yield sample("f32[1, 2, 6, 7]", kernel=3, stride=2, pad=1, ceil_mode=True, count_include_pad=False)
        yield sample("f32[2, 6, 5, 3]", kernel=3, stride=2, pad=1, count_include_pad=False, layout="NHWC")
        yield sample("f32[2, 3, 7]", kernel=2, stride=3)
        yield sample("f32[1, 2, 4, 5, 4]", kernel=2, stride=[1, 2, 2], pad=[0, 1, 0])


@operation
class LpPool(Pooling):
    """The p-norm of each window: (sum of |x|^p)^(1/p).

    x: [N, C, *S]; y: [N, C, *T] with T = floor((S - kernel) / stride) + 1. stride: the kernel unless given.
    ceil_mode: as in `max_pool`; nothing stands beyond the end. (PyTorch differs in two cases: for odd p it omits the
    absolute value, and it scales up a window that hangs over.)
    """

    ulps = 16
    positional = ("p", "kernel")

    def infer(self, x: Float, *, p: Real, kernel: Spatial, stride: Spatial | None = None, ceil_mode: Bool = False,
              layout: Layout = "NCHW") -> TensorType:
        need(p > 0, "`lp_pool` needs a positive `p`", expected="more than 0", found=str(p), at=["p"], code="E0213")
        return pooled(self.name, x, kernel, stride=stride, ceil_mode=ceil_mode, layout=layout)

    def body(self, b: Builder, x: Value, *, p: float, kernel: Sequence[int], stride: Sequence[int], ceil_mode: bool,
             layout: str) -> Value:
        y = b.pow(b.abs(x), p)
        counts = spatial_sizes(pooled(self.name, x.type, kernel, stride=stride, ceil_mode=ceil_mode, layout=layout),
                               layout)
        over = overhang(spatial_sizes(x.type, layout), counts, kernel, stride=stride, pad=[(0, 0)] * len(kernel),
                        dilation=[1] * len(kernel), ceil_mode=ceil_mode)
        y = pad_spatial(b, y, [(0, o) for o in over], layout)
        for i, axis in enumerate(spatial_axes(x.type.rank, layout)):
            y = fold(b, "add", taps(b, y, axis, counts[i], kernel=kernel[i], stride=stride[i]))
        result: Value = b.pow(y, 1.0 / p)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 6, 4]", p=2, kernel=2)
        yield sample("f32[1, 2, 7, 8]", p=1, kernel=[3, 2], stride=2)
        yield sample("f32[1, 2, 7]", p=2, kernel=3, stride=3, ceil_mode=True)
        yield sample("f32[2, 6, 5, 3]", p=3, kernel=2, layout="NHWC")
