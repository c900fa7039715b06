"""Elements in order of size: argsort, sort, top_k."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dlc.ir.attributes import Axis, Bool, Size
from dlc.ir.build import Builder
from dlc.ir.dim import Answer, Dim, at_most
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Number, Primitive, Sample, operation, sample
from dlc.ir.types import I64, Array, TensorType
from dlc.ops.rules import need


def _need_axis(name: str, x: TensorType) -> None:
    need(x.rank >= 1, f"`{name}` needs an axis to go along", expected="rank 1 or more", found=str(x), at=["x"],
         code="E0222")


@operation
class Argsort(Primitive):
    """The indices (i64) that put an axis in ascending order, or `descending`; equal elements keep their order."""

    def infer(self, x: Number, *, axis: Axis = -1, descending: Bool = False) -> TensorType:
        _need_axis(self.name, x)
        return x.with_dtype(I64)

    def evaluate(self, x: Array, *, axis: int, descending: bool) -> Array:
        if not descending:
            return np.argsort(x, axis, kind="stable").astype(np.int64)
        backwards = np.argsort(np.flip(x, axis), axis, kind="stable")
        return (x.shape[axis] - 1 - np.flip(backwards, axis)).astype(np.int64)

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 5]", distinct=True))
        yield sample(Arg("f32[4, 3]", distinct=True), axis=0, descending=True)
        yield sample(Arg("i64[6]", values=[3, 1, 3, 2, 1, 3]), descending=True)


@operation
class Sort(Composite):
    """The elements of an axis in ascending order, or `descending`."""

    def infer(self, x: Number, *, axis: Axis = -1, descending: Bool = False) -> TensorType:
        _need_axis(self.name, x)
        return x

    def body(self, b: Builder, x: Value, *, axis: int, descending: bool) -> Value:
        result: Value = b.take_along_axis(x, b.argsort(x, axis=axis, descending=descending), axis=axis)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 5]", distinct=True))
        yield sample(Arg("f32[4, 3]", distinct=True), axis=0, descending=True)
        yield sample("i64[6]")


@operation
class TopK(Composite):
    """The `k` largest elements of an axis in descending order and their indices (i64): values, indices = top_k(x, k).

    largest=false takes the smallest, in ascending order. Of equal elements the first one comes first.
    """

    positional = ("k",)
    outputs = ("values", "indices")

    def infer(self, x: Number, *, k: Size, axis: Axis = -1, largest: Bool = True) -> tuple[TensorType, TensorType]:
        _need_axis(self.name, x)
        need(at_most(k, x.shape[axis]) is not Answer.NO, f"axis {axis} has fewer than {k} elements", at=["x", "k"],
             expected=f"at most {x.shape[axis]}", found=str(k))
        need(at_most(0, k) is not Answer.NO, "`k` cannot be negative", expected="0 or more", found=str(k), at=["k"])
        values = x.with_shape(*x.shape[:axis], k, *x.shape[axis + 1:])
        return values, values.with_dtype(I64)

    def body(self, b: Builder, x: Value, *, k: Dim, axis: int, largest: bool) -> tuple[Value, Value]:
        order = b.argsort(x, axis=axis, descending=largest)
        first: Value = b.split(order, sizes=[k, x.type.shape[axis] - k], axis=axis)[0]
        return b.take_along_axis(x, first, axis=axis), first

    def samples(self) -> Iterable[Sample]:
        yield sample(Arg("f32[2, 5]", distinct=True), k=3)
        yield sample(Arg("f32[5, 2]", distinct=True), k=2, axis=0, largest=False)
        yield sample(Arg("i64[6]", values=[3, 1, 3, 2, 1, 3]), k=4)
