"""Reductions: many elements along some axes become one. The primitives; `statistics.py` has what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlc.ir.attributes import Axes, Axis, Bool
from dlc.ir.build import Builder
from dlc.ir.dim import Dim, product
from dlc.ir.graph import Apply, Value
from dlc.ir.op import Arg, Boolean, Number, Primitive, Sample, operation, sample
from dlc.ir.types import I64, Array, TensorType
from dlc.ops.rules import given, need, reduced


def stretched(b: Builder, y: Value, x: TensorType, axis: tuple[int, ...], keepdims: bool) -> Value:
    """The result of a reduction of an `x`, repeated along the reduced axes."""
    kept = y if keepdims else b.reshape(y, shape=reduced(x.shape, axis, True))
    result: Value = b.broadcast_to(kept, shape=x.shape)
    return result


def count(shape: Sequence[Dim], axis: tuple[int, ...]) -> Dim:
    """How many elements a reduction over these axes takes together."""
    return product(shape[i] for i in axis)


def need_elements(name: str, x: TensorType, axis: tuple[int, ...]) -> None:
    """There is something to choose from."""
    need(count(x.shape, axis) != 0, f"`{name}` of no elements does not exist", expected="at least one element",
         found=str(x), at=["x"], code="E0230")


class Reduction(Primitive):
    """Base: over `axis` (one or several; all of them unless given), which `keepdims` leaves as axes of size 1."""

    axis_attributes = ("axis",)
    numpy: Any

    def infer(self, x: Number, *, axis: Axes = None, keepdims: Bool = False) -> TensorType:  # type: ignore[assignment]
        return x.with_shape(*reduced(x.shape, axis, keepdims))

    def evaluate(self, x: Array, *, axis: tuple[int, ...], keepdims: bool) -> Any:
        return type(self).numpy(x, axis=axis, keepdims=keepdims).astype(x.dtype, copy=False)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4]")
        yield sample("f32[2, 3, 4]", keepdims=True)
        yield sample("f32[2, 3, 4]", axis=1)
        yield sample("f32[2, 3, 4]", axis=-1, keepdims=True)
        yield sample("f32[2, 3, 4]", axis=[0, -1])
        yield sample("f32[2, 3, 4]", axis=[0, 2], keepdims=True)
        yield sample("f32")
        yield sample(Arg("i64[2, 3]", -3, 3), axis=1)


@operation
class Sum(Reduction):
    """The sum of the elements along `axis`; 0 of none."""

    ulps = 16
    numpy = np.sum

    def gradient(self, b: Builder, node: Apply, g: Value) -> Sequence[Value | None]:
        (x,) = given(node)
        return [stretched(b, g, x.type, **node.attributes)]

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("f32[0, 3]", axis=0)
        yield sample("f32[2, 3]", axis=[])


@operation
class Prod(Reduction):
    """The product of the elements along `axis`; 1 of none.

    Gradient: the product of all others, also where some elements are zero; second derivatives are right where none is.
    """

    ulps = 16
    numpy = np.prod

    def gradient(self, b: Builder, node: Apply, g: Value) -> Sequence[Value | None]:
        (x,) = given(node)
        attributes = node.attributes
        is_zero = b.equal(x, 0.0)
        filled = b.where(is_zero, 1.0, x)
        zeros = b.sum(b.cast(is_zero, dtype=x.type.dtype), **attributes)
        others_if_zero = stretched(b, b.where(b.equal(zeros, 1.0), b.prod(filled, **attributes), 0.0), x.type,
                                   **attributes)
        others = b.div(stretched(b, node.output, x.type, **attributes), filled)
        return [b.mul(stretched(b, g, x.type, **attributes), b.where(is_zero, others_if_zero, others))]

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample(Arg("f32[4, 3]", values=[[1.5, 2, 3], [0, 2, 3], [0, 2, 0], [-1, 0, 2]]), axis=1)


class Extreme(Reduction):
    """Base: the gradient goes to the chosen element, in equal parts where several are equal."""

    def gradient(self, b: Builder, node: Apply, g: Value) -> Sequence[Value | None]:
        (x,) = given(node)
        attributes = node.attributes
        chosen = b.cast(b.equal(x, stretched(b, node.output, x.type, **attributes)), dtype=x.type.dtype)
        share = b.div(g, b.sum(chosen, **attributes))
        return [b.mul(chosen, stretched(b, share, x.type, **attributes))]


@operation
class Max(Extreme):
    """The greatest element along `axis`; there must be one. The gradient is shared by equal ones."""

    numpy = np.max

    def infer(self, x: Number, *, axis: Axes = None, keepdims: Bool = False) -> TensorType:  # type: ignore[assignment]
        need_elements("max", x, axis)
        return super().infer(x, axis=axis, keepdims=keepdims)


@operation
class Min(Extreme):
    """The least element along `axis`; there must be one. The gradient is shared by equal ones."""

    numpy = np.min

    def infer(self, x: Number, *, axis: Axes = None, keepdims: Bool = False) -> TensorType:  # type: ignore[assignment]
        need_elements("min", x, axis)
        return super().infer(x, axis=axis, keepdims=keepdims)


class Quantifier(Primitive):
    """Base: over `axis` (one or several; all of them unless given), which `keepdims` leaves as axes of size 1."""

    axis_attributes = ("axis",)
    numpy: Any

    def infer(self, x: Boolean, *, axis: Axes = None, keepdims: Bool = False) -> TensorType:  # type: ignore[assignment]
        return x.with_shape(*reduced(x.shape, axis, keepdims))

    def evaluate(self, x: Array, *, axis: tuple[int, ...], keepdims: bool) -> Any:
        return type(self).numpy(x, axis=axis, keepdims=keepdims)

    def samples(self) -> Iterable[Sample]:
        yield sample("bool[2, 3, 2]")
        yield sample("bool[2, 3, 2]", axis=1)
        yield sample("bool[2, 3, 2]", axis=[0, -1], keepdims=True)
        yield sample("bool[2, 3, 2]", keepdims=True)


@operation
class AnyTrue(Quantifier):
    """Whether some element along `axis` is true."""

    name = "any"
    numpy = np.any


@operation
class AllTrue(Quantifier):
    """Whether every element along `axis` is true."""

    name = "all"
    numpy = np.all


class Position(Primitive):
    """Base: an index along one axis (the last unless given), as i64."""

    axis_attributes = ("axis",)
    numpy: Any

    def infer(self, x: Number, *, axis: Axis = -1, keepdims: Bool = False) -> TensorType:
        need(x.rank >= 1, f"`{self.name}` needs a tensor with an axis", expected="rank 1 or more", found=str(x),
             at=["x"], code="E0222")
        need_elements(self.name, x, (axis,))
        return TensorType(I64, reduced(x.shape, [axis], keepdims))

    def evaluate(self, x: Array, *, axis: int, keepdims: bool) -> Any:
        return type(self).numpy(x, axis=axis, keepdims=keepdims).astype(np.int64)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4]")
        yield sample("f32[2, 3, 4]", axis=0)
        yield sample("f32[2, 3, 4]", axis=1, keepdims=True)
        yield sample(Arg("i64[5]", -9, 9, distinct=True))


@operation
class Argmax(Position):
    """The index of the greatest element along `axis`, the first one of equals."""

    numpy = np.argmax


@operation
class Argmin(Position):
    """The index of the least element along `axis`, the first one of equals."""

    numpy = np.argmin


class Cumulative(Primitive):
    """Base: the result at an index takes together all elements along `axis` up to and including it."""

    axis_attributes = ("axis",)
    positional = ("axis",)
    ulps = 16
    numpy: Any

    def infer(self, x: Number, *, axis: Axis) -> TensorType:
        return x

    def evaluate(self, x: Array, *, axis: int) -> Any:
        return type(self).numpy(x, axis=axis).astype(x.dtype, copy=False)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4]", axis=1)
        yield sample("f32[2, 3, 4]", axis=-1)
        yield sample("f32[5]", axis=0)
        yield sample(Arg("i64[2, 3]", -3, 3), axis=1)


def _reverse_sum(b: Builder, x: Value, axis: int) -> Value:
    result: Value = b.flip(b.cumsum(b.flip(x, axis=axis), axis=axis), axis=axis)
    return result


@operation
class Cumsum(Cumulative):
    """The running sum along `axis`."""

    numpy = np.cumsum

    def gradient(self, b: Builder, node: Apply, g: Value) -> Sequence[Value | None]:
        return [_reverse_sum(b, g, node.attributes["axis"])]


@operation
class Cumprod(Cumulative):
    """The running product along `axis`. Its gradient divides by x, so it is not a number where x is 0."""

    numpy = np.cumprod

    def gradient(self, b: Builder, node: Apply, g: Value) -> Sequence[Value | None]:
        return [b.div(_reverse_sum(b, b.mul(g, node.output), node.attributes["axis"]), node.operands[0])]
