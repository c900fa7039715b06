"""Activations made of straight pieces, with the exponential ones that have a kink at 0."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np

from dlc.ir.attributes import REAL, Layout, Real, optional
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import (
    Arg,
    Composite,
    Float,
    Initializer,
    Number,
    Sample,
    WeightSpec,
    operation,
    sample,
)
from dlc.ir.types import Array, DType, TensorType
from dlc.ops.rules import need, need_equal, need_rank, same_dtype
from dlc.ops.unary import UnaryNumber

OptionalReal = Annotated[float, optional(REAL)]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


class Activation(Composite):
    """Base: one tensor in, one of the same type out, element by element."""

    elementwise = True

    def infer(self, x: Float) -> TensorType:
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 3]", -4, 4))
        yield sample(Arg("f32[2, 3, 4, 5]", -8, 8))
        yield sample(Arg("f32", -4, 4))


@operation
class Relu(UnaryNumber):
    """max(x, 0). The slope at 0 is 0."""

    def evaluate(self, x: Array) -> Any:
        return np.maximum(x, x.dtype.type(0))

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        return b.cast(b.greater(x, 0.0), dtype=x.type.dtype)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[3]", values=[0.0, float("nan"), float("inf")]), gradient=False)


@operation
class Relu6(Activation):
    """min(max(x, 0), 6)."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.minimum(b.relu(x), 6.0)


@operation
class LeakyRelu(Activation):
    """x where x > 0, otherwise slope * x. The slope is PyTorch's default; Keras' own is 0.3 in the layer."""

    def infer(self, x: Float, *, slope: Real = 0.01) -> TensorType:
        return x

    def body(self, b: Builder, x: Value, *, slope: float) -> Value:
        return b.where(b.greater(x, 0.0), x, b.mul(x, slope))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), slope=0.3)
        yield sample(Arg("f32[2, 3]", -4, 4), slope=0)
        yield sample(Arg("f32[2, 3]", -4, 4), slope=1.5)


@operation
class Rrelu(Activation):
    """The leaky relu with a random slope, U(lower, upper), in training; at inference its slope is their mean."""

    def infer(self, x: Float, *, lower: Real = 1 / 8, upper: Real = 1 / 3) -> TensorType:
        return x

    def body(self, b: Builder, x: Value, *, lower: float, upper: float) -> Value:
        return b.leaky_relu(x, slope=(lower + upper) / 2)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), lower=0.1, upper=0.5)


@operation
class Prelu(Composite):
    """x where x > 0, otherwise weight * x, with one slope for everything or one for each channel.

    weight: [1] or [channels]. As a layer: `prelu` owns `weight`, filled with 0.25; `prelu(parameters=channels)` has one
    slope a channel. The channels are axis 1 in the layout NCHW, the last axis in NHWC.
    """

    spatial = True

    def infer(self, x: Float, weight: Float, *, layout: Layout = "NCHW") -> TensorType:
        same_dtype(x=x, weight=weight)
        need_rank("weight", weight, 1)
        if weight.shape[0] != 1:
            need(x.rank >= 2, "`prelu` with a slope for each channel needs channels", expected="rank 2 or more",
                 found=str(x), at=["x"], code="E0222")
            need_equal("the channels of `x` and the size of `weight`", x.shape[1 if layout == "NCHW" else -1],
                       weight.shape[0], at=["x", "weight"])
        return x

    def layer(self, x: TensorType, *, parameters: int = 1, init: float = 0.25) -> dict[str, WeightSpec]:
        return {"weight": WeightSpec(TensorType(x.dtype, (parameters,)), Initializer("constant", (("value", init),)))}

    def sizes(self, weight: TensorType) -> dict[str, Any]:
        return {"parameters": weight.shape[0]}

    def body(self, b: Builder, x: Value, weight: Value, *, layout: str) -> Value:
        slope = weight
        if layout == "NCHW" and weight.type.shape[0] != 1:
            slope = b.reshape(weight, shape=[weight.type.shape[0], *[1] * (x.type.rank - 2)])
        return b.where(b.greater(x, 0.0), x, b.mul(x, slope))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4, 5]", Arg("f32[1]", 0, 1))
        yield sample("f32[2, 3, 4, 5]", Arg("f32[3]", 0, 1))
        yield sample("f32[2, 3, 4, 5]", Arg("f32[5]", 0, 1), layout="NHWC")
        yield sample("f32[2, 3]", Arg("f32[3]", 0, 1))


@operation
class Elu(Activation):
    """x where x > 0, otherwise alpha (exp(x) - 1)."""

    def infer(self, x: Float, *, alpha: Real = 1.0) -> TensorType:
        return x

    def body(self, b: Builder, x: Value, *, alpha: float) -> Value:
        positive = b.greater(x, 0.0)
        return b.where(positive, x, b.mul(b.expm1(b.where(positive, 0.0, x)), alpha))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), alpha=0.5)
        yield sample(Arg("f32[3]", values=[200.0, -200.0, 1.0]))


@operation
class Celu(Activation):
    """max(x, 0) + min(alpha (exp(x / alpha) - 1), 0): an elu whose slope is continuous for every alpha."""

    def infer(self, x: Float, *, alpha: Real = 1.0) -> TensorType:
        need(alpha != 0, "`celu` divides by alpha", expected="a number other than 0", found="0", at=["alpha"])
        return x

    def body(self, b: Builder, x: Value, *, alpha: float) -> Value:
        positive = b.greater(x, 0.0)
        return b.where(positive, x, b.mul(b.expm1(b.mul(b.where(positive, 0.0, x), 1 / alpha)), alpha))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), alpha=0.5)
        yield sample(Arg("f32[2, 3]", -4, 4), alpha=3.0)


@operation
class Selu(Activation):
    """1.0507 times the elu with alpha = 1.6733, which keeps mean 0 and variance 1.

    (Klambauer et al., Self-Normalizing Neural Networks, 2017.)
    """

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(b.elu(x, alpha=SELU_ALPHA), SELU_SCALE)


def _fits(value: float, dtype: DType) -> bool:
    limits = np.iinfo(dtype.numpy)
    return value == math.floor(value) and int(limits.min) <= value <= int(limits.max)


@operation
class Clamp(Composite):
    """x, but at least `min` and at most `max`, where they are given.

    min may not exceed max, for which frameworks disagree. Of integers the bounds must be whole.
    """

    elementwise = True
    positional = ("min", "max")

    def infer(self, x: Number, *, min: OptionalReal = None, max: OptionalReal = None) -> TensorType:  # type: ignore[assignment]
        need(min is not None or max is not None, "`clamp` needs a bound", expected="min=, max= or both",
             found="neither")
        need(min is None or max is None or min <= max, "`clamp` needs bounds in order", expected="min <= max",
             found=f"{min} and {max}", at=["min", "max"])
        if x.dtype.is_integer:
            for word, bound in (("min", min), ("max", max)):
                need(bound is None or _fits(bound, x.dtype), f"the bounds of {x.dtype} are whole numbers of that type",
                     at=[word], expected=f"a whole number in the range of {x.dtype}", found=str(bound),
                     hint="or convert first: `cast(x, f32)`")
        return x

    def body(self, b: Builder, x: Value, *, min: float | None, max: float | None) -> Value:
        if min is not None:
            x = b.maximum(x, min)
        return x if max is None else b.minimum(x, max)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", min=-0.5, max=1)
        yield sample("f32[2, 3]", min=0.25)
        yield sample("f32[2, 3]", max=0.25)
        yield sample("f32[2, 3]", min=0.5, max=0.5, gradient=False)
        yield sample(Arg("i64[2, 3]", -5, 5), min=-2, max=3)


@operation
class HardTanh(Activation):
    """x, but at least `min` and at most `max`."""

    def infer(self, x: Float, *, min: Real = -1.0, max: Real = 1.0) -> TensorType:
        need(min < max, "`hard_tanh` needs bounds in order", expected="min < max", found=f"{min} and {max}",
             at=["min", "max"])
        return x

    def body(self, b: Builder, x: Value, *, min: float, max: float) -> Value:
        return b.clamp(x, min=min, max=max)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), min=-2, max=0.5)


@operation
class HardSigmoid(Activation):
    """min(max(x + 3, 0), 6) / 6, as in PyTorch and Keras 3. (ONNX' and Keras 2's default, 0.2 x + 0.5, is another.)"""

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(b.relu6(b.add(x, 3.0)), 1 / 6)


@operation
class HardSwish(Activation):
    """x min(max(x + 3, 0), 6) / 6 (Howard et al., Searching for MobileNetV3, 2019)."""

    aliases = ("hard_silu",)

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(x, b.hard_sigmoid(x))


@operation
class Threshold(Activation):
    """x where x > threshold, otherwise value."""

    positional = ("threshold", "value")

    def infer(self, x: Float, *, threshold: Real = 0.0, value: Real = 0.0) -> TensorType:
        return x

    def body(self, b: Builder, x: Value, *, threshold: float, value: float) -> Value:
        return b.where(b.greater(x, threshold), x, value)

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 3]", -4, 4), threshold=0.5)
        yield sample(Arg("f32[2, 3, 4]", -4, 4), threshold=-1, value=20)
        yield sample(Arg("f32[3]", values=[0.5, 0.25, 1.0]), threshold=0.5, gradient=False)


@operation
class HardShrink(Activation):
    """x where |x| > threshold, otherwise 0."""

    def infer(self, x: Float, *, threshold: Real = 0.5) -> TensorType:
        need(threshold >= 0, "`hard_shrink` needs a threshold >= 0", expected="0 or more", found=str(threshold),
             at=["threshold"])
        return x

    def body(self, b: Builder, x: Value, *, threshold: float) -> Value:
        return b.where(b.greater(b.abs(x), threshold), x, 0.0)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), threshold=1.5)


@operation
class SoftShrink(Activation):
    """x - threshold where x > threshold, x + threshold where x < -threshold, otherwise 0."""

    def infer(self, x: Float, *, threshold: Real = 0.5) -> TensorType:
        need(threshold >= 0, "`soft_shrink` needs a threshold >= 0", expected="0 or more", found=str(threshold),
             at=["threshold"])
        return x

    def body(self, b: Builder, x: Value, *, threshold: float) -> Value:
        return b.sub(b.relu(b.sub(x, threshold)), b.relu(b.sub(b.neg(x), threshold)))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), threshold=1.5)


@operation
class SparseSigmoid(Activation):
    """min(max((x + 1) / 2, 0), 1): the straight counterpart of the sigmoid."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.clamp(b.mul(b.add(x, 1.0), 0.5), min=0.0, max=1.0)
