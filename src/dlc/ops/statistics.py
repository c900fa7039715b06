"""Reductions that sums, products and extremes define: mean, variance, norms, logsumexp."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dlc.ir.attributes import Axes, Bool, Real
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Sample, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.reductions import count, need_elements
from dlc.ops.rules import broadcast, need, reduced, same_dtype, size_value


class Statistic(Composite):
    """Base: over `axis` (one or several; all of them unless given), which `keepdims` leaves as axes of size 1."""

    axis_attributes = ("axis",)
    ulps = 16

    def infer(self, x: Float, *, axis: Axes = None, keepdims: Bool = False) -> TensorType:  # type: ignore[assignment]
        return x.with_shape(*reduced(x.shape, axis, keepdims))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4]")
        yield sample("f32[2, 3, 4]", keepdims=True)
        yield sample("f32[2, 3, 4]", axis=1)
        yield sample("f32[2, 3, 4]", axis=-1, keepdims=True)
        yield sample("f32[2, 3, 4]", axis=[0, -1])
        yield sample("f32[2, 3, 4]", axis=[0, 2], keepdims=True)


@operation
class Mean(Statistic):
    """The sum of the elements along `axis`, divided by their number; of none it is not a number."""

    def body(self, b: Builder, x: Value, *, axis: tuple[int, ...], keepdims: bool) -> Value:
        total = b.sum(x, axis=axis, keepdims=keepdims)
        return b.div(total, size_value(b, count(x.type.shape, axis), x.type.dtype))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("f32")


@operation
class Variance(Statistic):
    """The mean squared distance from the mean along `axis`: sum((x - mean(x))²) / (n - correction).

    correction: 0 (the default, as in Keras and in batch normalisation) divides by the number of elements n; 1,
    the default of PyTorch, gives the unbiased estimate.
    """

    ulps = 32

    def infer(self, x: Float, *, axis: Axes = None, keepdims: Bool = False,  # type: ignore[assignment]
              correction: Real = 0.0) -> TensorType:
        return x.with_shape(*reduced(x.shape, axis, keepdims))

    def body(self, b: Builder, x: Value, *, axis: tuple[int, ...], keepdims: bool, correction: float) -> Value:
        deviation = b.sub(x, b.mean(x, axis=axis, keepdims=True))
        total = b.sum(b.mul(deviation, deviation), axis=axis, keepdims=keepdims)
        n = size_value(b, count(x.type.shape, axis), x.type.dtype)
        return b.div(total, b.sub(n, correction) if correction else n)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("f32[2, 3, 4]", axis=1, correction=1)
        yield sample("f32[2, 3, 4]", axis=[0, 1], keepdims=True, correction=0.5)
        yield sample(Arg("f32[2, 30]", 1000.0, 1000.5), axis=1)


@operation
class Std(Statistic):
    """The square root of the variance. Its slope is infinite where all elements are equal."""

    ulps = 32

    def infer(self, x: Float, *, axis: Axes = None, keepdims: Bool = False,  # type: ignore[assignment]
              correction: Real = 0.0) -> TensorType:
        return x.with_shape(*reduced(x.shape, axis, keepdims))

    def body(self, b: Builder, x: Value, *, axis: tuple[int, ...], keepdims: bool, correction: float) -> Value:
        return b.sqrt(b.variance(x, axis=axis, keepdims=keepdims, correction=correction))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("f32[2, 3, 4]", axis=1, correction=1)


@operation
class Logsumexp(Statistic):
    """log(sum(exp(x))) along `axis`, with the greatest element taken out first so that nothing overflows."""

    def infer(self, x: Float, *, axis: Axes = None, keepdims: Bool = False) -> TensorType:  # type: ignore[assignment]
        need_elements("logsumexp", x, axis)
        return super().infer(x, axis=axis, keepdims=keepdims)

    def body(self, b: Builder, x: Value, *, axis: tuple[int, ...], keepdims: bool) -> Value:
        greatest = b.stop_gradient(b.max(x, axis=axis, keepdims=True))
        shift = b.where(b.is_finite(greatest), greatest, 0.0)
        kept = shift if keepdims else b.reshape(shift, shape=reduced(x.type.shape, axis, False))
        return b.add(b.log(b.sum(b.exp(b.sub(x, shift)), axis=axis, keepdims=keepdims)), kept)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", values=[[1000.0, 999.0, 998.0], [-1000.0, -1000.0, -990.0]]), axis=1)
        yield sample(Arg("f32[2, 2]", values=[[-math.inf, -math.inf], [-math.inf, 1.0]]), axis=1, gradient=False)


@operation
class Norm(Statistic):
    """The p-norm along `axis`: sum(|x|^p)^(1/p); the greatest magnitude for p = inf, the least for p = -inf.

    p = 0 is not a norm and is refused. For p = 2 the slope at 0 is not a number.
    """

    positional = ("p",)

    def infer(self, x: Float, *, p: Real = 2.0, axis: Axes = None,  # type: ignore[assignment]
              keepdims: Bool = False) -> TensorType:
        need(p != 0 and not math.isnan(p), "`norm` needs a power", expected="a number other than 0, or inf",
             found=str(p), at=["p"])
        if math.isinf(p):
            need_elements("norm", x, axis)
        return x.with_shape(*reduced(x.shape, axis, keepdims))

    def body(self, b: Builder, x: Value, *, p: float, axis: tuple[int, ...], keepdims: bool) -> Value:
        if p == 2:
            return b.sqrt(b.sum(b.mul(x, x), axis=axis, keepdims=keepdims))
        size = b.abs(x)
        if p == math.inf:
            return b.max(size, axis=axis, keepdims=keepdims)
        if p == -math.inf:
            return b.min(size, axis=axis, keepdims=keepdims)
        if p == 1:
            return b.sum(size, axis=axis, keepdims=keepdims)
        return b.pow(b.sum(b.pow(size, p), axis=axis, keepdims=keepdims), 1 / p)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        for p in (1, 3, 0.5, -1, math.inf, -math.inf):
            yield sample(Arg("f32[2, 3, 4]", 0.5, 2), p=p, axis=1)
        yield sample("f32[2, 3, 4]", p=1, axis=[1, 2], keepdims=True)


@operation
class Logaddexp(Composite):
    """log(exp(x) + exp(y)), element by element, computed so that nothing overflows."""

    elementwise = True
    commutative = True

    def infer(self, x: Float, y: Float) -> TensorType:
        same_dtype(x=x, y=y)
        return x.with_shape(*broadcast(x, y))

    def body(self, b: Builder, x: Value, y: Value) -> Value:
        distance = b.abs(b.sub(x, y))
        return b.add(b.maximum(x, y), b.log1p(b.exp(b.neg(distance))))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[2, 3]")
        yield sample("f32[4, 2, 3]", "f32[1, 3]")
        yield sample(Arg("f32[2]", values=[1000.0, -1000.0]), Arg("f32[2]", values=[999.0, -1001.0]))
