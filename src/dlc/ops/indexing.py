"""Elements chosen by masks and by index tensors, and written at such places.

Indices are integer tensors; negative ones count from the end; one that lies outside is an error of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import numpy as np

from dlc.ir.attributes import Axis, ElementType, Int, Real, Size, choice
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Node, Value
from dlc.ir.op import Arg, Boolean, Composite, Index, Integer, Primitive, Sample, Tensor, operation, sample
from dlc.ir.types import F32, Array, DType, TensorType
from dlc.ops.bounds import greatest, least
from dlc.ops.constants import filled
from dlc.ops.rules import broadcast, need, need_equal, same_dtype, unbroadcast

Reduction = Annotated[str, choice("none", "add", "mul", "max", "min")]


@operation
class Where(Primitive):
    """x where `condition` is true, y where it is false, with broadcasting."""

    elementwise = True

    def infer(self, condition: Boolean, x: Tensor, y: Tensor) -> TensorType:
        same_dtype(x=x, y=y)
        values = x.with_shape(*broadcast(x, y))
        return values.with_shape(*broadcast(condition, values, at=("condition", "x")))

    def evaluate(self, condition: Array, x: Array, y: Array) -> Array:
        return np.where(condition, x, y)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        condition, x, y = node.operands
        assert x is not None
        assert y is not None
        zero = b.constant(0, g.type.dtype)
        return [None, unbroadcast(b, b.where(condition, g, zero), x.type),
                unbroadcast(b, b.where(condition, zero, g), y.type)]

    def samples(self) -> Iterable[Sample]:
        yield sample("bool[2, 3]", "f32[2, 3]", "f32[2, 3]")
        yield sample("bool[3]", "f32[2, 3]", "f32")
        yield sample("bool[2, 1]", "f32[3]", "f32[1, 3]")
        yield sample("bool[4]", "i64[4]", "i64[4]")


@operation
class MaskedFill(Composite):
    """x with `value` where `mask` is true."""

    positional = ("value",)

    def infer(self, x: Tensor, mask: Boolean, *, value: Real) -> TensorType:
        return x.with_shape(*broadcast(x, mask, at=("x", "mask")))

    def body(self, b: Builder, x: Value, mask: Value, *, value: float) -> Value:
        result: Value = b.where(mask, filled(b, x.type.with_shape(), value), x)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "bool[2, 3]", value=-1e9)
        yield sample("f32[2, 3]", "bool[3]", value=0)


@operation
class Gather(Primitive):
    """Slices of x at the indices of an axis, as numpy's `take`: that axis is replaced by the axes of `index`.

    x: [..., size, ...]; index: any shape; y: [..., *index.shape, ...].
    """

    def infer(self, x: Tensor, index: Index, *, axis: Axis = 0) -> TensorType:
        need(x.rank >= 1, "a scalar has no axis to gather from", expected="rank 1 or more", found=str(x), at=["x"],
             code="E0222")
        return x.with_shape(*x.shape[:axis], *index.shape, *x.shape[axis + 1:])

    def evaluate(self, x: Array, index: Array, *, axis: int) -> Array:
        return np.take(x, index, axis)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        x, index = node.operands
        assert x is not None
        axis: int = node.attributes["axis"]  # type: ignore[attr-defined]
        return [b.index_update(filled(b, x.type, 0), index, g, axis=axis, reduction="add"), None]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[4, 3]", Arg("i64[5]", 0, 4))
        yield sample("f32[4, 3]", Arg("i64[2, 2]", 0, 3), axis=1)
        yield sample("f32[2, 4, 3]", Arg("i32", 0, 4), axis=1)
        yield sample("f32[4]", Arg("i64[3]", values=[-1, 0, -4]))


@operation
class IndexUpdate(Composite):
    """x with `updates` written at the indices of an axis; the counterpart of `gather`.

    updates: [..., *index.shape, ...]. reduction says how an update meets what is there: "none" replaces it (the
    indices must differ), "add", "mul", "max" and "min" combine.
    """

    def infer(self, x: Tensor, index: Index, updates: Tensor, *, axis: Axis = 0,
              reduction: Reduction = "none") -> TensorType:
        same_dtype(x=x, updates=updates)
        part = Gather().infer(x, index, axis=axis)
        need_shape("updates", updates, part.shape)
        return x

    def body(self, b: Builder, x: Value, index: Value, updates: Value, *, axis: int, reduction: str) -> Value:
        shape, flat = x.type.shape, index.type.size
        rows = [*shape[:axis], flat, *shape[axis + 1:]]
        places = b.reshape(index, shape=[flat if i == axis else 1 for i in range(len(shape))])
        result: Value = b.scatter(x, b.broadcast_to(places, shape=rows), b.reshape(updates, shape=rows), axis=axis,
                                  reduction=reduction)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[4, 3]", Arg("i64[2]", values=[3, 1]), "f32[2, 3]")
        yield sample("f32[4, 3]", Arg("i64[2, 2]", 0, 3), "f32[4, 2, 2]", axis=1, reduction="add")
        yield sample("f32[4]", Arg("i64", values=-1), "f32")


def need_shape(name: str, t: TensorType, shape: Sequence[Dim]) -> None:
    need(t.rank == len(shape), f"`{name}` has the wrong rank", expected=f"rank {len(shape)}",
         found=f"rank {t.rank}: {t}", at=[name], code="E0222")
    for axis, (found, expected) in enumerate(zip(t.shape, shape, strict=True)):
        need_equal(f"axis {axis} of `{name}` and what it is written to", expected, found, at=[name])


@operation
class TakeAlongAxis(Primitive):
    """y[.., j, ..] = x[.., index[.., j, ..], ..]: one index for each element; the other axes of both are equal."""

    def infer(self, x: Tensor, index: Index, *, axis: Axis = -1) -> TensorType:
        need_along("index", x, index, axis)
        return x.with_shape(*index.shape)

    def evaluate(self, x: Array, index: Array, *, axis: int) -> Array:
        return np.take_along_axis(x, index.astype(np.int64), axis)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        x, index = node.operands
        assert x is not None
        axis: int = node.attributes["axis"]  # type: ignore[attr-defined]
        return [b.scatter(filled(b, x.type, 0), index, g, axis=axis, reduction="add"), None]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 4]", Arg("i64[2, 3]", 0, 4))
        yield sample("f32[2, 4]", Arg("i64[1, 4]", 0, 2), axis=0)
        yield sample("f32[3]", Arg("i32[2]", values=[-1, 0]))


def need_along(name: str, x: TensorType, t: TensorType, axis: int) -> None:
    need(t.rank == x.rank, f"`{name}` needs the rank of `x`", expected=f"rank {x.rank}", found=f"rank {t.rank}: {t}",
         at=["x", name], code="E0222")
    for i in range(x.rank):
        if i != axis:
            need_equal(f"axis {i} of `x` and of `{name}`", x.shape[i], t.shape[i], at=["x", name])


@operation
class OneHot(Composite):
    """1 at the index, 0 elsewhere, along a new last axis of size `classes`. x: [...] -> [..., classes]."""

    positional = ("classes",)

    def infer(self, x: Integer, *, classes: Size, dtype: ElementType = F32) -> TensorType:
        return TensorType(dtype, (*x.shape, classes))

    def body(self, b: Builder, x: Value, *, classes: Dim, dtype: DType) -> Value:
        hit = b.equal(b.unsqueeze(x, axis=-1), b.arange(start=classes, dtype=x.type.dtype))
        result: Value = b.cast(hit, dtype=dtype)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("i64[5]", 0, 4), classes=4)
        yield sample(Arg("i32[2, 3]", 0, 3), classes=3, dtype="i64")


@operation
class Diagonal(Composite):
    """The diagonal of the matrices in the axes `first` and `second`, as a new last axis.

    Elements with row + `offset` = column: those above the main diagonal for offset > 0.
    """

    positional = ("offset",)

    def infer(self, x: Tensor, *, offset: Int = 0, first: Axis = -2, second: Axis = -1) -> TensorType:
        need(first != second, "`diagonal` needs two axes", expected="different axes", found=str([first, second]),
             at=["first", "second"], code="E0222")
        rest = [d for i, d in enumerate(x.shape) if i not in (first, second)]
        return x.with_shape(*rest, _diagonal_length(x.shape[first], x.shape[second], offset))

    def body(self, b: Builder, x: Value, *, offset: int, first: int, second: int) -> Value:
        shape = x.type.shape
        n, m = shape[first], shape[second]
        rest = [i for i in range(len(shape)) if i not in (first, second)]
        length = _diagonal_length(n, m, offset)
        lines = b.reshape(b.transpose(x, axes=[*rest, first, second]), shape=[*(shape[i] for i in rest), n * m])
        start = offset if offset >= 0 else -offset * m
        places = b.add(b.mul(b.arange(start=length), b.dimension(size=m + 1)), b.dimension(size=start))
        result: Value = b.gather(lines, places, axis=-1)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[3, 3]")
        yield sample("f32[2, 3, 5]", offset=1)
        yield sample("f32[5, 2, 3]", offset=-2, first=0, second=2)


def _diagonal_length(n: Dim, m: Dim, offset: int) -> Dim:
    return greatest(0, least(n, m - offset) if offset >= 0 else least(n + offset, m))
