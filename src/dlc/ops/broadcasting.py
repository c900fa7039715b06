"""Axes that are stretched or repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import numpy as np

from dlc.ir.attributes import Axis, Size, Sizes, choice
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Node, Value
from dlc.ir.op import Composite, Primitive, Sample, Tensor, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import broadcast, need, unbroadcast
from dlc.ops.shapes import brackets

Indexing = Annotated[str, choice("ij", "xy")]


@operation
class BroadcastTo(Primitive):
    """x stretched to `shape`: axes are matched from the last; an axis of literally 1 or a missing one stretches."""

    positional = ("shape",)

    def infer(self, x: Tensor, *, shape: Sizes) -> TensorType:
        target = x.with_shape(*shape)
        found = broadcast(x, target, at=("x", "shape")) if x.rank <= len(shape) else ()
        need(found == shape, f"{x} does not broadcast to {brackets(shape)}", expected=f"a shape that {x} stretches to",
             found=brackets(shape), at=["x", "shape"], code="E0230")
        return target

    def evaluate(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        return np.broadcast_to(x, shape)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        x = node.operands[0]
        assert x is not None
        return [unbroadcast(b, g, x.type)]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[3]", shape=[2, 3])
        yield sample("f32[2, 1, 3]", shape=[2, 4, 3])
        yield sample("f32", shape=[2, 2])
        yield sample("i64[1]", shape=[3])


@operation
class Broadcast(Composite):
    """x stretched to the shape of `like`; the values of `like` do not matter."""

    def infer(self, x: Tensor, like: Tensor) -> TensorType:
        return BroadcastTo().infer(x, shape=like.shape)

    def body(self, b: Builder, x: Value, like: Value) -> Value:
        result: Value = b.broadcast_to(x, shape=like.type.shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[3]", "f32[2, 3]")
        yield sample("f32[2, 1]", "i64[4, 2, 3]")


@operation
class Expand(Composite):
    """x stretched to `shape`, where -1 keeps the size of the axis it stands for."""

    positional = ("shape",)

    def complete(self, x: TensorType, *, shape: tuple[Dim, ...]) -> dict[str, Any]:
        offset = len(shape) - x.rank
        kept = [i for i, d in enumerate(shape) if isinstance(d, int) and d == -1]
        need(all(i >= offset for i in kept), "-1 stands for an axis that `x` lacks", at=["shape"],
             expected=f"-1 only in the last {x.rank} places", found=brackets(shape))
        return {"shape": tuple(x.shape[i - offset] if i in kept else d for i, d in enumerate(shape))}

    def infer(self, x: Tensor, *, shape: Sizes) -> TensorType:
        return BroadcastTo().infer(x, shape=shape)

    def body(self, b: Builder, x: Value, *, shape: tuple[Dim, ...]) -> Value:
        result: Value = b.broadcast_to(x, shape=shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 1]", shape=[-1, 3])
        yield sample("f32[2, 1]", shape=[4, 2, 3])


@operation
class Tile(Composite):
    """x repeated `repeats[i]` times along axis i; as many repeats as axes."""

    positional = ("repeats",)

    def infer(self, x: Tensor, *, repeats: Sizes) -> TensorType:
        need(len(repeats) == x.rank, "`tile` needs a number of repeats for each axis", expected=f"{x.rank} numbers",
             found=f"{len(repeats)}", at=["repeats"], code="E0222")
        return x.with_shape(*(d * r for d, r in zip(x.shape, repeats, strict=True)))

    def body(self, b: Builder, x: Value, *, repeats: tuple[Dim, ...]) -> Value:
        shape = x.type.shape
        spread = b.reshape(x, shape=[s for d in shape for s in (1, d)])
        stretched = b.broadcast_to(spread, shape=[s for r, d in zip(repeats, shape, strict=True) for s in (r, d)])
        result: Value = b.reshape(stretched, shape=self.infer(x.type, repeats=repeats).shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", repeats=[2, 1])
        yield sample("f32[2, 1, 3]", repeats=[1, 3, 2])


@operation
class RepeatInterleave(Composite):
    """Each element repeated `repeats` times in place: [a, b] -> [a, a, b, b]."""

    positional = ("repeats",)

    def infer(self, x: Tensor, *, repeats: Size, axis: Axis = 0) -> TensorType:
        return x.with_shape(*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1:])

    def body(self, b: Builder, x: Value, *, repeats: Dim, axis: int) -> Value:
        shape = x.type.shape
        before, after = shape[:axis + 1], shape[axis + 1:]
        stretched = b.broadcast_to(b.unsqueeze(x, axis=axis + 1), shape=[*before, repeats, *after])
        result: Value = b.reshape(stretched, shape=self.infer(x.type, repeats=repeats, axis=axis).shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", repeats=2)
        yield sample("f32[2, 3]", repeats=3, axis=-1)


@operation
class Meshgrid(Composite):
    """The coordinates of a grid: for each of n vectors a tensor of rank n that varies along its own axis only.

    indexing: "ij" gives the i-th vector axis i; "xy" exchanges the first two axes, as plots have it.
    """

    def infer(self, *xs: Tensor, indexing: Indexing = "ij") -> tuple[TensorType, ...]:
        for i, x in enumerate(xs):
            need(x.rank == 1, "`meshgrid` takes vectors", expected="rank 1", found=str(x), at=[f"xs{i}"], code="E0222")
        axes = _grid_axes(len(xs), indexing)
        shape = tuple(xs[axes.index(place)].shape[0] for place in range(len(xs)))
        return tuple(x.with_shape(*shape) for x in xs)

    def body(self, b: Builder, *xs: Value, indexing: str) -> tuple[Value, ...]:
        axes = _grid_axes(len(xs), indexing)
        types = self.infer(*(x.type for x in xs), indexing=indexing)
        return tuple(b.broadcast_to(b.reshape(x, shape=[-1 if place == axis else 1 for place in range(len(xs))]),
                                    shape=t.shape) for x, axis, t in zip(xs, axes, types, strict=True))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2]", "f32[3]", "f32[4]")
        yield sample("f32[2]", "f32[3]", indexing="xy")
        yield sample("i64[2]")


def _grid_axes(count: int, indexing: str) -> list[int]:
    """The axis that belongs to each vector."""
    return [1, 0, *range(2, count)] if indexing == "xy" and count > 1 else list(range(count))
