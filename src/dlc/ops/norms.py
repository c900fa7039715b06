"""Normalisation: over the batch, over features, over groups of channels, over a neighbourhood, to unit length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dlc.ir.attributes import Axis, Int, Layout, Real
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Initializer, Sample, WeightSpec, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import need, need_equal, need_rank, same_dtype
from dlc.ops.spatial import channel_axis, need_at_least, need_spatial, pad_channels, per_channel, spatial_axes

ZEROS, ONES = Initializer("zeros"), Initializer("ones")


def need_channels(operation: str, x: TensorType, layout: str) -> Dim:
    """The number of channels of [N, C] or of a spatial tensor."""
    need(x.rank >= 2, f"`{operation}` takes a tensor with channels", expected="rank 2 or more: batch, channels",
         found=f"rank {x.rank}: {x}", at=["x"], code="E0222")
    return x.shape[channel_axis(x.rank, layout)]


def need_eps(operation: str, eps: float) -> None:
    """eps is added to something that is not negative."""
    need(eps >= 0, f"`{operation}` cannot take this as `eps`", expected="0 or more", found=str(eps), at=["eps"],
         code="E0213")


def need_parameters(x: TensorType, shape: Sequence[Dim], **parameters: TensorType | None) -> None:
    """Parameters that are given have x's element type and this shape."""
    for name, t in parameters.items():
        if t is None:
            continue
        same_dtype(x=x, **{name: t})
        need_rank(name, t, len(shape))
        for size, found in zip(shape, t.shape, strict=True):
            need_equal(f"the normalised size of `x` and the size of `{name}`", size, found, at=["x", name])


def scale_and_shift(dtype: TensorType, shape: Sequence[Dim], weight: bool, bias: bool) -> dict[str, WeightSpec]:
    """A weight of ones and a bias of zeros, where wanted."""
    t = dtype.with_shape(*shape)
    specs = {"weight": WeightSpec(t, ONES), "bias": WeightSpec(t, ZEROS)}
    return {name: spec for name, spec in specs.items() if {"weight": weight, "bias": bias}[name]}


def affine(b: Builder, y: Value, weight: Value | None, bias: Value | None) -> Value:
    """y * weight + bias, for those that are given."""
    y = y if weight is None else b.mul(y, weight)
    return y if bias is None else b.add(y, bias)


def standardize(b: Builder, x: Value, axis: Sequence[int], eps: float) -> Value:
    """(x - mean) / sqrt(variance + eps) over some axes, with the biased variance."""
    centered = b.sub(x, b.mean(x, axis=axis, keepdims=True))
    variance = b.mean(b.mul(centered, centered), axis=axis, keepdims=True)
    result: Value = b.mul(centered, b.rsqrt(b.add(variance, eps)))
    return result


def _channels(b: Builder, parameter: Value | None, rank: int, layout: str) -> Value | None:
    return None if parameter is None else per_channel(b, parameter, rank, layout)


@operation
class BatchNorm(Composite):
    """y = (x - running_mean) / sqrt(running_var + eps) * weight + bias, for each channel.

    x: [N, C] or [N, C, *S]; all parameters: [C]. This is the meaning in evaluation. In training the statistics are
    those of the batch (the biased variance), and the running ones move by
    `new = (1 - momentum) * old + momentum * batch`, PyTorch's convention; Keras writes 1 - momentum for it.
    PyTorch puts the unbiased variance of the batch into running_var, Keras the biased one.
    As a layer: `batch_norm` owns `weight` (ones), `bias` (zeros), and the state `running_mean` (zeros) and
    `running_var` (ones); `affine=false` leaves weight and bias out.
    """

    spatial = True
    ulps = 16

    def infer(self, x: Float, running_mean: Float, running_var: Float, weight: Float | None = None,
              bias: Float | None = None, *, eps: Real = 1e-5, momentum: Real = 0.1,
              layout: Layout = "NCHW") -> TensorType:
        need_eps(self.name, eps)
        need(0 <= momentum <= 1, f"`{self.name}` cannot take this as `momentum`", expected="a number from 0 to 1",
             found=str(momentum), at=["momentum"], code="E0213", hint="it is the share of the new batch, as in PyTorch")
        channels = need_channels(self.name, x, layout)
        need_parameters(x, [channels], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
        return x

    def layer(self, x: TensorType, *, affine: bool = True, layout: Layout = "NCHW") -> dict[str, WeightSpec]:
        shape = [need_channels(self.name, x, layout)]
        t = x.with_shape(*shape)
        return {**scale_and_shift(x, shape, affine, affine), "running_mean": WeightSpec(t, ZEROS, state=True),
                "running_var": WeightSpec(t, ONES, state=True)}

    def sizes(self, weight: TensorType | None = None) -> dict[str, Any]:
        return {"affine": weight is not None}

    def body(self, b: Builder, x: Value, running_mean: Value, running_var: Value, weight: Value | None,
             bias: Value | None, *, eps: float, momentum: float, layout: str) -> Value:
        rank = x.type.rank
        scale = b.rsqrt(b.add(running_var, eps))
        scale = scale if weight is None else b.mul(scale, weight)
        y: Value = b.mul(b.sub(x, per_channel(b, running_mean, rank, layout)), per_channel(b, scale, rank, layout))
        return affine(b, y, None, _channels(b, bias, rank, layout))

    def samples(self) -> Iterable[Sample]:
        variance = Arg("f32[3]", 0.5, 2.0)
        yield sample("f32[2, 3, 4, 5]", "f32[3]", variance, "f32[3]", "f32[3]")
        yield sample("f32[2, 3, 4]", "f32[3]", variance, None, None, eps=1e-3)
        yield sample("f32[4, 3]", "f32[3]", variance, "f32[3]", "f32[3]", momentum=0.01)
        yield sample("f32[2, 4, 5, 3]", "f32[3]", variance, "f32[3]", "f32[3]", layout="NHWC")
        yield sample("f32[1, 3, 2, 3, 2]", "f32[3]", variance, "f32[3]", None)


@operation
class LayerNorm(Composite):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias, over the last `axes` axes of each element.

    x: [..., *normalised]; weight, bias: [*normalised]. The variance is the biased one (Ba et al., 2016).
    As a layer: `layer_norm` owns `weight` (ones) and `bias` (zeros); `weight=false` or `bias=false` leaves one out.
    """

    ulps = 16

    def infer(self, x: Float, weight: Float | None = None, bias: Float | None = None, *, axes: Int = 1,
              eps: Real = 1e-5) -> TensorType:
        need_eps(self.name, eps)
        need_parameters(x, _last(self.name, x, axes), weight=weight, bias=bias)
        return x

    def layer(self, x: TensorType, *, axes: Int = 1, weight: bool = True, bias: bool = True) -> dict[str, WeightSpec]:
        return scale_and_shift(x, _last(self.name, x, axes), weight, bias)

    def sizes(self, weight: TensorType | None = None, bias: TensorType | None = None) -> dict[str, Any]:
        return {"weight": weight is not None, "bias": bias is not None}

    def body(self, b: Builder, x: Value, weight: Value | None, bias: Value | None, *, axes: int, eps: float) -> Value:
        return affine(b, standardize(b, x, range(x.type.rank - axes, x.type.rank), eps), weight, bias)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 8]", "f32[8]", "f32[8]")
        yield sample("f32[2, 3, 8]", "f32[8]", None, eps=1e-3)
        yield sample("f32[2, 3, 4]", "f32[3, 4]", "f32[3, 4]", axes=2)
        yield sample("f32[6]", None, None)
        yield sample("f32[4, 6]", None, "f32[6]")


def _last(operation: str, x: TensorType, axes: int) -> tuple[Dim, ...]:
    """The sizes of the last `axes` axes."""
    need(1 <= axes <= x.rank, f"`{operation}` cannot normalise {axes} axes of this tensor", at=["axes"], code="E0213",
         expected=f"1 to {x.rank} axes" if x.rank else "a tensor with axes", found=f"{axes} of {x}")
    return x.shape[x.rank - axes:]


@operation
class RmsNorm(Composite):
    """y = x / sqrt(mean(x²) + eps) * weight, over the last `axes` axes of each element (Zhang and Sennrich, 2019).

    x: [..., *normalised]; weight: [*normalised].
    As a layer: `rms_norm` owns `weight` (ones); `weight=false` leaves it out.
    """

    ulps = 16

    def infer(self, x: Float, weight: Float | None = None, *, axes: Int = 1, eps: Real = 1e-6) -> TensorType:
        need_eps(self.name, eps)
        need_parameters(x, _last(self.name, x, axes), weight=weight)
        return x

    def layer(self, x: TensorType, *, axes: Int = 1, weight: bool = True) -> dict[str, WeightSpec]:
        return scale_and_shift(x, _last(self.name, x, axes), weight, False)

    def sizes(self, weight: TensorType | None = None) -> dict[str, Any]:
        return {"weight": weight is not None}

    def body(self, b: Builder, x: Value, weight: Value | None, *, axes: int, eps: float) -> Value:
        last = range(x.type.rank - axes, x.type.rank)
        square = b.mean(b.mul(x, x), axis=last, keepdims=True)
        return affine(b, b.mul(x, b.rsqrt(b.add(square, eps))), weight, None)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 8]", "f32[8]")
        yield sample("f32[2, 3, 4]", "f32[3, 4]", axes=2, eps=1e-5)
        yield sample("f32[6]", None)


@operation
class GroupNorm(Composite):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias, over each group of channels and all spatial axes.

    x: [N, C] or [N, C, *S]; weight, bias: [C]; `groups` divides C (Wu and He, 2018).
    As a layer: `group_norm(8)` owns `weight` (ones) and `bias` (zeros); `affine=false` leaves both out.
    """

    spatial = True
    ulps = 16
    positional = ("groups",)

    def infer(self, x: Float, weight: Float | None = None, bias: Float | None = None, *, groups: Int,
              eps: Real = 1e-5, layout: Layout = "NCHW") -> TensorType:
        need_at_least(self.name, 1, groups=groups)
        need_eps(self.name, eps)
        channels = need_channels(self.name, x, layout)
        need(channels % groups == 0, "the channels of `x` cannot be divided into the groups of `group_norm`",
             expected=f"a multiple of {groups}", found=str(channels), at=["x", "groups"], code="E0230")
        need_parameters(x, [channels], weight=weight, bias=bias)
        return x

    def layer(self, x: TensorType, *, affine: bool = True, layout: Layout = "NCHW") -> dict[str, WeightSpec]:
        return scale_and_shift(x, [need_channels(self.name, x, layout)], affine, affine)

    def sizes(self, weight: TensorType | None = None) -> dict[str, Any]:
        return {"affine": weight is not None}

    def body(self, b: Builder, x: Value, weight: Value | None, bias: Value | None, *, groups: int, eps: float,
             layout: str) -> Value:
        rank, shape = x.type.rank, x.type.shape
        axis = channel_axis(rank, layout)
        split = b.reshape(x, shape=[*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1:]])
        y = b.reshape(standardize(b, split, [a for a in range(1, rank + 1) if a != axis], eps), shape=shape)
        return affine(b, y, _channels(b, weight, rank, layout), _channels(b, bias, rank, layout))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 4, 3, 5]", "f32[4]", "f32[4]", groups=2)
        yield sample("f32[2, 6, 5]", None, None, groups=3, eps=1e-3)
        yield sample("f32[3, 4]", "f32[4]", "f32[4]", groups=2)
        yield sample("f32[2, 3, 5, 4]", "f32[4]", "f32[4]", groups=2, layout="NHWC")
        yield sample("f32[1, 4, 2, 3, 2]", "f32[4]", "f32[4]", groups=1)


@operation
class InstanceNorm(Composite):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias, over the spatial axes of each channel of each element.

    x: [N, C, *S]; weight, bias: [C].
    As a layer: `instance_norm` owns nothing; `affine=true` gives it `weight` (ones) and `bias` (zeros).
    """

    spatial = True
    ulps = 16

    def infer(self, x: Float, weight: Float | None = None, bias: Float | None = None, *, eps: Real = 1e-5,
              layout: Layout = "NCHW") -> TensorType:
        need_spatial(self.name, x)
        need_eps(self.name, eps)
        need_parameters(x, [x.shape[channel_axis(x.rank, layout)]], weight=weight, bias=bias)
        return x

    def layer(self, x: TensorType, *, affine: bool = False, layout: Layout = "NCHW") -> dict[str, WeightSpec]:
        return scale_and_shift(x, [need_channels(self.name, x, layout)], affine, affine)

    def sizes(self, weight: TensorType | None = None) -> dict[str, Any]:
        return {"affine": weight is not None}

    def body(self, b: Builder, x: Value, weight: Value | None, bias: Value | None, *, eps: float,
             layout: str) -> Value:
        rank = x.type.rank
        y = standardize(b, x, spatial_axes(rank, layout), eps)
        return affine(b, y, _channels(b, weight, rank, layout), _channels(b, bias, rank, layout))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4, 5]", "f32[3]", "f32[3]")
        yield sample("f32[2, 3, 6]", None, None, eps=1e-3)
        yield sample("f32[2, 4, 5, 3]", "f32[3]", "f32[3]", layout="NHWC")


@operation
class LocalResponseNorm(Composite):
    """y = x / (k + alpha / size * s)^beta, where s sums x² over `size` neighbouring channels, zeros outside.

    x: [N, C, *S]. The neighbourhood of channel c goes from c - floor(size / 2) to c + floor((size - 1) / 2), as in
    PyTorch (Krizhevsky et al., 2012).
    """

    spatial = True
    ulps = 16
    positional = ("size",)

    def infer(self, x: Float, *, size: Int, alpha: Real = 1e-4, beta: Real = 0.75, k: Real = 1.0,
              layout: Layout = "NCHW") -> TensorType:
        need_spatial(self.name, x)
        need_at_least(self.name, 1, size=size)
        return x

    def body(self, b: Builder, x: Value, *, size: int, alpha: float, beta: float, k: float, layout: str) -> Value:
        axis = channel_axis(x.type.rank, layout)
        channels = x.type.shape[axis]
        padded = pad_channels(b, b.mul(x, x), (size // 2, (size - 1) // 2), layout)
        total: Value = b.slice(padded, starts=[0], stops=[channels], axes=[axis], inside=True)
        for i in range(1, size):
            total = b.add(total, b.slice(padded, starts=[i], stops=[channels + i], axes=[axis], inside=True))
        result: Value = b.div(x, b.pow(b.add(b.mul(total, alpha / size), k), beta))
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 7, 3, 4]", size=5)
        yield sample("f32[2, 6, 5]", size=2, alpha=0.5, beta=0.5, k=2)
        yield sample("f32[2, 3, 4, 7]", size=3, alpha=0.1, layout="NHWC")


@operation
class Normalize(Composite):
    """x / max(norm(x), eps) along `axis`, with the p-norm: vectors of unit length."""

    axis_attributes = ("axis",)
    ulps = 16

    def infer(self, x: Float, *, axis: Axis = -1, p: Real = 2.0, eps: Real = 1e-12) -> TensorType:
        need(x.rank >= 1, "`normalize` needs a tensor with an axis", expected="rank 1 or more", found=str(x), at=["x"],
             code="E0222")
        need(p > 0, "`normalize` needs a positive `p`", expected="more than 0", found=str(p), at=["p"], code="E0213")
        return x

    def body(self, b: Builder, x: Value, *, axis: int, p: float, eps: float) -> Value:
        if p == 2.0:
            length = b.sqrt(b.sum(b.mul(x, x), axis=axis, keepdims=True))
        else:
            length = b.pow(b.sum(b.pow(b.abs(x), p), axis=axis, keepdims=True), 1.0 / p)
        result: Value = b.div(x, b.maximum(length, eps))
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 5]")
        yield sample("f32[2, 3, 5]", axis=1, p=1)
        yield sample("f32[4]", p=3, eps=1e-3)
