"""Elementwise arithmetic on two tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlc.ir.build import Builder
from dlc.ir.graph import Node, Value
from dlc.ir.op import Arg, Float, Number, Primitive, Sample, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import broadcast, given, need, same_dtype, unbroadcast


class Arithmetic(Primitive):
    """Base: both operands have one element type, the result has the broadcast shape."""

    elementwise = True
    numpy: Any
    right: tuple[float, float] = (-2.0, 2.0)
    """The range of the right operand in samples."""

    def infer(self, x: Number, y: Number) -> TensorType:
        same_dtype(x=x, y=y)
        return x.with_shape(*broadcast(x, y))

    def evaluate(self, x: Array, y: Array) -> Any:
        return type(self).numpy(x, y)

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        """The gradients before broadcasting is undone."""
        raise NotImplementedError

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        x, y = given(node)
        partials = self.partials(b, x, y, node.output, g)
        return [None if p is None else unbroadcast(b, p, v.type) for p, v in zip(partials, (x, y), strict=True)]

    def samples(self) -> Iterable[Sample]:
        low, high = self.right
        yield sample("f32[2, 3]", Arg("f32[2, 3]", low, high))
        yield sample("f32[2, 3]", Arg("f32[1, 3]", low, high))
        yield sample("f32[4, 2, 3]", Arg("f32[3]", low, high))
        yield sample("f32[2, 1]", Arg("f32[4, 1, 3]", low, high))
        yield sample("f32[3]", Arg("f32", low, high))
        yield sample("f32", Arg("f32[0, 3]", low, high))
        yield sample(Arg("i64[2, 3]", -9, 9), Arg("i64[2, 3]", 1, 9))


@operation
class Add(Arithmetic):
    """x + y, element by element. Integers wrap around."""

    numpy = np.add
    commutative = True
    unit = 0.0

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return g, g


@operation
class Sub(Arithmetic):
    """x - y, element by element. Integers wrap around."""

    numpy = np.subtract
    unit = 0.0

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return g, b.neg(g)


@operation
class Mul(Arithmetic):
    """x * y, element by element. Integers wrap around."""

    numpy = np.multiply
    commutative = True
    unit = 1.0
    zero = 0.0

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return b.mul(g, y), b.mul(g, x)


@operation
class Div(Arithmetic):
    """x / y, element by element, of floating-point numbers; x / 0 is infinite, 0 / 0 is not a number.

    Integers are refused, because every framework means something else by it: `floor_divide` rounds down and stays an
    integer, `cast` makes them floating-point numbers first.
    """

    numpy = np.divide
    unit = 1.0
    right = (0.5, 2.0)

    def infer(self, x: Number, y: Number) -> TensorType:
        need(not x.dtype.is_integer, "`div` does not divide integers", expected="a floating-point type", found=str(x),
             at=["x"], code="E0221", hint="write `floor_divide(x, y)` to round down, or `cast(x, f32)` first")
        return super().infer(x, y)

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        dx = b.div(g, y)
        return dx, b.neg(b.mul(dx, z))

    def samples(self) -> Iterable[Sample]:
        yield from (s for s in super().samples() if s.arguments[0] is not None and s.arguments[0].type[0] == "f")
        yield sample("f32[3]", Arg("f32[3]", values=[0.0, -2.0, 0.0]), gradient=False)


@operation
class Pow(Arithmetic):
    """x to the power y, element by element; x**0 is 1.

    A negative x with a fractional y is not a number. Of integers, a negative power is the exact value rounded towards
    zero: 1 / x is 0 unless x is 1 or -1. (0 to a negative integer power is unspecified for integers.)
    """

    numpy = np.power
    unit = 1.0

    def evaluate(self, x: Array, y: Array) -> Any:
        if x.dtype.kind != "i" or not np.any(y < 0):
            return np.power(x, y)
        power = np.power(x, np.maximum(y, 0))
        sign = np.where((x == -1) & (y % 2 == 1), -1, 1)
        return np.where(y >= 0, power, np.where(np.abs(x) == 1, sign, 0)).astype(x.dtype)

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        slope = b.mul(y, b.pow(x, b.sub(y, 1.0)))
        dx = b.mul(g, b.where(b.equal(y, 0.0), 0.0, slope))
        dy = b.mul(g, b.where(b.equal(z, 0.0), 0.0, b.mul(z, b.log(x))))
        return dx, dy

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 3]", 0.2, 2), "f32[2, 3]")
        yield sample(Arg("f32[4, 2, 3]", 0.2, 2), "f32[1, 3]")
        yield sample(Arg("f32[3]", 0.2, 2), "f32")
        yield sample("f32[4]", Arg("f32[4]", values=[3.0, 2.0, -1.0, -2.0]), gradient=False)
        yield sample(Arg("f32[4]", values=[0.0, 0.0, 2.0, 1.0]), Arg("f32[4]", values=[0.0, 2.0, 0.0, 1.0]),
                     gradient=False)
        yield sample(Arg("i64[2, 3]", -5, 5), Arg("i64[2, 3]", 0, 4))
        yield sample(Arg("i64[6]", values=[2, -2, 1, -1, -1, 3]), Arg("i64[6]", values=[-1, -2, -3, -3, -2, 2]))


@operation
class Maximum(Arithmetic):
    """The greater of x and y, element by element; not a number where either is not.

    The gradient goes to the greater one; where they are equal each gets half.
    """

    numpy = np.maximum
    commutative = True

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return _shared(b, x, y, z, g)


@operation
class Minimum(Arithmetic):
    """The lesser of x and y, element by element; not a number where either is not.

    The gradient goes to the lesser one; where they are equal each gets half.
    """

    numpy = np.minimum
    commutative = True

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return _shared(b, x, y, z, g)


def _shared(b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value, Value]:
    """The gradient of whichever operand was chosen, halved where both were."""
    portion = b.where(b.equal(x, y), b.mul(g, 0.5), g)
    return b.where(b.equal(x, z), portion, 0.0), b.where(b.equal(y, z), portion, 0.0)


@operation
class FloorDivide(Arithmetic):
    """floor(x / y), element by element: the quotient rounded down, as `//` in Python. -7 // 2 is -4.

    An integer divided by 0 is unspecified.
    """

    numpy = np.floor_divide
    right = (0.5, 2.0)

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return None, None


@operation
class Remainder(Arithmetic):
    """x - y * floor(x / y), element by element: the remainder with the sign of y, as `%` in Python. -7 % 3 is 2.

    An integer remainder by 0 is unspecified. For the remainder with the sign of x see `fmod`.
    """

    numpy = np.remainder
    right = (0.5, 2.0)

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return g, b.neg(b.mul(g, b.floor(b.div(x, y))))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("f32[2, 3]", Arg("f32[2, 3]", -2, -0.5))
        yield sample(Arg("i64[4]", values=[7, -7, 7, -7]), Arg("i64[4]", values=[3, 3, -3, -3]))


@operation
class Fmod(Arithmetic):
    """x - y * trunc(x / y), element by element: the remainder with the sign of x, as `%` in C. -7 fmod 3 is -1.

    An integer remainder by 0 is unspecified. For the remainder with the sign of y see `remainder`.
    """

    numpy = np.fmod
    right = (0.5, 2.0)

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return g, b.neg(b.mul(g, b.trunc(b.div(x, y))))

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("f32[2, 3]", Arg("f32[2, 3]", -2, -0.5))
        yield sample(Arg("i64[4]", values=[7, -7, 7, -7]), Arg("i64[4]", values=[3, 3, -3, -3]))


@operation
class Atan2(Arithmetic):
    """The angle of the point (y, x) from the positive second axis, in (-pi, pi]: arctan(x / y) in the right quadrant.

    The first operand is the ordinate, the second the abscissa, as in C.
    """

    numpy = np.arctan2

    def infer(self, x: Float, y: Float) -> TensorType:
        return super().infer(x, y)

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        scaled = b.div(g, b.add(b.mul(x, x), b.mul(y, y)))
        return b.mul(scaled, y), b.neg(b.mul(scaled, x))

    def samples(self) -> Iterable[Sample]:
        yield from (s for s in super().samples() if s.arguments[0] is not None and s.arguments[0].type[0] == "f")
