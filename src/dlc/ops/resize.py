"""Spatial tensors made larger or smaller by interpolation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Annotated, Any

from dlc.ir.attributes import Bool, Kind, Layout, choice
from dlc.ir.build import Builder
from dlc.ir.dim import Dim, Expr
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Float, Problem, Sample, operation, sample
from dlc.ir.types import I64, TensorType
from dlc.ops.rules import need, size_value
from dlc.ops.spatial import channel_axis, need_spatial, spatial_axes, spatial_sizes, with_spatial


def _sizes(value: Any, rank: int) -> tuple[Dim, ...]:
    values = _spread(value, rank, "size")
    if any(isinstance(v, bool) or not isinstance(v, (int, Expr)) for v in values):
        raise ValueError("a size or a list of sizes, one for each spatial axis")
    return values


def _factors(value: Any, rank: int) -> tuple[float, ...]:
    values = _spread(value, rank, "number")
    if any(isinstance(v, bool) or not isinstance(v, (int, float)) or v <= 0 for v in values):
        raise ValueError("a positive number or a list of them, one for each spatial axis")
    return tuple(map(float, values))


def _spread(value: Any, rank: int, what: str) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,) * (rank - 2)
    if len(values) != rank - 2:
        raise ValueError(f"one {what} or a list of {rank - 2} (one for each spatial axis)")
    return values


SpatialSizes = Annotated[tuple[Dim, ...], Kind("size | size[]", _sizes)]
Factors = Annotated[tuple[float, ...], Kind("float | float[]", _factors)]
Mode = Annotated[str, choice("nearest", "nearest_exact", "linear", "bilinear", "trilinear", "cubic", "bicubic")]
CANONICAL = {"bilinear": ("linear", 2), "trilinear": ("linear", 3), "bicubic": ("cubic", 2)}


def resized(x: TensorType, size: Sequence[Dim] | None, scale: Sequence[float] | None, layout: str) -> tuple[Dim, ...]:
    """The new sizes of the spatial axes: those given, or floor(old * scale)."""
    if size is not None:
        return tuple(size)
    assert scale is not None
    factors = [Fraction(s).limit_denominator(1 << 20) for s in scale]
    return tuple(n * f.numerator // f.denominator for n, f in zip(spatial_sizes(x, layout), factors, strict=True))


@operation
class Resize(Composite):
    """x resampled to other spatial sizes: `size`, or floor(n * scale).

    x: [N, C, *S]; y: [N, C, *T]. Output i of m along an axis of n elements lies at the place p of the input:
    (i + 1/2) n / m - 1/2, or with `align_corners` i (n - 1) / (m - 1). The ratio is that of the sizes, also where
    `scale` is given (PyTorch's `recompute_scale_factor=True`).
    mode: "nearest" takes element floor(i n / m); "nearest_exact" floor((i + 1/2) n / m), which is what Keras calls
    nearest; "linear" weighs the two neighbours of p; "cubic" the four neighbours, by Keys' polynomial with a = -0.75
    as in PyTorch (Keras has -0.5). "bilinear", "trilinear", "bicubic" are other names for these. Neighbours beyond the
    border are the border.
    """

    spatial = True
    ulps = 16
    positional = ("size",)

    def complete(self, x: TensorType, *, size: tuple[Dim, ...] | None, scale: tuple[float, ...] | None, mode: str,
                 **attributes: Any) -> dict[str, Any]:
        need_spatial(self.name, x)
        if (size is None) == (scale is None):
            raise Problem("`resize` takes either `size` or `scale`", expected="one of them",
                          found="neither" if size is None else "both", at=["size", "scale"], code="E0212")
        if mode not in CANONICAL:
            return {}
        mode, axes = CANONICAL[mode]
        need(x.rank == axes + 2, f"this `mode` is for {axes} spatial axes", expected=f"rank {axes + 2}", at=["mode"],
             found=f"rank {x.rank}: {x}", hint=f'`mode="{mode}"` is for any number of them', code="E0213")
        return {"mode": mode}

    def infer(self, x: Float, *, size: SpatialSizes | None = None, scale: Factors | None = None, mode: Mode = "nearest",
              align_corners: Bool = False, layout: Layout = "NCHW") -> TensorType:
        need(not align_corners or not mode.startswith("nearest"), '`align_corners` has no meaning with this `mode`',
             expected='mode="linear" or "cubic"', found=mode, at=["align_corners"], code="E0213")
        sizes = resized(x, size, scale, layout)
        need(all(not isinstance(n, int) or n >= 1 for n in sizes), "the result of `resize` would be empty",
             expected="sizes of at least 1", found=str(list(sizes)), at=["size", "scale"], code="E0230")
        return with_spatial(x, layout, x.shape[channel_axis(x.rank, layout)], sizes)

    def body(self, b: Builder, x: Value, *, size: tuple[Dim, ...] | None, scale: tuple[float, ...] | None, mode: str,
             align_corners: bool, layout: str) -> Value:
        y = x
        for axis, m in zip(spatial_axes(x.type.rank, layout), resized(x.type, size, scale, layout), strict=True):
            if m != x.type.shape[axis]:
                y = _resample(b, y, axis, m, mode, align_corners)
        return y

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4, 5]", scale=2)
        yield sample("f32[1, 2, 5, 7]", size=[7, 3])
        yield sample("f32[1, 2, 5, 7]", size=[7, 3], mode="nearest_exact")
        yield sample("f32[2, 3, 4, 5]", scale=2, mode="bilinear")
        yield sample("f32[1, 2, 5, 7]", size=[8, 4], mode="linear")
        yield sample("f32[1, 2, 5, 7]", size=[8, 1], mode="linear", align_corners=True)
        yield sample("f32[1, 2, 5, 4]", scale=[1.5, 0.5], mode="bicubic")
        yield sample("f32[1, 2, 5, 4]", size=[7, 7], mode="cubic", align_corners=True)
        yield sample("f32[2, 4, 5, 3]", scale=2, mode="linear", layout="NHWC")
        yield sample("f32[2, 3, 5]", size=8, mode="linear")
        yield sample("f32[1, 2, 2, 3, 2]", scale=[2, 1, 2], mode="trilinear")
        yield sample("f32[1, 1, 2, 3, 2]", size=[3, 2, 4])


def _resample(b: Builder, x: Value, axis: int, m: Dim, mode: str, corners: bool) -> Value:
    """One axis of x at m places. Places are exact fractions of whole numbers, split into whole part and rest."""
    n = x.type.shape[axis]
    old, new = size_value(b, n, I64), size_value(b, m, I64)
    i = b.arange(start=m)
    if mode == "nearest":
        return b.gather(x, b.floor_divide(b.mul(i, old), new), axis=axis)
    twice = b.add(b.mul(i, 2), 1)
    if mode == "nearest_exact":
        return b.gather(x, b.floor_divide(b.mul(twice, old), b.mul(new, 2)), axis=axis)
    if corners:
        place, parts = b.mul(i, b.sub(old, 1)), b.maximum(b.sub(new, 1), 1)
    else:
        place, parts = b.sub(b.mul(twice, old), new), b.mul(new, 2)
    whole = b.floor_divide(place, parts)
    dtype = x.type.dtype
    rest = b.div(b.cast(b.sub(place, b.mul(whole, parts)), dtype=dtype), b.cast(parts, dtype=dtype))
    rest = b.reshape(rest, shape=[m, *[1] * (x.type.rank - 1 - axis)])

    def neighbour(offset: int) -> Value:
        index = b.minimum(b.maximum(b.add(whole, offset), 0), b.sub(old, 1))
        result: Value = b.gather(x, index, axis=axis)
        return result
    if mode == "linear":
        left = neighbour(0)
        return b.add(left, b.mul(rest, b.sub(neighbour(1), left)))
    weighted = [b.mul(neighbour(offset), weight) for offset, weight in zip((-1, 0, 1, 2), _keys(b, rest), strict=True)]
    return b.add(b.add(weighted[0], weighted[1]), b.add(weighted[2], weighted[3]))


def _keys(b: Builder, t: Value, a: float = -0.75) -> list[Value]:
    """The weights of the four neighbours at distances 1 + t, t, 1 - t, 2 - t (Keys, 1981)."""
    u = b.add(b.neg(t), 1.0)

    def near(d: Value) -> Value:
        inner = b.sub(b.mul(d, a + 2), a + 3)
        result: Value = b.add(b.mul(b.mul(inner, d), d), 1.0)
        return result

    def far(d: Value) -> Value:
        inner = b.add(b.mul(b.sub(b.mul(d, a), 5 * a), d), 8 * a)
        result: Value = b.sub(b.mul(inner, d), 4 * a)
        return result
    return [far(b.add(t, 1.0)), near(t), near(u), far(b.add(u, 1.0))]


@operation
class Upsample(Composite):
    """x made `scale` times as large along each spatial axis; see `resize`."""

    spatial = True
    ulps = 16
    positional = ("scale",)

    def infer(self, x: Float, *, scale: Factors, mode: Mode = "nearest", align_corners: Bool = False,
              layout: Layout = "NCHW") -> TensorType:
        need_spatial(self.name, x)
        sizes = resized(x, None, scale, layout)
        return with_spatial(x, layout, x.shape[channel_axis(x.rank, layout)], sizes)

    def body(self, b: Builder, x: Value, *, scale: tuple[float, ...], mode: str, align_corners: bool,
             layout: str) -> Value:
        result: Value = b.resize(x, scale=scale, mode=mode, align_corners=align_corners, layout=layout)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4, 5]", scale=2)
        yield sample("f32[2, 4, 5, 3]", scale=[2, 3], mode="bilinear", layout="NHWC")
        yield sample("f32[1, 2, 4, 3]", scale=2, mode="bilinear", align_corners=True)
