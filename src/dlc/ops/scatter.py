"""Elements written at the places that index tensors name, and read back from there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlc.ir.attributes import Axis
from dlc.ir.build import Builder
from dlc.ir.graph import Apply, Node, Value
from dlc.ir.op import Arg, Index, Primitive, Problem, Sample, Tensor, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.constants import filled
from dlc.ops.indexing import Reduction, need_along, need_shape
from dlc.ops.rules import need, same_dtype

_COMBINE: dict[str, Any] = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _write(y: Array, places: tuple[Array, ...], updates: Array, reduction: str) -> Array:
    if reduction == "none":
        y[places] = updates
    else:
        _COMBINE[reduction].at(y, places, updates)
    return y


@operation
class Scatter(Primitive):
    """x with updates[.., j, ..] written at [.., index[.., j, ..], ..], one index for each element.

    index and updates have one shape, equal to that of x but for `axis`. reduction says how an update meets what is
    there: "none" replaces it (the places must differ), "add", "mul", "max" and "min" combine.
    """

    def infer(self, x: Tensor, index: Index, updates: Tensor, *, axis: Axis = -1,
              reduction: Reduction = "none") -> TensorType:
        same_dtype(x=x, updates=updates)
        need_along("index", x, index, axis)
        need_shape("updates", updates, index.shape)
        return x

    def evaluate(self, x: Array, index: Array, updates: Array, *, axis: int, reduction: str) -> Array:
        places: list[Array] = list(np.indices(index.shape, sparse=True))
        places[axis] = index
        return _write(x.copy(), tuple(places), updates, reduction)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        _, index, updates = node.operands
        assert isinstance(node, Apply)
        assert updates is not None
        axis = node.attributes["axis"]
        _need_linear(node)
        of_updates = b.take_along_axis(g, index, axis=axis)
        if node.attributes["reduction"] == "add":
            return [g, None, of_updates]
        return [b.scatter(g, index, filled(b, updates.type, 0), axis=axis), None, of_updates]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 4]", Arg("i64[2, 2]", values=[[0, 3], [2, 1]]), "f32[2, 2]")
        yield sample("f32[4, 2]", Arg("i64[3, 2]", 0, 4), "f32[3, 2]", axis=0, reduction="add")
        yield sample("f32[4]", Arg("i64[3]", 0, 4), "f32[3]", reduction="mul", gradient=False)
        yield sample("f32[4]", Arg("i32[3]", 0, 4), "f32[3]", reduction="max", gradient=False)
        yield sample("f32[4]", Arg("i64[3]", 0, 4), "f32[3]", reduction="min", gradient=False)


def _need_linear(node: Apply) -> None:
    """The gradient rules hold for replacing and adding."""
    reduction = node.attributes["reduction"]
    if reduction not in ("none", "add"):
        raise Problem(f'`{node.op.name}` with reduction="{reduction}" has no gradient', at=["reduction"],
                      expected='reduction="none" or "add"', found=f'"{reduction}"', code="E0240")


@operation
class GatherNd(Primitive):
    """Slices of x at index tuples. index: [..., k] with k up to the rank of x; y: [..., *x.shape[k:]]."""

    def infer(self, x: Tensor, index: Index) -> TensorType:
        return x.with_shape(*index.shape[:-1], *x.shape[_tuple_length(x, index):])

    def evaluate(self, x: Array, index: Array) -> Array:
        return x[tuple(np.moveaxis(index, -1, 0))]

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        x, index = node.operands
        assert x is not None
        return [b.scatter_nd(filled(b, x.type, 0), index, g, reduction="add"), None]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[3, 4]", Arg("i64[5, 2]", 0, 3))
        yield sample("f32[3, 4]", Arg("i64[2, 2, 1]", 0, 3))


@operation
class ScatterNd(Primitive):
    """x with `updates` written at index tuples; the counterpart of `gather_nd`.

    index: [..., k]; updates: [..., *x.shape[k:]]. reduction as in `scatter`.
    """

    def infer(self, x: Tensor, index: Index, updates: Tensor, *, reduction: Reduction = "none") -> TensorType:
        same_dtype(x=x, updates=updates)
        need_shape("updates", updates, [*index.shape[:-1], *x.shape[_tuple_length(x, index):]])
        return x

    def evaluate(self, x: Array, index: Array, updates: Array, *, reduction: str) -> Array:
        return _write(x.copy(), tuple(np.moveaxis(index, -1, 0)), updates, reduction)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        _, index, updates = node.operands
        assert isinstance(node, Apply)
        assert updates is not None
        _need_linear(node)
        of_updates = b.gather_nd(g, index)
        if node.attributes["reduction"] == "add":
            return [g, None, of_updates]
        return [b.scatter_nd(g, index, filled(b, updates.type, 0)), None, of_updates]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[3, 4]", Arg("i64[2, 2]", values=[[0, 1], [2, 3]]), "f32[2]")
        yield sample("f32[3, 4]", Arg("i64[2, 1]", 0, 3), "f32[2, 4]", reduction="add")
        yield sample("f32[3]", Arg("i64[4, 1]", 0, 3), "f32[4]", reduction="max", gradient=False)


def _tuple_length(x: TensorType, index: TensorType) -> int:
    need(index.rank >= 1, "`index` needs a last axis with the index tuples", expected="rank 1 or more",
         found=str(index), at=["index"], code="E0222")
    length = index.shape[-1]
    if not isinstance(length, int) or not 1 <= length <= x.rank:
        raise Problem("the last axis of `index` is the length of the index tuples", expected=f"1 to {x.rank}",
                      found=str(length), at=["x", "index"], code="E0222")
    return length
