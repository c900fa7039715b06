"""Transposed convolutions: the maps that go from the outputs of a convolution back to the size of its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product as combinations
from typing import Any, ClassVar

import numpy as np

from dlc.ir.attributes import Int, Layout, Pad, Size, Spatial
from dlc.ir.build import Builder
from dlc.ir.dim import Answer, Dim, at_most, product
from dlc.ir.graph import Apply, Node, Value
from dlc.ir.op import Composite, Float, Primitive, Problem, Sample, WeightSpec, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.convolution import need_bias, need_groups, resolved_pad, weight_gradient
from dlc.ops.dense import fan_in_uniform
from dlc.ops.rules import need_equal, same_dtype
from dlc.ops.spatial import (
    ONE,
    ZERO,
    accumulator,
    channel_axis,
    cut,
    each,
    extent,
    from_channels_first,
    need_at_least,
    need_spatial,
    per_channel,
    spatial_axes,
    spatial_sizes,
    to_channels_first,
    with_spatial,
)


def transposed(operation: str, x: TensorType, weight: TensorType, *, stride: Sequence[int],
               pad: Sequence[tuple[int, int]], output_pad: Sequence[int], dilation: Sequence[int], groups: int,
               layout: str) -> TensorType:
    """The type of a transposed convolution without bias."""
    same_dtype(x=x, weight=weight)
    need_at_least(operation, 1, groups=groups)
    need_at_least(operation, 0, output_pad=output_pad)
    inputs = x.shape[channel_axis(x.rank, layout)]
    need_equal("the channels of `x` and the channels that `weight` takes", inputs, weight.shape[0], at=["x", "weight"])
    need_groups(operation, "x", inputs, groups)
    sizes = [_size(operation, n, k, s, p, o, d) for n, k, s, p, o, d in zip(
        spatial_sizes(x, layout), weight.shape[2:], stride, pad, output_pad, dilation, strict=True)]
    return with_spatial(x, layout, weight.shape[1] * groups, sizes)


def _size(operation: str, size: Dim, kernel: Dim, stride: int, pad: tuple[int, int], output_pad: int,
          dilation: int) -> Dim:
    if output_pad >= max(stride, dilation):
        raise Problem(f"`{operation}` cannot take this as `output_pad`", at=["output_pad"], code="E0213",
                      expected=f"less than the stride or the dilation: at most {max(stride, dilation) - 1}",
                      found=str(output_pad))
    result = (size - 1) * stride - pad[0] - pad[1] + extent(kernel, dilation) + output_pad
    if at_most(1, result) is Answer.NO:
        raise Problem(f"the result of `{operation}` would be empty", at=["pad"], code="E0230",
                      expected="padding smaller than the result", found=f"padding {list(pad)}, size {result}")
    return result


def overlap_add(x: Array, weight: Array, *, stride: Sequence[int], pad: Sequence[tuple[int, int]],
                output_pad: Sequence[int], dilation: Sequence[int], groups: int) -> Array:
    """Every element of x: [N, C, *S] adds a scaled kernel of weight: [C, O / groups, *kernel] to the result."""
    count, channels, *sizes = x.shape
    kernel = weight.shape[2:]
    grouped = x.reshape(count, groups, channels // groups, -1)
    parts = weight.reshape(groups, channels // groups, -1).transpose(0, 2, 1) @ grouped
    parts = parts.reshape(count, groups * weight.shape[1], *kernel, *sizes)
    full = [max((n - 1) * s + d * (k - 1) + 1, 0) for n, s, d, k in zip(sizes, stride, dilation, kernel, strict=True)]
    y = np.zeros((count, groups * weight.shape[1], *full), x.dtype)
    for tap in combinations(*map(range, kernel)):
        place = tuple(slice(t * d, t * d + (n - 1) * s + 1, s)
                      for t, d, n, s in zip(tap, dilation, sizes, stride, strict=True))
        index: Any = (slice(None), slice(None), *tap)
        y[(slice(None), slice(None), *place)] += parts[index]
    ends = [n - after + o for n, (_, after), o in zip(full, pad, output_pad, strict=True)]
    beyond = [(0, max(end - n, 0)) for end, n in zip(ends, full, strict=True)]
    cut = tuple(slice(before, end) for (before, _), end in zip(pad, ends, strict=True))
    return np.pad(y, [(0, 0), (0, 0), *beyond])[(slice(None), slice(None), *cut)]


@operation
class TransposedConvolution(Primitive):
    """y[n, o, i * stride + k * dilation - before] += x[n, c, i] * weight[c, o, k], over all c, i and k.

    The core of `conv_transpose1d`, `conv_transpose2d` and `conv_transpose3d`, for any number of spatial axes, without
    a bias; the gradient of `convolution` for its input.
    x: [N, C, *S]; weight: [C, O / groups, *kernel] in every layout; y: [N, O, *T] with
    T = (S - 1) * stride - before - after + dilation * (kernel - 1) + output_pad + 1.
    pad: what is cut from both ends. output_pad: elements more at the end, less than the stride or the dilation.
    """

    spatial = True
    ulps = 32

    def complete(self, x: TensorType, weight: TensorType, **attributes: Any) -> dict[str, Any]:
        return resolved_pad(self.name, None, x, weight, stride=attributes["stride"], pad=attributes["pad"],
                            dilation=attributes["dilation"])

    def infer(self, x: Float, weight: Float, *, stride: Spatial = ONE, pad: Pad = ZERO, output_pad: Spatial = ZERO,
              dilation: Spatial = ONE, groups: Int = 1, layout: Layout = "NCHW") -> TensorType:
        return transposed(self.name, x, weight, stride=stride, pad=pad, output_pad=output_pad, dilation=dilation,
                          groups=groups, layout=layout)

    def macs(self, x: TensorType, weight: TensorType, **attributes: Any) -> Dim:
        return x.size * product(weight.shape[1:])

    def evaluate(self, x: Array, weight: Array, *, layout: str, **attributes: Any) -> Array:
        wide = accumulator(x)
        y = overlap_add(to_channels_first(x, layout).astype(wide, copy=False), weight.astype(wide, copy=False),
                        **attributes)
        return from_channels_first(y.astype(x.dtype, copy=False), layout)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        assert isinstance(node, Apply)
        x, weight = node.operands
        assert x is not None
        assert weight is not None
        attributes = {k: v for k, v in node.attributes.items() if k != "output_pad"}
        layout = node.attributes["layout"]
        # As in a convolution with x and g in each other's place: g has the larger size.
        back = cut(b, b.convolution(g, weight, **attributes), spatial_axes(x.type.rank, layout),
                   spatial_sizes(x.type, layout))
        return [back, weight_gradient(b, g, weight, x, **attributes)]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 5]", "f32[3, 4, 2]")
        yield sample("f32[1, 4, 4, 3]", "f32[4, 3, 3, 2]", stride=[2, 1], pad=[[1, 2], [0, 1]], groups=2,
                     output_pad=[1, 0])
        yield sample("f32[1, 4, 3, 2]", "f32[2, 3, 3, 2]", stride=2, dilation=2, pad=1, layout="NHWC")
        yield sample("f32[1, 2, 3, 2, 3]", "f32[2, 2, 2, 3, 1]", stride=2, output_pad=1)


class TransposedLayer(Composite):
    """Base of `conv_transpose1d`, `conv_transpose2d`, `conv_transpose3d`."""

    axes: ClassVar[int]
    spatial = True
    ulps = 32

    def complete(self, x: TensorType, weight: TensorType, bias: TensorType | None, **attributes: Any) -> dict[str, Any]:
        return resolved_pad(self.name, self.axes, x, weight, stride=attributes["stride"], pad=attributes["pad"],
                            dilation=attributes["dilation"])

    def infer(self, x: Float, weight: Float, bias: Float | None = None, *, stride: Spatial = ONE, pad: Pad = ZERO,
              output_pad: Spatial = ZERO, dilation: Spatial = ONE, groups: Int = 1,
              layout: Layout = "NCHW") -> TensorType:
        y = transposed(self.name, x, weight, stride=stride, pad=pad, output_pad=output_pad, dilation=dilation,
                       groups=groups, layout=layout)
        need_bias(bias, weight.shape[1] * groups)
        return y

    def layer(self, x: TensorType, *, channels: Size, kernel: Spatial, groups: Int = 1, layout: Layout = "NCHW",
              bias: bool = True) -> dict[str, WeightSpec]:
        need_spatial(self.name, x, self.axes)
        window = each(self.name, "kernel", kernel, self.axes)
        need_at_least(self.name, 1, groups=groups, kernel=window, channels=channels)
        inputs = x.shape[channel_axis(x.rank, layout)]
        need_groups(self.name, "x", inputs, groups)
        need_groups(self.name, "channels", channels, groups)
        init = fan_in_uniform(product([channels // groups, *window]))
        weights = {"weight": WeightSpec(TensorType(x.dtype, (inputs, channels // groups, *window)), init)}
        if bias:
            weights["bias"] = WeightSpec(TensorType(x.dtype, (channels,)), init)
        return weights

    def sizes(self, weight: TensorType, bias: TensorType | None = None, *, groups: int = 1) -> dict[str, Any]:
        return {"channels": weight.shape[1] * groups, "kernel": weight.shape[2:], "bias": bias is not None}

    def body(self, b: Builder, x: Value, weight: Value, bias: Value | None, *, layout: str, **attributes: Any) -> Value:
        y: Value = b.transposed_convolution(x, weight, layout=layout, **attributes)
        return y if bias is None else b.add(y, per_channel(b, bias, y.type.rank, layout))


@operation
class ConvTranspose1d(TransposedLayer):
    """The transposed convolution over one spatial axis, plus a bias; see `transposed_convolution`.

    x: [N, C, W]; weight: [C, O / groups, kernel]; bias: [O]; y: [N, O, (W - 1) * stride - pad + extent + output_pad]
    with extent = dilation * (kernel - 1) + 1 and pad the sum of both sides.
    As a layer: `conv_transpose1d(64, kernel=3)` owns `weight` and `bias`, drawn from U(-1/sqrt(n), 1/sqrt(n)) with
    n = O / groups * kernel; `bias=false` leaves the bias out.
    """

    axes = 1

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 5]", "f32[3, 4, 3]", "f32[4]")
        yield sample("f32[2, 4, 5]", "f32[4, 2, 3]", None, stride=3, pad=[[0, 1]], groups=2, output_pad=2)
        yield sample("f32[1, 5, 3]", "f32[3, 2, 2]", "f32[2]", dilation=3, layout="NHWC")


@operation
class ConvTranspose2d(TransposedLayer):
    """The transposed convolution over two spatial axes, plus a bias; see `transposed_convolution`.

    x: [N, C, H, W]; weight: [C, O / groups, *kernel]; bias: [O]; y: [N, O, H', W'] with
    H' = (H - 1) * stride - pad + extent + output_pad, extent = dilation * (kernel - 1) + 1, pad the sum of both sides.
    As a layer: `conv_transpose2d(64, kernel=3)` owns `weight` and `bias`, drawn from U(-1/sqrt(n), 1/sqrt(n)) with
    n = O / groups * the kernel's size; `bias=false` leaves the bias out.
    """

    axes = 2

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4, 5]", "f32[3, 4, 3, 3]", "f32[4]")
        yield sample("f32[1, 3, 4, 5]", "f32[3, 2, 4, 4]", "f32[2]", stride=2, pad=1)
        yield sample("f32[1, 4, 4, 3]", "f32[4, 1, 3, 2]", None, stride=[2, 3], pad=[[1, 0], [0, 1]], groups=4,
                     output_pad=[1, 2])
        yield sample("f32[1, 4, 3, 4]", "f32[4, 3, 3, 2]", "f32[6]", groups=2, dilation=[2, 1], stride=2, output_pad=1)
        yield sample("f32[2, 3, 4, 3]", "f32[3, 2, 3, 3]", "f32[2]", stride=2, pad=1, output_pad=1, layout="NHWC")
        yield sample("f64[1, 2, 3, 4]", "f64[2, 3, 2, 2]", "f64[3]", stride=2)


@operation
class ConvTranspose3d(TransposedLayer):
    """The transposed convolution over three spatial axes, plus a bias; see `transposed_convolution`.

    x: [N, C, D, H, W]; weight: [C, O / groups, *kernel]; bias: [O]; y: [N, O, D', H', W'] with
    D' = (D - 1) * stride - pad + extent + output_pad, extent = dilation * (kernel - 1) + 1, pad the sum of both sides.
    As a layer: `conv_transpose3d(64, kernel=3)` owns `weight` and `bias`, drawn from U(-1/sqrt(n), 1/sqrt(n)) with
    n = O / groups * the kernel's size; `bias=false` leaves the bias out.
    """

    axes = 3

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[1, 2, 3, 2, 3]", "f32[2, 3, 2, 3, 2]", "f32[3]")
        yield sample("f32[1, 2, 3, 2, 3]", "f32[2, 1, 3, 3, 3]", None, groups=2, pad=1, stride=[1, 2, 2],
                     output_pad=[0, 1, 0])
        yield sample("f32[1, 2, 3, 2, 2]", "f32[2, 2, 2, 2, 2]", "f32[2]", dilation=[1, 2, 1], layout="NHWC")
