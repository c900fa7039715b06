"""Smooth activations, and the gated one."""

from __future__ import annotations

from collections.abc import Iterable
from math import pi, sqrt
from typing import Annotated

from dlc.ir.attributes import Axis, Real, choice
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Sample, Tensor, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.activations import Activation
from dlc.ops.rules import need, need_equal

Approximation = Annotated[str, choice("none", "tanh")]


@operation
class Identity(Composite):
    """x itself; the "linear" activation."""

    elementwise = True

    def infer(self, x: Tensor) -> TensorType:
        return x

    def body(self, b: Builder, x: Value) -> Value:
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]")
        yield sample(Arg("i64[2]", -5, 5))


@operation
class Gelu(Activation):
    """x times the probability that a standard normal variable is below x: x (1 + erf(x / sqrt(2))) / 2.

    approximate: "none" for this, "tanh" for x (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))) / 2
    (Hendrycks and Gimpel, Gaussian Error Linear Units, 2016).
    """

    def infer(self, x: Float, *, approximate: Approximation = "none") -> TensorType:
        return x

    def body(self, b: Builder, x: Value, *, approximate: str) -> Value:
        if approximate == "tanh":
            cube = b.mul(b.mul(x, x), x)
            gate = b.tanh(b.mul(b.add(x, b.mul(cube, 0.044715)), sqrt(2 / pi)))
        else:
            gate = b.erf(b.mul(x, sqrt(0.5)))
        return b.mul(b.mul(x, 0.5), b.add(gate, 1.0))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), approximate="tanh")


@operation
class Silu(Activation):
    """x sigmoid(x), also called swish."""

    aliases = ("swish",)

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(x, b.sigmoid(x))


@operation
class LogSigmoid(Activation):
    """log(1 / (1 + exp(-x))), computed as min(x, 0) - log(1 + exp(-|x|)) so that nothing overflows."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.sub(b.minimum(x, 0.0), b.log1p(b.exp(b.neg(b.abs(x)))))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[4]", values=[-100.0, -20.0, 20.0, 100.0]))


@operation
class Softplus(Activation):
    """log(1 + exp(beta x)) / beta, a smooth relu; x itself where beta x > threshold.

    The threshold is PyTorch's; at its default 20 the two differ by less than a rounding of f32.
    """

    def infer(self, x: Float, *, beta: Real = 1.0, threshold: Real = 20.0) -> TensorType:
        need(beta != 0, "`softplus` divides by beta", expected="a number other than 0", found="0", at=["beta"])
        return x

    def body(self, b: Builder, x: Value, *, beta: float, threshold: float) -> Value:
        scaled = x if beta == 1 else b.mul(x, beta)
        soft = b.add(b.maximum(scaled, 0.0), b.log1p(b.exp(b.neg(b.abs(scaled)))))
        return b.where(b.greater(scaled, threshold), x, soft if beta == 1 else b.mul(soft, 1 / beta))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), beta=2.5)
        yield sample(Arg("f32[4]", values=[-3.0, 0.5, 1.5, 3.0]), beta=0.5, threshold=1)
        yield sample(Arg("f32[4]", values=[-100.0, -20.0, 21.0, 100.0]))


@operation
class Softsign(Activation):
    """x / (1 + |x|)."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.div(x, b.add(b.abs(x), 1.0))


@operation
class Mish(Activation):
    """x tanh(log(1 + exp(x))) (Misra, Mish, 2019)."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(x, b.tanh(b.softplus(x)))


@operation
class TanhShrink(Activation):
    """x - tanh(x). Its error is relative to x: digits are lost near 0."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.sub(x, b.tanh(x))


@operation
class Squareplus(Activation):
    """(x + sqrt(x² + curvature)) / 2, a smooth relu of algebraic functions (Barron, Squareplus, 2021)."""

    def infer(self, x: Float, *, curvature: Real = 4.0) -> TensorType:
        need(curvature >= 0, "`squareplus` needs a curvature >= 0", expected="0 or more", found=str(curvature),
             at=["curvature"])
        return x

    def body(self, b: Builder, x: Value, *, curvature: float) -> Value:
        return b.mul(b.add(x, b.sqrt(b.add(b.mul(x, x), curvature))), 0.5)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[2, 3]", -4, 4), curvature=0.5)


@operation
class SparsePlus(Activation):
    """0 where x <= -1, x where x >= 1, (x + 1)² / 4 between: a smooth relu that reaches 0."""

    def body(self, b: Builder, x: Value) -> Value:
        parabola = b.mul(b.square(b.add(x, 1.0)), 0.25)
        return b.where(b.greater(x, -1.0), b.where(b.less(x, 1.0), parabola, x), 0.0)


@operation
class Glu(Composite):
    """The first half of x along `axis`, times the sigmoid of the second half.

    x: [..., 2 n, ...]; result: [..., n, ...]
    (Dauphin et al., Language Modeling with Gated Convolutional Networks, 2016).
    """

    axis_attributes = ("axis",)

    def infer(self, x: Float, *, axis: Axis = -1) -> TensorType:
        need(x.rank >= 1, "`glu` needs a tensor with an axis", expected="rank 1 or more", found=str(x), at=["x"],
             code="E0222")
        half: Dim = x.shape[axis] // 2
        need_equal("the axis that `glu` halves and an even size", x.shape[axis], 2 * half, at=["x"])
        return x.with_shape(*x.shape[:axis], half, *x.shape[axis + 1:])

    def body(self, b: Builder, x: Value, *, axis: int) -> Value:
        half = x.type.shape[axis] // 2
        value, gate = b.split(x, sizes=[half, half], axis=axis)
        return b.mul(value, b.sigmoid(gate))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 6]")
        yield sample("f32[4, 3, 2]", axis=0)
        yield sample("f32[2, 4, 3]", axis=1)
