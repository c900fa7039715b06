"""Tensors that come from compile-time values alone: constants, sizes, ranges, identity matrices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlc.ir.attributes import ElementType, Int, Literal, Size, Sizes
from dlc.ir.build import Builder
from dlc.ir.dim import Dim, ceil_div
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Primitive, Problem, Sample, Tensor, operation, sample
from dlc.ir.types import BOOL, F32, I64, Array, DType, TensorType
from dlc.ops.bounds import greatest
from dlc.ops.rules import need


def filled(b: Builder, like: TensorType, value: float) -> Value:
    """A tensor of this type with one value everywhere."""
    result: Value = b.full(shape=like.shape, value=_typed(value, like.dtype), dtype=like.dtype)
    return result


@operation
class Constant(Primitive):
    """A tensor written out: `value` is a number or nested lists of numbers.

    Without `dtype` it is bool, i64 or f32 after the first number.
    """

    positional = ("value",)

    def complete(self, *, value: Any, dtype: DType | None) -> dict[str, Any]:
        chosen = dtype or _natural(value)
        return {"dtype": chosen, "value": _typed(value, chosen)}

    def infer(self, *, value: Literal, dtype: ElementType | None = None) -> TensorType:
        assert dtype is not None
        return TensorType(dtype, _shape(value))

    def evaluate(self, *, value: Any, dtype: DType) -> Array:
        return np.array(value, dtype.numpy).reshape(_shape(value))

    def samples(self) -> Iterable[Sample]:
        yield sample(value=1.5)
        yield sample(value=[[1, 2, 3], [4, 5, 6]], dtype="i32")
        yield sample(value=[True, False])
        yield sample(value=[1, 2.5], dtype="f32")


def _natural(value: Any) -> DType:
    leaves = set(map(type, _leaves(value)))
    if leaves == {bool}:
        return BOOL
    return I64 if leaves == {int} else F32


def _leaves(value: Any) -> Iterable[Any]:
    if not isinstance(value, tuple):
        yield value
        return
    for item in value:
        yield from _leaves(item)


def _typed(value: Any, dtype: DType) -> Any:
    """The same numbers, as Python values of the kind of the element type."""
    if isinstance(value, tuple):
        return tuple(_typed(v, dtype) for v in value)
    if dtype.is_float or dtype.kind == "complex":
        return float(value)
    if dtype.kind == "bool":
        need(value in (0, 1), f"{value} is no bool", expected="true or false", found=str(value), at=["value"])
        return bool(value)
    need(int(value) == value, f"{value} is no {dtype}", expected=f"a whole number for {dtype}", found=str(value),
         at=["value"])
    _need_range(int(value), dtype)
    return int(value)


def _need_range(value: int, dtype: DType) -> None:
    if not dtype.is_integer:
        return
    signed = dtype.kind == "int"
    low, high = (-(1 << (dtype.bits - 1)) if signed else 0), (1 << (dtype.bits - signed)) - 1
    need(low <= value <= high, f"{value} does not fit {dtype}", expected=f"{low} to {high}", found=str(value),
         at=["value"])


def _shape(value: Any) -> tuple[int, ...]:
    if not isinstance(value, tuple):
        return ()
    inner = {_shape(v) for v in value}
    if len(inner) > 1:
        raise Problem("the rows of a constant have different lengths", at=["value"],
                      expected="nested lists of equal length", found=" and ".join(sorted(map(str, inner))))
    return (len(value), *(inner.pop() if inner else ()))


@operation
class Full(Composite):
    """A tensor of the given shape with one value everywhere."""

    positional = ("shape", "value")

    def complete(self, *, shape: tuple[Dim, ...], value: Any, dtype: DType | None) -> dict[str, Any]:
        need(not isinstance(value, tuple), "`full` takes one number", expected="a number", found=str(value),
             at=["value"])
        chosen = dtype or _natural(value)
        return {"dtype": chosen, "value": _typed(value, chosen)}

    def infer(self, *, shape: Sizes, value: Literal, dtype: ElementType | None = None) -> TensorType:
        assert dtype is not None
        return TensorType(dtype, shape)

    def body(self, b: Builder, *, shape: tuple[Dim, ...], value: Any, dtype: DType) -> Value:
        result: Value = b.broadcast_to(b.constant(value, dtype), shape=shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample(shape=[2, 3], value=0.5)
        yield sample(shape=[], value=7)
        yield sample(shape=[3], value=True)
        yield sample(shape=[2, 2], value=-1, dtype="f64")


class _Filled(Composite):
    """Base: a tensor full of one number."""

    number: int
    positional = ("shape",)

    def infer(self, *, shape: Sizes, dtype: ElementType = F32) -> TensorType:
        return TensorType(dtype, shape)

    def body(self, b: Builder, *, shape: tuple[Dim, ...], dtype: DType) -> Value:
        return filled(b, TensorType(dtype, shape), self.number)

    def samples(self) -> Iterable[Sample]:
        yield sample(shape=[2, 3])
        yield sample(shape=[2], dtype="i64")
        yield sample(shape=[], dtype="bool")


@operation
class Zeros(_Filled):
    """A tensor of the given shape, full of zeros."""

    number = 0


@operation
class Ones(_Filled):
    """A tensor of the given shape, full of ones."""

    number = 1


class _FilledLike(Composite):
    """Base: a tensor full of one number, of the type of another."""

    number: int

    def infer(self, x: Tensor) -> TensorType:
        return x

    def body(self, b: Builder, x: Value) -> Value:
        return filled(b, x.type, self.number)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]")
        yield sample("i64[2]")


@operation
class ZerosLike(_FilledLike):
    """Zeros in the shape and element type of `x`."""

    number = 0


@operation
class OnesLike(_FilledLike):
    """Ones in the shape and element type of `x`."""

    number = 1


@operation
class Dimension(Primitive):
    """A size as a number that can be computed with at run time: an i64 scalar."""

    positional = ("size",)

    def infer(self, *, size: Size) -> TensorType:
        return TensorType(I64, ())

    def evaluate(self, *, size: int) -> Any:
        return np.int64(size)

    def samples(self) -> Iterable[Sample]:
        yield sample(size=7)


@operation
class Arange(Primitive):
    """start, start + step, ... up to but without `stop`. `arange(n)` is 0, 1, ... n - 1."""

    positional = ("start", "stop", "step")

    def complete(self, *, start: Dim, stop: Dim | None, step: int, dtype: DType) -> dict[str, Any]:
        need(step != 0, "the step of `arange` is 0", expected="a step other than 0", found="0", at=["step"])
        return {"start": 0, "stop": start} if stop is None else {}

    def infer(self, *, start: Size, stop: Size | None = None, step: Int = 1, dtype: ElementType = I64) -> TensorType:
        assert stop is not None
        return TensorType(dtype, (greatest(0, ceil_div(stop - start, step)),))

    def evaluate(self, *, start: int, stop: int, step: int, dtype: DType) -> Array:
        return np.arange(start, stop, step).astype(dtype.numpy)

    def samples(self) -> Iterable[Sample]:
        yield sample(start=5)
        yield sample(start=2, stop=9, step=3)
        yield sample(start=5, stop=-1, step=-2)
        yield sample(start=3, stop=3)
        yield sample(start=4, dtype="f32")
