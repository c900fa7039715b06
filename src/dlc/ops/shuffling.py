"""Channels exchanged for space and for each other; no number changes."""

from __future__ import annotations

from collections.abc import Iterable

from dlc.ir.attributes import Int, Layout
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Sample, Tensor, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import need
from dlc.ops.spatial import channel_axis, need_at_least, need_spatial, spatial_axes, with_spatial


class Rearrangement(Composite):
    """Base: elements change place only; any element type."""

    spatial = True
    ulps = 0

    def split(self, x: TensorType, layout: str) -> tuple[int, list[int]]:
        """The axis of the channels and those of height and width."""
        need(x.rank == 4, f"`{self.name}` takes images", expected="rank 4: batch, channels, height and width",
             found=f"rank {x.rank}: {x}", at=["x"], code="E0222")
        return channel_axis(4, layout), list(spatial_axes(4, layout))


@operation
class PixelShuffle(Rearrangement):
    """Channels become space: y[n, c, h f + i, w f + j] = x[n, c f² + i f + j, h, w], with the factor f.

    x: [N, C f², H, W]; y: [N, C, H f, W f] (Shi et al., 2016). The order of the channels is the same in both layouts.
    """

    positional = ("factor",)

    def infer(self, x: Tensor, *, factor: Int, layout: Layout = "NCHW") -> TensorType:
        channel, spatial = self.split(x, layout)
        need_at_least(self.name, 1, factor=factor)
        channels = x.shape[channel]
        need(channels % factor**2 == 0, "the channels of `x` cannot be divided into pixels", at=["x", "factor"],
             expected=f"a multiple of {factor**2}", found=str(channels), code="E0230")
        return with_spatial(x, layout, channels // factor**2, [x.shape[a] * factor for a in spatial])

    def body(self, b: Builder, x: Value, *, factor: int, layout: str) -> Value:
        n, *_ = x.type.shape
        channel, (height, width) = self.split(x.type, layout)
        c, h, w = x.type.shape[channel] // factor**2, x.type.shape[height], x.type.shape[width]
        if layout == "NCHW":
            y = b.transpose(b.reshape(x, shape=[n, c, factor, factor, h, w]), axes=[0, 1, 4, 2, 5, 3])
            return b.reshape(y, shape=[n, c, h * factor, w * factor])
        y = b.transpose(b.reshape(x, shape=[n, h, w, c, factor, factor]), axes=[0, 1, 4, 2, 5, 3])
        return b.reshape(y, shape=[n, h * factor, w * factor, c])

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 8, 3, 2]", factor=2)
        yield sample("f32[1, 3, 2, 18]", factor=3, layout="NHWC")
        yield sample("i64[1, 4, 2, 3]", factor=2)


@operation
class PixelUnshuffle(Rearrangement):
    """Space becomes channels: the inverse of `pixel_shuffle`.

    x: [N, C, H f, W f]; y: [N, C f², H, W], with the factor f. The order of the channels is the same in both layouts.
    """

    positional = ("factor",)

    def infer(self, x: Tensor, *, factor: Int, layout: Layout = "NCHW") -> TensorType:
        channel, spatial = self.split(x, layout)
        need_at_least(self.name, 1, factor=factor)
        for axis in spatial:
            need(x.shape[axis] % factor == 0, "the size of `x` cannot be divided by the factor", at=["x", "factor"],
                 expected=f"a multiple of {factor}", found=str(x.shape[axis]), code="E0230",
                 hint=None if isinstance(x.shape[axis], int) else f"say so: `assume {x.shape[axis]} % {factor} == 0`")
        return with_spatial(x, layout, x.shape[channel] * factor**2, [x.shape[a] // factor for a in spatial])

    def body(self, b: Builder, x: Value, *, factor: int, layout: str) -> Value:
        n, *_ = x.type.shape
        channel, (height, width) = self.split(x.type, layout)
        c, h, w = x.type.shape[channel], x.type.shape[height] // factor, x.type.shape[width] // factor
        if layout == "NCHW":
            y = b.transpose(b.reshape(x, shape=[n, c, h, factor, w, factor]), axes=[0, 1, 3, 5, 2, 4])
            return b.reshape(y, shape=[n, c * factor**2, h, w])
        y = b.transpose(b.reshape(x, shape=[n, h, factor, w, factor, c]), axes=[0, 1, 3, 5, 2, 4])
        return b.reshape(y, shape=[n, h, w, c * factor**2])

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 2, 4, 6]", factor=2)
        yield sample("f32[1, 3, 6, 2]", factor=3, layout="NHWC")


@operation
class ChannelShuffle(Composite):
    """Channels of all groups taken in turn: y[n, i g + j] = x[n, j C / g + i], with g groups (Zhang et al., 2018)."""

    spatial = True
    ulps = 0
    positional = ("groups",)

    def infer(self, x: Tensor, *, groups: Int, layout: Layout = "NCHW") -> TensorType:
        need_spatial(self.name, x)
        need_at_least(self.name, 1, groups=groups)
        channels = x.shape[channel_axis(x.rank, layout)]
        need(channels % groups == 0, "the channels of `x` cannot be divided into groups", at=["x", "groups"],
             expected=f"a multiple of {groups}", found=str(channels), code="E0230")
        return x

    def body(self, b: Builder, x: Value, *, groups: int, layout: str) -> Value:
        shape, axis, rank = x.type.shape, channel_axis(x.type.rank, layout), x.type.rank
        y = b.reshape(x, shape=[*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1:]])
        y = b.transpose(y, axes=[*range(axis), axis + 1, axis, *range(axis + 2, rank + 1)])
        result: Value = b.reshape(y, shape=shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 6, 3, 2]", groups=2)
        yield sample("f32[2, 3, 6]", groups=3, layout="NHWC")
