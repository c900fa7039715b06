"""Convolutions over one, two and three spatial axes, with stride, padding, dilation and groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np

from dlc.ir.attributes import Int, Layout, Pad, Size, Spatial, choice
from dlc.ir.build import Builder
from dlc.ir.dim import Dim, product
from dlc.ir.graph import Apply, Node, Value
from dlc.ir.op import Composite, Float, Primitive, Sample, WeightSpec, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.dense import fan_in_uniform
from dlc.ops.rules import need, need_equal, need_rank, same_dtype
from dlc.ops.spatial import (
    ONE,
    ZERO,
    accumulator,
    channel_axis,
    cut,
    each,
    from_channels_first,
    kernel_counts,
    need_at_least,
    need_spatial,
    pad_spatial,
    per_channel,
    resolve_same,
    spatial_axes,
    spatial_sizes,
    to_channels_first,
    windows,
    with_spatial,
)

PadMode = Annotated[str, choice("zeros", "reflect", "replicate", "circular")]


def resolved_pad(operation: str, rank: int | None, x: TensorType, weight: TensorType, *, stride: Sequence[int],
                 pad: Any, dilation: Sequence[int]) -> dict[str, Any]:
    """The `complete` hook: `pad="same"` becomes pairs."""
    need_spatial(operation, x, rank)
    need_rank("weight", weight, x.rank)
    need_at_least(operation, 1, stride=stride, dilation=dilation)
    return {"pad": resolve_same(operation, pad, weight.shape[2:], stride, dilation)}


def convolved(operation: str, x: TensorType, weight: TensorType, *, stride: Sequence[int],
              pad: Sequence[tuple[int, int]], dilation: Sequence[int], groups: int, layout: str) -> TensorType:
    """The type of a convolution without bias."""
    same_dtype(x=x, weight=weight)
    need_at_least(operation, 1, groups=groups)
    channels, features = x.shape[channel_axis(x.rank, layout)], weight.shape[0]
    need_equal("the channels of `x` and the channels that `weight` takes", channels, weight.shape[1] * groups,
               at=["x", "weight"])
    need_groups(operation, "weight", features, groups)
    sizes = kernel_counts(operation, spatial_sizes(x, layout), weight.shape[2:], stride=stride, pad=pad,
                          dilation=dilation)
    return with_spatial(x, layout, features, sizes)


def need_groups(operation: str, name: str, channels: Dim, groups: int) -> None:
    """The channels can be divided into groups."""
    need(channels % groups == 0, f"the channels of `{name}` cannot be divided into the groups of `{operation}`",
         expected=f"a multiple of {groups}", found=str(channels), at=[name, "groups"], code="E0230")


def need_bias(bias: TensorType | None, channels: Dim) -> None:
    """A bias, if given, has one number per channel."""
    if bias is not None:
        need_rank("bias", bias, 1)
        need_equal("the channels of the result and the size of `bias`", channels, bias.shape[0], at=["bias"])


def convolve(x: Array, weight: Array, *, stride: Sequence[int], pad: Sequence[tuple[int, int]],
             dilation: Sequence[int], groups: int) -> Array:
    """The cross-correlation of x: [N, C, *S] with weight: [O, C / groups, *kernel], as one product of matrices."""
    padded = np.pad(x, [(0, 0), (0, 0), *pad])
    view = windows(padded, weight.shape[2:], stride, dilation)
    count, spatial = x.shape[0], len(stride)
    out, features = view.shape[2:2 + spatial], weight.shape[0]
    grouped = view.reshape(count, groups, x.shape[1] // groups, *view.shape[2:])
    grouped = grouped.transpose(1, 0, *range(3, 3 + spatial), 2, *range(3 + spatial, 3 + 2 * spatial))
    columns = grouped.reshape(groups, count * int(np.prod(out)), weight[0].size)
    result = columns @ weight.reshape(groups, features // groups, -1).transpose(0, 2, 1)
    result = result.reshape(groups, count, *out, features // groups)
    order = (1, 0, result.ndim - 1, *range(2, 2 + spatial))
    return result.transpose(order).reshape(count, features, *out)


@operation
class Convolution(Primitive):
    """y[n, o, i] = sum over c, k of x[n, c, i * stride + k * dilation - before] * weight[o, c, k]; padded with zeros.

    The core of `conv1d`, `conv2d` and `conv3d`, for any number of spatial axes, without a bias. (A cross-correlation:
    the kernel is not mirrored.)
    x: [N, C, *S]; weight: [O, C / groups, *kernel] in every layout; y: [N, O, *T] with
    T = floor((S + before + after - dilation * (kernel - 1) - 1) / stride) + 1.
    groups: input and output channels are divided into this many independent convolutions.
    """

    spatial = True
    ulps = 32

    def complete(self, x: TensorType, weight: TensorType, **attributes: Any) -> dict[str, Any]:
        return resolved_pad(self.name, None, x, weight, stride=attributes["stride"], pad=attributes["pad"],
                            dilation=attributes["dilation"])

    def infer(self, x: Float, weight: Float, *, stride: Spatial = ONE, pad: Pad = ZERO, dilation: Spatial = ONE,
              groups: Int = 1, layout: Layout = "NCHW") -> TensorType:
        return convolved(self.name, x, weight, stride=stride, pad=pad, dilation=dilation, groups=groups, layout=layout)

    def macs(self, x: TensorType, weight: TensorType, **attributes: Any) -> Dim:
        return self.infer(x, weight, **attributes).size * product(weight.shape[1:])

    def evaluate(self, x: Array, weight: Array, *, layout: str, **attributes: Any) -> Array:
        wide = accumulator(x)
        y = convolve(to_channels_first(x, layout).astype(wide, copy=False), weight.astype(wide, copy=False),
                     **attributes)
        return from_channels_first(y.astype(x.dtype, copy=False), layout)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        assert isinstance(node, Apply)
        x, weight = node.operands
        assert x is not None
        assert weight is not None
        return [input_gradient(b, x, weight, g, **node.attributes),
                weight_gradient(b, x, weight, g, **node.attributes)]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 5]", "f32[4, 3, 2]")
        yield sample("f32[1, 4, 6, 5]", "f32[6, 2, 3, 2]", stride=[2, 1], pad=[[1, 2], [0, 1]], groups=2)
        yield sample("f32[1, 7, 6, 2]", "f32[3, 2, 3, 2]", stride=2, dilation=2, pad=1, layout="NHWC")
        yield sample("f32[1, 2, 4, 3, 4]", "f32[2, 2, 2, 3, 1]")


def input_gradient(b: Builder, x: Value, weight: Value, g: Value, *, stride: Sequence[int],
                   pad: Sequence[tuple[int, int]], dilation: Sequence[int], groups: int, layout: str) -> Value:
    """The gradient for x: the transposed convolution of g with the same weight, as large as x.

    Where sizes are named the remainder of the last stride is unknown; then the largest result is made and cut.
    """
    sizes = spatial_sizes(x.type, layout)
    exact = _remainders(sizes, weight.type.shape[2:], stride, pad, dilation)
    known = all(isinstance(r, int) for r in exact)
    output_pad = exact if known else [s - 1 for s in stride]
    result: Value = b.transposed_convolution(g, weight, stride=stride, pad=pad, output_pad=output_pad,
                                             dilation=dilation, groups=groups, layout=layout)
    return cut(b, result, spatial_axes(x.type.rank, layout), sizes)


def _remainders(sizes: Sequence[Dim], kernel: Sequence[Dim], stride: Sequence[int], pad: Sequence[tuple[int, int]],
                dilation: Sequence[int]) -> list[Dim]:
    """How many elements at the end of each padded axis no window reaches."""
    return [(n + before + after - d * (k - 1) - 1) % s
            for n, k, s, (before, after), d in zip(sizes, kernel, stride, pad, dilation, strict=True)]


def weight_gradient(b: Builder, x: Value, weight: Value, g: Value, *, stride: Sequence[int],
                    pad: Sequence[tuple[int, int]], dilation: Sequence[int], groups: int, layout: str) -> Value:
    """The gradient for the weight: x convolved with g, batch and channels swapped, stride and dilation swapped."""
    inputs = _channels_as_batch(b, x, groups, layout)
    kernels = _channels_as_batch(b, g, 1, layout)
    swapped: Value = b.convolution(inputs, kernels, stride=dilation, pad=pad, dilation=stride, groups=groups)
    axes = range(2, weight.type.rank)
    result: Value = b.transpose(cut(b, swapped, axes, weight.type.shape[2:]), axes=[1, 0, *axes])
    return result


def _channels_as_batch(b: Builder, x: Value, groups: int, layout: str) -> Value:
    """[N, C, *S] as [C / groups, groups * N, *S]."""
    rank = x.type.rank
    spatial = spatial_axes(rank, layout)
    swapped: Value = b.transpose(x, axes=[channel_axis(rank, layout), 0, *spatial])
    if groups == 1:
        return swapped
    channels, count, *sizes = swapped.type.shape
    split = b.reshape(swapped, shape=[groups, channels // groups, count, *sizes])
    split = b.transpose(split, axes=[1, 0, *range(2, rank + 1)])
    result: Value = b.reshape(split, shape=[channels // groups, groups * count, *sizes])
    return result


class ConvolutionLayer(Composite):
    """Base of `conv1d`, `conv2d`, `conv3d`: a convolution with a bias and other ways to pad."""

    axes: ClassVar[int]
    spatial = True
    ulps = 32

    def complete(self, x: TensorType, weight: TensorType, bias: TensorType | None, **attributes: Any) -> dict[str, Any]:
        return resolved_pad(self.name, self.axes, x, weight, stride=attributes["stride"], pad=attributes["pad"],
                            dilation=attributes["dilation"])

    def infer(self, x: Float, weight: Float, bias: Float | None = None, *, stride: Spatial = ONE, pad: Pad = ZERO,
              dilation: Spatial = ONE, groups: Int = 1, pad_mode: PadMode = "zeros",
              layout: Layout = "NCHW") -> TensorType:
        y = convolved(self.name, x, weight, stride=stride, pad=pad, dilation=dilation, groups=groups, layout=layout)
        need_bias(bias, weight.shape[0])
        need_pad_fits(self.name, spatial_sizes(x, layout), pad, pad_mode)
        return y

    def layer(self, x: TensorType, *, channels: Size, kernel: Spatial, groups: Int = 1, layout: Layout = "NCHW",
              bias: bool = True) -> dict[str, WeightSpec]:
        need_spatial(self.name, x, self.axes)
        window = each(self.name, "kernel", kernel, self.axes)
        need_at_least(self.name, 1, groups=groups, kernel=window, channels=channels)
        inputs = x.shape[channel_axis(x.rank, layout)]
        need_groups(self.name, "x", inputs, groups)
        init = fan_in_uniform(product([inputs // groups, *window]))
        weights = {"weight": WeightSpec(TensorType(x.dtype, (channels, inputs // groups, *window)), init)}
        if bias:
            weights["bias"] = WeightSpec(TensorType(x.dtype, (channels,)), init)
        return weights

    def sizes(self, weight: TensorType, bias: TensorType | None = None) -> dict[str, Any]:
        return {"channels": weight.shape[0], "kernel": weight.shape[2:], "bias": bias is not None}

    def body(self, b: Builder, x: Value, weight: Value, bias: Value | None, *, pad: tuple[tuple[int, int], ...],
             pad_mode: str, layout: str, **attributes: Any) -> Value:
        if pad_mode != "zeros":
            x = pad_spatial(b, x, pad, layout, mode=pad_mode)
            pad = ((0, 0),) * self.axes
        y: Value = b.convolution(x, weight, pad=pad, layout=layout, **attributes)
        return y if bias is None else b.add(y, per_channel(b, bias, y.type.rank, layout))


def need_pad_fits(operation: str, sizes: Sequence[Dim], pad: Sequence[tuple[int, int]], mode: str) -> None:
    """Reflecting needs more elements than it pads, wrapping as many."""
    most = {"reflect": -1, "circular": 0}.get(mode)
    if most is None:
        return
    for size, pair in zip(sizes, pad, strict=True):
        need(not isinstance(size, int) or max(pair) <= size + most, f"`{operation}` cannot pad this much by {mode}",
             expected=f"padding of at most {size + most}", found=str(list(pair)), at=["pad"], code="E0213")


@operation
class Conv1d(ConvolutionLayer):
    """The convolution over one spatial axis, plus a bias for each output channel; see `convolution`.

    x: [N, C, W]; weight: [O, C / groups, kernel]; bias: [O]; y: [N, O, floor((W + pad - extent) / stride) + 1], where
    extent = dilation * (kernel - 1) + 1.
    As a layer: `conv1d(64, kernel=3)` owns `weight` and `bias`, drawn from U(-1/sqrt(n), 1/sqrt(n)) with
    n = C / groups * kernel; `bias=false` leaves the bias out.
    pad_mode: what stands outside of x: zeros, or x reflected (without its edge), its edge replicated, or x again.
    """

    axes = 1

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 6]", "f32[4, 3, 3]", "f32[4]")
        yield sample("f32[2, 4, 7]", "f32[4, 2, 3]", None, stride=2, pad=[[2, 1]], groups=2)
        yield sample("f32[1, 6, 3]", "f32[2, 3, 2]", "f32[2]", dilation=3, layout="NHWC")
        yield sample("f32[1, 2, 5]", "f32[2, 2, 3]", "f32[2]", pad="same", pad_mode="circular")
        yield sample("f64[1, 2, 5]", "f64[2, 2, 3]", "f64[2]", pad=2, stride=3)


@operation
class Conv2d(ConvolutionLayer):
    """The convolution over two spatial axes, plus a bias for each output channel; see `convolution`.

    x: [N, C, H, W]; weight: [O, C / groups, *kernel]; bias: [O]; y: [N, O, H', W'] with
    H' = floor((H + pad - extent) / stride) + 1, where extent = dilation * (kernel - 1) + 1.
    As a layer: `conv2d(64, kernel=3)` owns `weight` and `bias`, drawn from U(-1/sqrt(n), 1/sqrt(n)) with
    n = C / groups * the kernel's size; `bias=false` leaves the bias out. Depthwise: `groups=C`.
    pad_mode: what stands outside of x: zeros, or x reflected (without its edge), its edge replicated, or x again.
    """

    axes = 2

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 6, 5]", "f32[4, 3, 3, 3]", "f32[4]")
        yield sample("f32[1, 3, 6, 5]", "f32[4, 3, 3, 2]", None, stride=[2, 1], pad=[1, 0])
        yield sample("f32[1, 2, 6, 5]", "f32[3, 2, 3, 2]", "f32[3]", pad=[[2, 1], [0, 1]], stride=2)
        yield sample("f32[2, 4, 7, 6]", "f32[4, 1, 3, 3]", "f32[4]", groups=4, pad="same")
        yield sample("f32[1, 4, 7, 8]", "f32[6, 2, 2, 3]", "f32[6]", groups=2, dilation=[1, 3], pad=[[0, 0], [1, 2]])
        yield sample("f32[2, 6, 5, 3]", "f32[4, 3, 3, 3]", "f32[4]", pad=1, stride=2, layout="NHWC")
        yield sample("f32[1, 6, 5, 4]", "f32[8, 1, 3, 2]", None, groups=4, dilation=2, pad=2, layout="NHWC")
        for mode in ("reflect", "replicate", "circular"):
            yield sample("f32[1, 2, 5, 4]", "f32[3, 2, 3, 3]", "f32[3]", pad=[[1, 2], [2, 0]], pad_mode=mode)
        yield sample("f32[1, 5, 4, 2]", "f32[3, 2, 3, 3]", None, pad=1, pad_mode="reflect", layout="NHWC")
        yield sample("f64[1, 2, 5, 4]", "f64[3, 2, 1, 1]", "f64[3]", stride=2)


@operation
class Conv3d(ConvolutionLayer):
    """The convolution over three spatial axes, plus a bias for each output channel; see `convolution`.

    x: [N, C, D, H, W]; weight: [O, C / groups, *kernel]; bias: [O]; y: [N, O, D', H', W'] with
    D' = floor((D + pad - extent) / stride) + 1, where extent = dilation * (kernel - 1) + 1.
    As a layer: `conv3d(64, kernel=3)` owns `weight` and `bias`, drawn from U(-1/sqrt(n), 1/sqrt(n)) with
    n = C / groups * the kernel's size; `bias=false` leaves the bias out.
    pad_mode: what stands outside of x: zeros, or x reflected (without its edge), its edge replicated, or x again.
    """

    axes = 3

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[1, 2, 4, 5, 4]", "f32[3, 2, 2, 3, 2]", "f32[3]")
        yield sample("f32[1, 2, 4, 5, 4]", "f32[2, 1, 3, 3, 3]", None, groups=2, pad=1, stride=[1, 2, 2])
        yield sample("f32[1, 4, 5, 4, 2]", "f32[2, 2, 2, 2, 2]", "f32[2]", dilation=[1, 2, 1],
                     pad=[[0, 1], [1, 1], [2, 0]], layout="NHWC")
        yield sample("f32[1, 2, 4, 5, 4]", "f32[2, 2, 2, 3, 2]", None, pad=1, pad_mode="replicate")
