"""Parts of tensors, and elements in another order: slice, select, flip, roll."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dlc.ir.attributes import Axes, Axis, Bool, Bounds, OneOrMore, Size
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Apply, Node, Value
from dlc.ir.op import Composite, Primitive, Sample, Tensor, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.bounds import Range, resolve_index, resolve_range, trusted_range
from dlc.ops.rules import need


@operation
class Slice(Primitive):
    """x[start:stop:step] along each of `axes` (the first ones unless given), with Python's meaning.

    Negative bounds count from the end, bounds outside are clamped, none is an open end. Symbolic sizes are taken to be
    1 or more, and a bound of unknown sign counts from the start. Canonical bounds count from the start and lie on the
    axis wherever that can be decided; `stops` are none where the slice goes to the end (for negative steps: to the
    beginning).

    inside: the bounds are known to lie on the axis, so that nothing is clamped: the size is stop - start as it stands.
    """

    def complete(self, x: TensorType, *, starts: tuple[Dim | None, ...], stops: tuple[Dim | None, ...],
                 steps: tuple[int, ...] | None, axes: tuple[int, ...] | None, inside: bool) -> dict[str, Any]:
        axes = tuple(range(len(starts))) if axes is None else axes
        steps = (1,) * len(axes) if steps is None else steps
        need(len(starts) == len(stops) == len(steps) == len(axes), "`slice` needs bounds for every axis that it cuts",
             expected="starts, stops, steps and axes of equal length",
             found=f"{len(starts)}, {len(stops)}, {len(steps)} and {len(axes)}", at=["starts", "stops"])
        need(all(-x.rank <= a < x.rank for a in axes) and len({a % x.rank for a in axes}) == len(axes),
             f"{x} has no such axes", expected=f"different axes from {-x.rank} to {x.rank - 1}", found=str(list(axes)),
             at=["axes"], code="E0222")
        need(0 not in steps, "a step of a slice is 0", expected="a step other than 0", found="0", at=["steps"])
        positive = [a % x.rank for a in axes]
        parts = sorted(ranges(x, starts, stops, steps, positive, inside), key=lambda part: part[0])
        kept = [(a, r) for a, r in parts if r.cuts]
        return {"starts": tuple(r.canonical[0] for _, r in kept), "stops": tuple(r.canonical[1] for _, r in kept),
                "steps": tuple(r.step for _, r in kept), "axes": tuple(a for a, _ in kept)}

    def infer(self, x: Tensor, *, starts: Bounds, stops: Bounds, steps: OneOrMore | None = None,
              axes: OneOrMore | None = None, inside: Bool = False) -> TensorType:
        assert steps is not None
        assert axes is not None
        shape = list(x.shape)
        for axis, cut in ranges(x, starts, stops, steps, axes, inside):
            shape[axis] = cut.count
        return x.with_shape(*shape)

    def evaluate(self, x: Array, *, starts: Sequence[int], stops: Sequence[int | None], steps: Sequence[int],
                 axes: Sequence[int], inside: bool) -> Array:
        index = [slice(None)] * x.ndim
        for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
            index[axis] = slice(start, stop, step)
        return x[tuple(index)]

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        """g put back in its place among zeros: reversed steps undone, gaps opened, then padded."""
        x = node.operands[0]
        assert x is not None
        assert isinstance(node, Apply)
        widths: list[tuple[Dim, Dim]] = [(0, 0)] * x.type.rank
        for axis, cut in ranges(x.type, **node.attributes):
            if cut.step < 0:
                g = b.flip(g, axis=axis)
            g = _open_gaps(b, g, axis, abs(cut.step))
            first = cut.last if cut.step < 0 and cut.count != 0 else cut.start
            widths[axis] = (first, x.type.shape[axis] - first - g.type.shape[axis])
        return [b.pad(g, widths=widths) if any(w != (0, 0) for w in widths) else g]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[5, 4]", starts=[1], stops=[4])
        yield sample("f32[5, 4]", starts=[-3, 0], stops=[None, 3], steps=[2, 1])
        yield sample("f32[7, 2]", starts=[None], stops=[None], steps=[-1])
        yield sample("f32[7, 2]", starts=[5], stops=[0], steps=[-2])
        yield sample("f32[2, 7]", starts=[0], stops=[100], steps=[3], axes=[-1])
        yield sample("i64[6]", starts=[2], stops=[2])
        yield sample("f32[5, 4]", starts=[1, 0], stops=[4, 3], inside=True)
        yield sample("f32[5, 4]", starts=[1, -2], stops=[3, None], inside=True)


def ranges(x: TensorType, starts: Sequence[Dim | None], stops: Sequence[Dim | None], steps: Sequence[int],
           axes: Sequence[int], inside: bool) -> list[tuple[int, Range]]:
    """What the bounds of a slice cut from each axis."""
    resolve = trusted_range if inside else resolve_range
    return [(a, resolve(x.shape[a], start, stop, step))
            for a, start, stop, step in zip(axes, starts, stops, steps, strict=True)]


def _open_gaps(b: Builder, g: Value, axis: int, step: int) -> Value:
    """step - 1 zeros between neighbours along an axis: size n becomes (n - 1) * step + 1."""
    if step == 1:
        return g
    shape = g.type.shape
    widths = [(0, 0)] * (g.type.rank + 1)
    widths[axis + 1] = (0, step - 1)
    spread = b.pad(b.unsqueeze(g, axis=axis + 1), widths=widths)
    flat = b.reshape(spread, shape=[*shape[:axis], shape[axis] * step, *shape[axis + 1:]])
    end = (shape[axis] - 1) * step + 1
    result: Value = b.slice(flat, starts=[0], stops=[end], axes=[axis], inside=end != 1 - step)
    return result


@operation
class Select(Composite):
    """The part of x at one `index` of an axis, which is dropped: x[index]. Negative counts from the end."""

    positional = ("index",)

    def complete(self, x: TensorType, *, index: Dim, axis: int) -> dict[str, Any]:
        return {"index": resolve_index(x, index, axis)}

    def infer(self, x: Tensor, *, index: Size, axis: Axis = 0) -> TensorType:
        need(x.rank >= 1, "a scalar has no axis to select from", expected="rank 1 or more", found=str(x), at=["x"],
             code="E0222")
        return x.with_shape(*x.shape[:axis], *x.shape[axis + 1:])

    def body(self, b: Builder, x: Value, *, index: Dim, axis: int) -> Value:
        row = b.slice(x, starts=[index], stops=[index + 1], axes=[axis], inside=True)
        shape = x.type.shape
        result: Value = b.reshape(row, shape=[*shape[:axis], *shape[axis + 1:]])
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[3, 4]", index=1)
        yield sample("f32[3, 4]", index=-1, axis=-1)


@operation
class Flip(Composite):
    """The elements in reverse order along the given axes, along all of them by default."""

    positional = ("axis",)

    def complete(self, x: TensorType, *, axis: tuple[int, ...] | None) -> dict[str, Any]:
        return {"axis": tuple(range(x.rank))} if axis is None else {}

    def infer(self, x: Tensor, *, axis: Axes | None = None) -> TensorType:
        return x

    def body(self, b: Builder, x: Value, *, axis: tuple[int, ...]) -> Value:
        ends = [None] * len(axis)
        result: Value = b.slice(x, starts=ends, stops=ends, steps=[-1] * len(axis), axes=axis)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]")
        yield sample("f32[2, 3, 2]", axis=[0, 2])
        yield sample("i64[4]", axis=-1)


@operation
class Roll(Composite):
    """The elements moved by `shift` places along each axis; those that leave at the end come back at the start."""

    positional = ("shift",)

    def complete(self, x: TensorType, *, shift: tuple[int, ...], axis: tuple[int, ...]) -> dict[str, Any]:
        need(len(shift) == len(axis), "`roll` needs a shift for each axis", expected=f"{len(axis)} shifts",
             found=f"{len(shift)}", at=["shift", "axis"])
        need(all(-x.rank <= a < x.rank for a in axis), f"{x} has no such axes", found=str(list(axis)), at=["axis"],
             expected=f"axes from {-x.rank} to {x.rank - 1}", code="E0222")
        return {"axis": tuple(a % x.rank for a in axis)}

    def infer(self, x: Tensor, *, shift: OneOrMore, axis: OneOrMore = (0,)) -> TensorType:
        return x

    def body(self, b: Builder, x: Value, *, shift: tuple[int, ...], axis: tuple[int, ...]) -> Value:
        for places, a in zip(shift, axis, strict=True):
            size = x.type.shape[a]
            if isinstance(size, int) and (size == 0 or places % size == 0):
                continue
            cut = -places % size
            before, after = b.split(x, sizes=[cut, size - cut], axis=a)
            x = b.concat(after, before, axis=a)
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[5]", shift=2)
        yield sample("f32[3, 4]", shift=[-1, 5], axis=[0, -1])
