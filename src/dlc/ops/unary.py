"""Functions of one number, element by element: the primitives that others are built of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlc.ir.build import Builder
from dlc.ir.graph import Node, Value
from dlc.ir.op import Arg, Float, Number, Primitive, Sample, Tensor, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import given, need


class Unary(Primitive):
    """Base: one tensor in, one of the same type out."""

    elementwise = True
    numpy: Any
    domain: tuple[float, float] = (-2.0, 2.0)
    """The range of the operand in samples."""

    def infer(self, x: Float) -> TensorType:
        return x

    def evaluate(self, x: Array) -> Any:
        return type(self).numpy(x)

    def slope(self, b: Builder, x: Value, y: Value) -> Value | None:
        """The derivative at x, where y is the result; None where it is zero everywhere."""
        raise NotImplementedError

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        (x,) = given(node)
        slope = self.slope(b, x, node.output)
        return [None if slope is None else b.mul(g, slope)]

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 3]", *self.domain))
        yield sample(Arg("f32[4, 1, 5]", *self.domain))
        yield sample(Arg("f32", *self.domain))
        yield sample(Arg("f32[0, 2]", *self.domain))


class UnaryNumber(Unary):
    """Base: integers too."""

    def infer(self, x: Number) -> TensorType:
        return super().infer(x)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("i64[2, 3]", -5, 5))


@operation
class Neg(UnaryNumber):
    """-x, of signed numbers."""

    numpy = np.negative

    def infer(self, x: Number) -> TensorType:
        need(x.dtype.kind != "uint", "`neg` takes signed numbers", expected="a signed number type", found=str(x),
             at=["x"], code="E0221", hint="convert it with `cast(x, i64)`")
        return super().infer(x)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        return [b.neg(g)]


@operation
class Abs(UnaryNumber):
    """The magnitude of x, |x|; its slope at 0 is 0."""

    numpy = np.abs

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.sign(x)
        return result


@operation
class Sign(UnaryNumber):
    """-1, 0 or 1 by the sign of x."""

    numpy = np.sign

    def slope(self, b: Builder, x: Value, y: Value) -> None:
        return None


@operation
class Exp(Unary):
    """e to the power x."""

    aliases = ("exponential",)
    numpy = np.exp

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        return y


@operation
class Expm1(Unary):
    """e to the power x, minus 1, accurate near 0."""

    numpy = np.expm1

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.exp(x)
        return result


@operation
class Log(Unary):
    """The natural logarithm of x; -inf at 0, not a number below."""

    numpy = np.log
    domain = (0.1, 5.0)

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.reciprocal(x)
        return result


@operation
class Log1p(Unary):
    """The natural logarithm of 1 + x, accurate near 0."""

    numpy = np.log1p
    domain = (-0.9, 5.0)

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.reciprocal(b.add(x, 1.0))
        return result


@operation
class Sqrt(Unary):
    """The square root of x; not a number below 0."""

    numpy = np.sqrt
    domain = (0.1, 5.0)

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.div(0.5, y)
        return result


@operation
class Sin(Unary):
    """The sine of x in radians."""

    numpy = np.sin

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.cos(x)
        return result


@operation
class Cos(Unary):
    """The cosine of x in radians."""

    numpy = np.cos

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.neg(b.sin(x))
        return result


@operation
class Asin(Unary):
    """The angle in [-pi/2, pi/2] whose sine is x; not a number outside [-1, 1]."""

    numpy = np.arcsin
    domain = (-0.9, 0.9)

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.rsqrt(b.mul(b.add(x, 1.0), b.sub(1.0, x)))
        return result


@operation
class Acos(Unary):
    """The angle in [0, pi] whose cosine is x; not a number outside [-1, 1]."""

    numpy = np.arccos
    domain = (-0.9, 0.9)

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.neg(b.rsqrt(b.mul(b.add(x, 1.0), b.sub(1.0, x))))
        return result


@operation
class Atan(Unary):
    """The angle in (-pi/2, pi/2) whose tangent is x."""

    numpy = np.arctan

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.reciprocal(b.add(b.mul(x, x), 1.0))
        return result


@operation
class Tanh(Unary):
    """The hyperbolic tangent of x."""

    numpy = np.tanh

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.sub(1.0, b.mul(y, y))
        return result


@operation
class Sigmoid(Unary):
    """The logistic function, 1 / (1 + exp(-x))."""

    def evaluate(self, x: Array) -> Any:
        one = x.dtype.type(1)
        decay = np.exp(-np.abs(x))
        return np.where(x >= 0, one, decay) / (one + decay)

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.mul(y, b.sub(1.0, y))
        return result

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[4]", values=[-100.0, -20.0, 20.0, 100.0]))


@operation
class Erf(Unary):
    """The error function, 2/sqrt(pi) times the integral of exp(-t²) from 0 to x."""

    def evaluate(self, x: Array) -> Any:
        values = np.fromiter(map(math.erf, x.astype(np.float64).ravel().tolist()), np.float64, x.size)
        return values.reshape(x.shape).astype(x.dtype)

    def slope(self, b: Builder, x: Value, y: Value) -> Value:
        result: Value = b.mul(b.exp(b.neg(b.mul(x, x))), 2 / math.sqrt(math.pi))
        return result


class Rounding(Unary):
    """Base: to a whole number, kept as floating point; the gradient is zero."""

    def slope(self, b: Builder, x: Value, y: Value) -> None:
        return None

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[8]", values=[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 1.0, -3.0]), gradient=False)


@operation
class Floor(Rounding):
    """The greatest whole number that is at most x."""

    numpy = np.floor


@operation
class Ceil(Rounding):
    """The least whole number that is at least x."""

    numpy = np.ceil


@operation
class Round(Rounding):
    """The nearest whole number; halves go to the even one."""

    numpy = np.rint


@operation
class Trunc(Rounding):
    """The whole number between 0 and x that is nearest to x."""

    numpy = np.trunc


@operation
class StopGradient(Primitive):
    """x itself, but a constant for the gradient: what is behind it receives none."""

    elementwise = True

    def infer(self, x: Tensor) -> TensorType:
        return x

    def evaluate(self, x: Array) -> Any:
        return x

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        return [None]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", gradient=False)
        yield sample("i64[3]")
