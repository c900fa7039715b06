"""Functions of one number that simpler ones define."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

from dlc.ir.attributes import Real
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Number, Sample, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import broadcast, need, same_dtype


class Function(Composite):
    """Base: one tensor in, one of the same type out."""

    elementwise = True
    domain: tuple[float, float] = (-2.0, 2.0)
    """The range of the operand in samples."""

    def infer(self, x: Float) -> TensorType:
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 3]", *self.domain))
        yield sample(Arg("f32[4, 1, 5]", *self.domain))
        yield sample(Arg("f32", *self.domain))


@operation
class Square(Function):
    """x * x."""

    def infer(self, x: Number) -> TensorType:
        return super().infer(x)

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(x, x)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("i64[2, 3]", -5, 5))


@operation
class Reciprocal(Function):
    """1 / x; infinite at 0."""

    domain = (0.5, 4.0)

    def body(self, b: Builder, x: Value) -> Value:
        return b.div(1.0, x)


@operation
class Rsqrt(Function):
    """1 / sqrt(x); infinite at 0, not a number below."""

    domain = (0.1, 5.0)

    def body(self, b: Builder, x: Value) -> Value:
        return b.div(1.0, b.sqrt(x))


@operation
class Exp2(Function):
    """2 to the power x."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.exp(b.mul(x, log(2.0)))


@operation
class Log2(Function):
    """The logarithm of x to the base 2."""

    domain = (0.1, 5.0)

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(b.log(x), 1 / log(2.0))


@operation
class Log10(Function):
    """The logarithm of x to the base 10."""

    domain = (0.1, 5.0)

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(b.log(x), 1 / log(10.0))


@operation
class Erfc(Function):
    """1 - erf(x). Its error is relative to 1: for large x, where it vanishes, digits are lost."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.sub(1.0, b.erf(x))


@operation
class Tan(Function):
    """The tangent of x in radians, sin(x) / cos(x)."""

    domain = (-1.2, 1.2)

    def body(self, b: Builder, x: Value) -> Value:
        return b.div(b.sin(x), b.cos(x))


@operation
class Sinh(Function):
    """The hyperbolic sine of x, (exp(x) - exp(-x)) / 2, through expm1 so that it is accurate near 0."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(b.sub(b.expm1(x), b.expm1(b.neg(x))), 0.5)


@operation
class Cosh(Function):
    """The hyperbolic cosine of x, (exp(x) + exp(-x)) / 2."""

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(b.add(b.exp(x), b.exp(b.neg(x))), 0.5)


@operation
class Asinh(Function):
    """The inverse of sinh: sign(x) log(|x| + sqrt(x² + 1)), through log1p so that it is accurate near 0.

    The square overflows where |x| exceeds the root of the greatest number (1.8e19 in f32).
    """

    ulps = 16

    def body(self, b: Builder, x: Value) -> Value:
        m = b.abs(x)
        square = b.mul(m, m)
        rest = b.div(square, b.add(b.sqrt(b.add(square, 1.0)), 1.0))
        return b.mul(b.sign(x), b.log1p(b.add(m, rest)))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[3]", values=[1e-4, -1e-3, 1e3]))


@operation
class Acosh(Function):
    """The inverse of cosh on [1, inf): log(x + sqrt(x² - 1)), through log1p so that it is accurate near 1."""

    ulps = 16
    domain = (1.1, 5.0)

    def body(self, b: Builder, x: Value) -> Value:
        above = b.sub(x, 1.0)
        return b.log1p(b.add(above, b.sqrt(b.mul(above, b.add(x, 1.0)))))


@operation
class Atanh(Function):
    """The inverse of tanh on (-1, 1): log((1 + x) / (1 - x)) / 2."""

    ulps = 16
    domain = (-0.9, 0.9)

    def body(self, b: Builder, x: Value) -> Value:
        return b.mul(b.sub(b.log1p(x), b.log1p(b.neg(x))), 0.5)


@operation
class Logit(Function):
    """The inverse of the sigmoid on (0, 1): log(x / (1 - x)), as log(x) - log(1 - x); infinite at 0 and 1.

    eps: x is clamped to [eps, 1 - eps] first; without it the result is not a number outside [0, 1]. As in PyTorch the
    upper bound is rounded to the element type, where an eps near that rounding (6e-8 in f32) loses its digits.
    """

    domain = (0.05, 0.95)
    positional = ("eps",)

    def infer(self, x: Float, *, eps: Real | None = None) -> TensorType:
        need(eps is None or 0 <= eps <= 0.5, "`logit` needs an eps that leaves an interval", at=["eps"],
             expected="a number from 0 to 0.5", found=str(eps))
        return x

    def body(self, b: Builder, x: Value, *, eps: float | None) -> Value:
        if eps is not None:
            x = b.clamp(x, min=eps, max=1 - eps)
        return b.sub(b.log(x), b.log(b.sub(1.0, x)))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        outside = Arg("f32[2, 3]", values=[[-1.0, 0.0, 0.25], [0.75, 1.0, 2.0]])
        yield sample(outside, gradient=False)
        yield sample(outside, eps=0.125)
        yield sample(Arg("f32[2, 3]", *self.domain), eps=0.01)


@operation
class Hypot(Composite):
    """sqrt(x² + y²), element by element: the length of the vector (x, y). Operands broadcast."""

    elementwise = True

    def infer(self, x: Float, y: Float) -> TensorType:
        same_dtype(x=x, y=y)
        return x.with_shape(*broadcast(x, y))

    def body(self, b: Builder, x: Value, y: Value) -> Value:
        return b.sqrt(b.add(b.square(x), b.square(y)))

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 3]", low=0.5), "f32[2, 3]")
        yield sample("f32[4, 1, 3]", Arg("f32[3]", low=0.5))
