"""The same elements in another shape or order of axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dlc.ir.attributes import Axes, Axis, Int, Ints, OneOrMore, Sizes
from dlc.ir.build import Builder
from dlc.ir.dim import Answer, Dim, equal, product
from dlc.ir.graph import Node, Value
from dlc.ir.op import Composite, Primitive, Problem, Sample, Tensor, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import need


@operation
class Reshape(Primitive):
    """The same elements in order, in another shape. One size may be -1: it follows from the number of elements.

    The numbers of elements must be provably equal.
    """

    positional = ("shape",)

    def complete(self, x: TensorType, *, shape: tuple[Dim, ...]) -> dict[str, Any]:
        open_ = [i for i, d in enumerate(shape) if isinstance(d, int) and d == -1]
        need(len(open_) <= 1, "only one size of `reshape` can be -1", expected="at most one -1", found=brackets(shape),
             at=["shape"])
        if not open_:
            return {}
        rest = product(d for i, d in enumerate(shape) if i != open_[0])
        missing = _exact(x, rest, shape)
        return {"shape": (*shape[:open_[0]], missing, *shape[open_[0] + 1:])}

    def infer(self, x: Tensor, *, shape: Sizes) -> TensorType:
        need(all(not isinstance(d, int) or d >= 0 for d in shape), "a size cannot be negative", found=brackets(shape),
             expected="sizes >= 0, or one -1", at=["shape"])
        answer = equal(x.size, product(shape))
        if answer is Answer.YES:
            return x.with_shape(*shape)
        words = "differ" if answer is Answer.NO else "cannot be proved equal"
        raise Problem(f"the numbers of elements before and after `reshape` {words}", at=["x", "shape"],
                      expected=f"{x.size} elements, those of {x}",
                      found=f"{product(shape)} elements: {brackets(shape)}",
                      code="E0230" if answer is Answer.NO else "E0231")

    def evaluate(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        return x.reshape(shape)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        x = node.operands[0]
        assert x is not None
        return [b.reshape(g, shape=x.type.shape)]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 6]", shape=[3, 4])
        yield sample("f32[2, 3, 4]", shape=[2, -1])
        yield sample("f32[1, 1]", shape=[])
        yield sample("i64[4]", shape=[2, 1, 2])


def _exact(x: TensorType, rest: Dim, shape: tuple[Dim, ...]) -> Dim:
    """The size that -1 stands for."""
    if isinstance(rest, int) and rest == 0:
        raise Problem("-1 is not determined beside a size of 0", at=["shape"], found=brackets(shape))
    quotient = x.size // rest
    answer = equal(quotient * rest, x.size)
    if answer is Answer.YES:
        return quotient
    if answer is Answer.NO:
        raise Problem(f"the {x.size} elements of {x} cannot be split into {rest}", at=["x", "shape"], code="E0230",
                      expected=f"a shape with {x.size} elements", found=brackets(shape))
    raise Problem("the size that -1 stands for cannot be proved whole", at=["x", "shape"], code="E0231",
                  expected=f"{x.size} divisible by {rest}", found=brackets(shape),
                  hint=f"if it always is, say so: `assume ({x.size}) % ({rest}) == 0`")


def brackets(shape: Sequence[Dim]) -> str:
    return f"[{', '.join(map(str, shape))}]"


@operation
class Flatten(Composite):
    """The axes `start` to `end` (both included) merged into one. x: [N, C, H, W] -> [N, C*H*W] by default."""

    positional = ("start", "end")

    def complete(self, x: TensorType, *, start: int, end: int) -> dict[str, Any]:
        rank = max(x.rank, 1)
        need(-rank <= start < rank and -rank <= end < rank, "`flatten` has no such axis", found=f"{start} to {end}",
             expected=f"axes from {-rank} to {rank - 1}", at=["start", "end"], code="E0222")
        start, end = start % rank, end % rank
        need(start <= end, "`flatten` ends before it starts", found=f"{start} to {end}", at=["start", "end"],
             expected="start <= end", code="E0222")
        return {"start": start, "end": end}

    def infer(self, x: Tensor, *, start: Int = 1, end: Int = -1) -> TensorType:
        if x.rank == 0:
            return x.with_shape(1)
        return x.with_shape(*x.shape[:start], product(x.shape[start:end + 1]), *x.shape[end + 1:])

    def body(self, b: Builder, x: Value, *, start: int, end: int) -> Value:
        result: Value = b.reshape(x, shape=self.infer(x.type, start=start, end=end).shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4, 5]")
        yield sample("f32[2, 3, 4, 5]", start=0, end=2)
        yield sample("f32[2, 3, 4]", start=-2)
        yield sample("f32[3]", start=0)


@operation
class Unflatten(Composite):
    """One axis split into several: `unflatten(x, axis=1, shape=[3, -1])`. One size may be -1."""

    positional = ("shape",)

    def complete(self, x: TensorType, *, shape: tuple[Dim, ...], axis: int) -> dict[str, Any]:
        inner = Reshape().complete(TensorType(x.dtype, (x.shape[axis],)), shape=shape)
        return {"shape": inner.get("shape", shape)}

    def infer(self, x: Tensor, *, shape: Sizes, axis: Axis = -1) -> TensorType:
        inner = Reshape().infer(x.with_shape(x.shape[axis]), shape=shape)
        return x.with_shape(*x.shape[:axis], *inner.shape, *x.shape[axis + 1:])

    def body(self, b: Builder, x: Value, *, shape: tuple[Dim, ...], axis: int) -> Value:
        result: Value = b.reshape(x, shape=self.infer(x.type, shape=shape, axis=axis).shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 6]", shape=[2, 3])
        yield sample("f32[6, 2]", shape=[-1, 2], axis=0)


@operation
class Transpose(Primitive):
    """The axes in another order: axis i of the result is axis `axes[i]` of `x`. Without `axes`, in reverse."""

    positional = ("axes",)

    def complete(self, x: TensorType, *, axes: tuple[int, ...] | None) -> dict[str, Any]:
        if axes is None:
            return {"axes": tuple(reversed(range(x.rank)))}
        positive = tuple(a + x.rank if a < 0 else a for a in axes)
        need(sorted(positive) == list(range(x.rank)), "`axes` must name every axis once", at=["axes"], code="E0222",
             expected=f"an order of {list(range(x.rank))}", found=str(list(axes)))
        return {"axes": positive}

    def infer(self, x: Tensor, *, axes: Ints | None = None) -> TensorType:
        assert axes is not None
        return x.with_shape(*(x.shape[a] for a in axes))

    def evaluate(self, x: Array, *, axes: tuple[int, ...]) -> Array:
        return x.transpose(axes)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        axes: tuple[int, ...] = node.attributes["axes"]  # type: ignore[attr-defined]
        return [b.transpose(g, axes=inverse(axes))]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4]", axes=[1, 2, 0])
        yield sample("f32[2, 3]")
        yield sample("i64[2, 3, 4]", axes=[0, -1, 1])
        yield sample("f32", axes=[])


def inverse(axes: Sequence[int]) -> list[int]:
    """The order of axes that undoes `axes`."""
    return sorted(range(len(axes)), key=lambda i: axes[i])


@operation
class SwapAxes(Composite):
    """Two axes exchanged."""

    positional = ("first", "second")

    def infer(self, x: Tensor, *, first: Axis = -2, second: Axis = -1) -> TensorType:
        return x.with_shape(*(x.shape[a] for a in _swapped(x.rank, first, second)))

    def body(self, b: Builder, x: Value, *, first: int, second: int) -> Value:
        result: Value = b.transpose(x, axes=_swapped(x.type.rank, first, second))
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4]")
        yield sample("f32[2, 3, 4]", first=0, second=2)


def _swapped(rank: int, first: int, second: int) -> list[int]:
    axes = list(range(rank))
    axes[first], axes[second] = axes[second], axes[first]
    return axes


@operation
class Squeeze(Composite):
    """Axes of size 1 removed: those of `axis`, or every axis whose size is literally 1."""

    positional = ("axis",)

    def complete(self, x: TensorType, *, axis: tuple[int, ...] | None) -> dict[str, Any]:
        ones = tuple(i for i, d in enumerate(x.shape) if isinstance(d, int) and d == 1)
        if axis is None:
            return {"axis": ones}
        wrong = [a for a in axis if a not in ones]
        need(not wrong, f"axis {wrong[0] if wrong else 0} of {x} is not 1", expected="a size of 1", at=["x", "axis"],
             found=str(x.shape[wrong[0]]) if wrong else "", code="E0230")
        return {}

    def infer(self, x: Tensor, *, axis: Axes | None = None) -> TensorType:
        assert axis is not None
        return x.with_shape(*(d for i, d in enumerate(x.shape) if i not in axis))

    def body(self, b: Builder, x: Value, *, axis: tuple[int, ...]) -> Value:
        result: Value = b.reshape(x, shape=self.infer(x.type, axis=axis).shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 1, 3, 1]")
        yield sample("f32[2, 1, 3, 1]", axis=-1)
        yield sample("f32[1, 2, 1]", axis=[0, 2])


@operation
class Unsqueeze(Composite):
    """New axes of size 1, at the places `axis` of the result."""

    positional = ("axis",)

    def complete(self, x: TensorType, *, axis: tuple[int, ...]) -> dict[str, Any]:
        rank = x.rank + len(axis)
        places = tuple(sorted(a + rank if a < 0 else a for a in axis))
        need(len(set(places)) == len(places) and all(0 <= a < rank for a in places), "no such place for a new axis",
             expected=f"different places from {-rank} to {rank - 1}", found=str(list(axis)), at=["axis"], code="E0222")
        return {"axis": places}

    def infer(self, x: Tensor, *, axis: OneOrMore) -> TensorType:
        rest = iter(x.shape)
        return x.with_shape(*(1 if i in axis else next(rest) for i in range(x.rank + len(axis))))

    def body(self, b: Builder, x: Value, *, axis: tuple[int, ...]) -> Value:
        result: Value = b.reshape(x, shape=self.infer(x.type, axis=axis).shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", axis=1)
        yield sample("f32[2, 3]", axis=[0, -1])
        yield sample("f32", axis=0)
