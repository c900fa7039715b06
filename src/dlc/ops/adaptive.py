"""Pooling to a given size: adaptive windows, and whole spatial axes at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from dlc.ir.attributes import Bool, Layout, Spatial
from dlc.ir.build import Builder
from dlc.ir.dim import Dim, ceil_div
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Float, Sample, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import reduced
from dlc.ops.spatial import channel_axis, need_at_least, need_spatial, spatial_axes, spatial_sizes, with_spatial


class AdaptivePooling(Composite):
    """Base: window i of `size` along an axis of n elements goes from floor(i n / size) to ceil((i + 1) n / size)."""

    spatial = True
    positional = ("size",)
    reduction: ClassVar[str]

    def infer(self, x: Float, *, size: Spatial, layout: Layout = "NCHW") -> TensorType:
        need_spatial(self.name, x)
        need_at_least(self.name, 1, size=size)
        return with_spatial(x, layout, x.shape[channel_axis(x.rank, layout)], size)

    def body(self, b: Builder, x: Value, *, size: Sequence[int], layout: str) -> Value:
        y = x
        for axis, n, count in zip(spatial_axes(x.type.rank, layout), spatial_sizes(x.type, layout), size, strict=True):
            y = self._pool(b, y, axis, n, count)
        return y

    def _pool(self, b: Builder, x: Value, axis: int, n: Dim, count: int) -> Value:
        shape = x.type.shape
        if n == count:
            return x
        if n % count == 0:
            split = b.reshape(x, shape=[*shape[:axis], count, n // count, *shape[axis + 1:]])
            equal: Value = b.apply(self.reduction, split, axis=axis + 1)
            return equal
        parts = [b.slice(x, starts=[i * n // count], stops=[ceil_div((i + 1) * n, count)], axes=[axis], inside=True)
                 for i in range(count)]
        result: Value = b.concat(*(b.apply(self.reduction, p, axis=axis, keepdims=True) for p in parts), axis=axis)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 6, 4]", size=[3, 2])
        yield sample("f32[2, 3, 7, 5]", size=[3, 4])
        yield sample("f32[2, 3, 5, 3]", size=1)
        yield sample("f32[1, 2, 3]", size=5)
        yield sample("f32[2, 7, 4, 3]", size=2, layout="NHWC")
        yield sample("f32[1, 2, 4, 5, 3]", size=[2, 2, 3])


@operation
class AdaptiveAvgPool(AdaptivePooling):
    """The averages of windows that divide the spatial axes into `size` parts.

    x: [N, C, *S]; y: [N, C, *size]. Window i along an axis of n elements goes from floor(i n / size) up to, without,
    ceil((i + 1) n / size); windows overlap where n is no multiple of `size`.
    """

    ulps = 8
    reduction = "mean"


@operation
class AdaptiveMaxPool(AdaptivePooling):
    """The greatest elements of windows that divide the spatial axes into `size` parts.

    x: [N, C, *S]; y: [N, C, *size]. Window i along an axis of n elements goes from floor(i n / size) up to, without,
    ceil((i + 1) n / size); windows overlap where n is no multiple of `size`.
    """

    ulps = 0
    reduction = "max"


class GlobalPooling(Composite):
    """Base: all spatial axes at once."""

    spatial = True
    reduction: ClassVar[str]

    def infer(self, x: Float, *, keepdims: Bool = False, layout: Layout = "NCHW") -> TensorType:
        need_spatial(self.name, x)
        return x.with_shape(*reduced(x.shape, spatial_axes(x.rank, layout), keepdims))

    def body(self, b: Builder, x: Value, *, keepdims: bool, layout: str) -> Value:
        result: Value = b.apply(self.reduction, x, axis=spatial_axes(x.type.rank, layout), keepdims=keepdims)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 5, 4]")
        yield sample("f32[2, 3, 5, 4]", keepdims=True)
        yield sample("f32[2, 5, 4, 3]", layout="NHWC")
        yield sample("f32[2, 3, 7]")
        yield sample("f32[1, 2, 3, 4, 3]", keepdims=True)


@operation
class GlobalAvgPool(GlobalPooling):
    """The average over all spatial axes: [N, C, *S] -> [N, C], or [N, C, 1, ...] with `keepdims`."""

    ulps = 8
    reduction = "mean"


@operation
class GlobalMaxPool(GlobalPooling):
    """The greatest element over all spatial axes: [N, C, *S] -> [N, C], or [N, C, 1, ...] with `keepdims`."""

    ulps = 0
    reduction = "max"
