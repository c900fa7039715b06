"""Elementwise comparisons of two tensors, with broadcasting; the result is bool."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlc.ir.op import Arg, Float, Number, Primitive, Sample, Tensor, operation, sample
from dlc.ir.types import BOOL, Array, TensorType
from dlc.ops.rules import broadcast, same_dtype


class Comparison(Primitive):
    """Base: both operands have one element type. Of what is not a number, only `not_equal` is true."""

    elementwise = True
    numpy: Any

    def infer(self, x: Number, y: Number) -> TensorType:
        same_dtype(x=x, y=y)
        return TensorType(BOOL, broadcast(x, y))

    def evaluate(self, x: Array, y: Array) -> Any:
        return type(self).numpy(x, y)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[2, 3]")
        yield sample("f32[4, 2, 3]", "f32[1, 3]")
        yield sample("f32[3]", "f32")
        yield sample(Arg("f32[4]", values=[1.0, 2.0, float("nan"), float("inf")]),
                     Arg("f32[4]", values=[1.0, 3.0, float("nan"), float("inf")]))
        yield sample(Arg("i64[2, 3]", -2, 2), Arg("i64[2, 3]", -2, 2))


class Equality(Comparison):
    """Base: any element type, bool too."""

    commutative = True

    def infer(self, x: Tensor, y: Tensor) -> TensorType:
        return super().infer(x, y)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("bool[2, 3]", "bool[2, 3]")


@operation
class Equal(Equality):
    """x == y, element by element. What is not a number equals nothing."""

    numpy = np.equal


@operation
class NotEqual(Equality):
    """x != y, element by element. What is not a number differs from everything, itself too."""

    numpy = np.not_equal


@operation
class Less(Comparison):
    """x < y, element by element."""

    numpy = np.less


@operation
class LessEqual(Comparison):
    """x <= y, element by element."""

    numpy = np.less_equal


@operation
class Greater(Comparison):
    """x > y, element by element."""

    numpy = np.greater


@operation
class GreaterEqual(Comparison):
    """x >= y, element by element."""

    numpy = np.greater_equal


class Test(Primitive):
    """Base: a property of each number."""

    elementwise = True
    numpy: Any

    def infer(self, x: Float) -> TensorType:
        return x.with_dtype(BOOL)

    def evaluate(self, x: Array) -> Any:
        return type(self).numpy(x)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]")
        yield sample(Arg("f32[4]", values=[0.0, float("nan"), float("inf"), -float("inf")]))


@operation
class IsNan(Test):
    """Where x is not a number."""

    numpy = np.isnan


@operation
class IsInf(Test):
    """Where x is infinite, of either sign."""

    numpy = np.isinf


@operation
class IsFinite(Test):
    """Where x is a number and not infinite."""

    numpy = np.isfinite
