"""Tensors put together and taken apart along an axis: concat, stack, split and their kin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlc.ir.attributes import Axis, Int, Sizes
from dlc.ir.build import Builder
from dlc.ir.dim import Answer, Dim, equal
from dlc.ir.graph import Node, Value
from dlc.ir.op import Composite, Primitive, Problem, Sample, Tensor, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import need, need_equal, same_dtype
from dlc.ops.shapes import brackets


@operation
class Concat(Primitive):
    """Tensors put one after the other along an axis; the other axes are equal."""

    def infer(self, *xs: Tensor, axis: Axis = 0) -> TensorType:
        need(len(xs) >= 1, "`concat` needs at least one tensor", expected="tensors", found="none")
        first = xs[0]
        need(first.rank >= 1, "scalars cannot be concatenated", found=str(first), at=["xs0"], code="E0222",
             expected="rank 1 or more", hint="use `stack`")
        same_dtype(**{f"xs{i}": x for i, x in enumerate(xs)})
        total: Dim = 0
        for i, x in enumerate(xs):
            need(x.rank == first.rank, "`concat` takes tensors of one rank", expected=f"rank {first.rank}: {first}",
                 found=f"rank {x.rank}: {x}", at=["xs0", f"xs{i}"], code="E0222")
            for other in range(first.rank):
                if other != axis:
                    need_equal(f"the sizes of axis {other} in `concat`", first.shape[other], x.shape[other],
                               at=["xs0", f"xs{i}"])
            total = total + x.shape[axis]
        return first.with_shape(*first.shape[:axis], total, *first.shape[axis + 1:])

    def evaluate(self, *xs: Array, axis: int) -> Array:
        return np.concatenate(xs, axis)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        axis: int = node.attributes["axis"]  # type: ignore[attr-defined]
        sizes = [x.type.shape[axis] for x in node.operands if x is not None]
        parts = b.split(g, sizes=sizes, axis=axis)
        return [parts] if isinstance(parts, Value) else list(parts)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[1, 3]", "f32[4, 3]")
        yield sample("f32[2, 3]", "f32[2, 1]", axis=-1)
        yield sample("i64[3]")


@operation
class Split(Composite):
    """x cut along an axis into `parts` equal ones, or into parts of the given `sizes` (one may be -1)."""

    positional = ("parts",)

    def complete(self, x: TensorType, *, parts: int | None, sizes: tuple[Dim, ...] | None, axis: int
                 ) -> dict[str, Any]:
        need((parts is None) != (sizes is None), "`split` takes either `parts` or `sizes`", at=["parts", "sizes"],
             expected="one of them", found="both" if parts is not None else "neither", code="E0212")
        size = x.shape[axis]
        if parts is not None:
            need(parts >= 1, "`split` into no parts", expected="1 or more", found=str(parts), at=["parts"])
            _need_divisible(size, parts, axis)
            return {"parts": None, "sizes": (size // parts,) * parts}
        assert sizes is not None
        open_ = [i for i, s in enumerate(sizes) if isinstance(s, int) and s == -1]
        if len(open_) == 1:
            rest = size - sum((s for s in sizes if s != -1), start=0)
            sizes = tuple(rest if i == open_[0] else s for i, s in enumerate(sizes))
        return {"sizes": sizes}

    def infer(self, x: Tensor, *, parts: Int | None = None, sizes: Sizes | None = None,
              axis: Axis = 0) -> tuple[TensorType, ...]:
        assert sizes is not None
        need(all(not isinstance(s, int) or s >= 0 for s in sizes), "a size cannot be negative", found=brackets(sizes),
             expected="sizes >= 0, or one -1", at=["sizes"])
        need_equal(f"axis {axis} and the sum of `sizes`", x.shape[axis], sum(sizes, start=0), at=["x", "sizes"])
        return tuple(x.with_shape(*x.shape[:axis], s, *x.shape[axis + 1:]) for s in sizes)

    def body(self, b: Builder, x: Value, *, parts: None, sizes: tuple[Dim, ...], axis: int) -> tuple[Value, ...]:
        start: Dim = 0
        pieces: list[Value] = []
        for size in sizes:
            pieces.append(b.slice(x, starts=[start], stops=[start + size], axes=[axis], inside=True))
            start = start + size
        return tuple(pieces)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[6, 2]", parts=3)
        yield sample("f32[2, 6]", sizes=[1, -1, 2], axis=-1)
        yield sample("i64[5]", sizes=[2, 3])


def _need_divisible(size: Dim, parts: int, axis: int) -> None:
    answer = equal(size // parts * parts, size)
    if answer is not Answer.YES:
        known = answer is Answer.NO
        raise Problem(f"axis {axis} {'is not' if known else 'cannot be proved'} divisible into {parts} equal parts",
                      expected=f"a multiple of {parts}", found=str(size), at=["x", "parts"],
                      code="E0230" if known else "E0231",
                      hint="use `chunk`, or `sizes=`" if known else f"if it is, say so: `assume {size} % {parts} == 0`")


@operation
class Chunk(Composite):
    """x cut along an axis into parts of ceil(size / parts) elements, the last one smaller if need be."""

    positional = ("parts",)

    def infer(self, x: Tensor, *, parts: Int, axis: Axis = 0) -> tuple[TensorType, ...]:
        need(parts >= 1, "`chunk` into no parts", expected="1 or more", found=str(parts), at=["parts"])
        sizes = _chunks(x.shape[axis], parts, axis)
        return tuple(x.with_shape(*x.shape[:axis], s, *x.shape[axis + 1:]) for s in sizes)

    def body(self, b: Builder, x: Value, *, parts: int, axis: int) -> Value | tuple[Value, ...]:
        result: Value | tuple[Value, ...] = b.split(x, sizes=_chunks(x.type.shape[axis], parts, axis), axis=axis)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[7, 2]", parts=3)
        yield sample("f32[2, 6]", parts=2, axis=1)


def _chunks(size: Dim, parts: int, axis: int) -> list[Dim]:
    if not isinstance(size, int):
        _need_divisible(size, parts, axis)
        return [size // parts] * parts
    width = max(-(-size // parts), 1)
    return [min(width, size - start) for start in range(0, size, width)]


@operation
class Unbind(Composite):
    """The parts of x at every index of an axis, which is dropped. The size of the axis must be a number."""

    positional = ("axis",)

    def infer(self, x: Tensor, *, axis: Axis = 0) -> tuple[TensorType, ...]:
        size = x.shape[axis]
        if not isinstance(size, int):
            raise Problem("`unbind` needs an axis of known size", expected="a number", found=str(size), at=["x"],
                          hint="to go over an axis of any size, use `scan`")
        return (x.with_shape(*x.shape[:axis], *x.shape[axis + 1:]),) * size

    def body(self, b: Builder, x: Value, *, axis: int) -> tuple[Value, ...]:
        return tuple(b.select(x, index=i, axis=axis) for i in range(len(self.infer(x.type, axis=axis))))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[3, 2]")
        yield sample("f32[2, 2, 3]", axis=-2)


@operation
class Stack(Composite):
    """Tensors of one shape put side by side along a new axis, at the place `axis` of the result."""

    def complete(self, *xs: TensorType, axis: int) -> dict[str, Any]:
        rank = (xs[0].rank if xs else 0) + 1
        need(-rank <= axis < rank, "no such place for a new axis", expected=f"an axis from {-rank} to {rank - 1}",
             found=str(axis), at=["axis"], code="E0222")
        return {"axis": axis % rank}

    def infer(self, *xs: Tensor, axis: Int = 0) -> TensorType:
        need(len(xs) >= 1, "`stack` needs at least one tensor", expected="tensors", found="none")
        rows = [x.with_shape(*x.shape[:axis], 1, *x.shape[axis:]) for x in xs]
        return Concat().infer(*rows, axis=axis)

    def body(self, b: Builder, *xs: Value, axis: int) -> Value:
        result: Value = b.concat(*(b.unsqueeze(x, axis=axis) for x in xs), axis=axis)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[2, 3]")
        yield sample("f32[2, 3]", "f32[2, 3]", "f32[2, 3]", axis=-1)
        yield sample("i64", "i64")
