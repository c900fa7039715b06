"""The softmax family: from scores along an axis to weights that add up to 1."""

from __future__ import annotations

from collections.abc import Iterable

from dlc.ir.attributes import Axis
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Sample, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.reductions import need_elements
from dlc.ops.rules import need


class SoftmaxLike(Composite):
    """Base: along one axis, the last unless given."""

    axis_attributes = ("axis",)
    ulps = 16

    def infer(self, x: Float, *, axis: Axis = -1) -> TensorType:
        need(x.rank >= 1, f"`{self.name}` needs a tensor with an axis", expected="rank 1 or more", found=str(x),
             at=["x"], code="E0222")
        need_elements(self.name, x, (axis,))
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 5]")
        yield sample("f32[5]")
        yield sample("f32[2, 3, 4]", axis=1)
        yield sample("f32[2, 3, 4]", axis=0)
        yield sample(Arg("f32[2, 3]", values=[[1000.0, 998.5, 990.0], [-1000.0, 0.0, -1000.0]]))


@operation
class Softmax(SoftmaxLike):
    """exp(x) / sum(exp(x)) along `axis`, with the greatest element taken out first so that nothing overflows."""

    def body(self, b: Builder, x: Value, *, axis: int) -> Value:
        e = b.exp(b.sub(x, b.stop_gradient(b.max(x, axis=axis, keepdims=True))))
        return b.div(e, b.sum(e, axis=axis, keepdims=True))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 2]", values=[[-float("inf"), 1.0], [0.0, 1.0]]), gradient=False)


@operation
class LogSoftmax(SoftmaxLike):
    """log(softmax(x)) along `axis`, as x - logsumexp(x)."""

    def body(self, b: Builder, x: Value, *, axis: int) -> Value:
        shifted = b.sub(x, b.stop_gradient(b.max(x, axis=axis, keepdims=True)))
        return b.sub(shifted, b.log(b.sum(b.exp(shifted), axis=axis, keepdims=True)))


@operation
class Softmin(SoftmaxLike):
    """softmax(-x) along `axis`: the least element weighs most."""

    def body(self, b: Builder, x: Value, *, axis: int) -> Value:
        return b.softmax(b.neg(x), axis=axis)


@operation
class Sparsemax(SoftmaxLike):
    """The nearest point to x on the simplex, along `axis`: weights of which many are exactly 0.

    max(x - tau, 0), where tau = (sum of the k greatest elements - 1) / k and k is the greatest number for which the
    k-th greatest element z[k] has 1 + k z[k] > z[1] + ... + z[k]
    (Martins and Astudillo, From Softmax to Sparsemax, 2016).
    """

    ulps = 64

    def body(self, b: Builder, x: Value, *, axis: int) -> Value:
        size = x.type.shape[axis]
        ordered = b.sort(x, axis=axis, descending=True)
        total = b.cumsum(ordered, axis=axis)
        count = b.cast(b.arange(start=1, stop=size + 1), dtype=x.type.dtype)
        place = b.reshape(count, shape=[size, *[1] * (x.type.rank - 1 - axis)])
        kept = b.greater(b.add(b.mul(place, ordered), 1.0), total)
        k = b.sum(b.cast(kept, dtype=x.type.dtype), axis=axis, keepdims=True)
        among = b.sum(b.where(kept, ordered, 0.0), axis=axis, keepdims=True)
        return b.relu(b.sub(x, b.div(b.sub(among, 1.0), k)))
