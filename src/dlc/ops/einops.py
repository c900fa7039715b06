"""Axes rearranged, reduced and repeated by patterns in the einops notation.

A pattern names the axes of the operand on the left and of the result on the right: `"b t (h d) -> b h t d"`.
Parentheses group axes into one, `1` is an axis of size 1, `...` stands for any number of axes. Sizes that do not
follow from the tensor are given by keyword.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from dlc.ir.attributes import NamedSizes, Str, choice
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Number, Sample, Tensor, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.patterns import Pattern, Sizes, match, read, wrong
from dlc.ops.rules import need

NamedDims = tuple[tuple[str, Dim], ...]
Reducer = Annotated[str, choice("mean", "sum", "max", "min", "prod")]


def _same_names(pattern: Pattern) -> None:
    lost = sorted(set(pattern.left_names) ^ set(pattern.right_names))
    if lost:
        side = "left" if lost[0] in pattern.left_names else "right"
        other = {"left": "`reduce` takes axes away", "right": "`repeat` adds axes"}[side]
        raise wrong(pattern.text, f"`{lost[0]}` stands only on the {side} side", found=lost[0], hint=other,
                    expected="the same names on both sides")


def _reorder(b: Builder, x: Value, names: list[str], order: list[str], sizes: Sizes) -> Value:
    """Transpose a tensor with an axis for every name (several for `...`) so that the names stand in `order`."""
    axes: dict[str, list[int]] = {}
    for name in names:
        start = sum(map(len, axes.values()))
        axes[name] = list(range(start, start + len(sizes.of(name))))
    permutation = [a for name in order for a in axes[name]]
    return x if permutation == sorted(permutation) else b.transpose(x, axes=permutation)


def _reshaped(b: Builder, x: Value, shape: tuple[Dim, ...]) -> Value:
    return x if x.type.shape == shape else b.reshape(x, shape=shape)


@operation
class Rearrange(Composite):
    """The axes of x rearranged by a pattern: `rearrange(x, "b t (h d) -> b h t d", h=8)`."""

    positional = ("pattern",)
    extra = "sizes"

    def infer(self, x: Tensor, *, pattern: Str, sizes: NamedSizes = ()) -> TensorType:
        read_pattern = read(pattern)
        _same_names(read_pattern)
        return x.with_shape(*match(x, read_pattern, dict(sizes)).merged(read_pattern.right))

    def body(self, b: Builder, x: Value, *, pattern: str, sizes: NamedDims) -> Value:
        p = read(pattern)
        found = match(x.type, p, dict(sizes))
        split = _reshaped(b, x, found.split(p.left))
        ordered = _reorder(b, split, list(p.left_names), list(p.right_names), found)
        return _reshaped(b, ordered, found.merged(p.right))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 8]", pattern="b t (h d) -> b h t d", h=4)
        yield sample("f32[2, 3, 12]", pattern="b t (three h d) -> three b h t d", three=3, h=2)
        yield sample("f32[2, 3, 4, 5]", pattern="b ... c -> b c (...)")
        yield sample("f32[2, 1, 3]", pattern="a 1 b -> 1 b a")
        yield sample("i64[4, 6]", pattern="(h p) (w q) -> (h w) (p q)", p=2, q=3)


@operation
class Reduce(Composite):
    """Axes that stand only on the left reduced away: `reduce(x, "b c (h p) (w q) -> b c h w", "max", p=2, q=2)`."""

    positional = ("pattern", "op")
    extra = "sizes"

    def infer(self, x: Number, *, pattern: Str, op: Reducer, sizes: NamedSizes = ()) -> TensorType:
        p = read(pattern)
        new = [n for n in p.right_names if n not in p.left_names]
        if new:
            raise wrong(pattern, f"`{new[0]}` stands only on the right side", expected="names of the left side",
                        found=new[0], hint="`repeat` adds axes")
        need(op != "mean" or x.dtype.is_float, "the mean of integers is no integer", expected="a float type",
             found=str(x), at=["x", "op"], hint="convert it first: `cast(x, f32)`", code="E0221")
        return x.with_shape(*match(x, p, dict(sizes)).merged(p.right))

    def body(self, b: Builder, x: Value, *, pattern: str, op: str, sizes: NamedDims) -> Value:
        p = read(pattern)
        found = match(x.type, p, dict(sizes))
        split = _reshaped(b, x, found.split(p.left))
        kept = [n for n in p.left_names if n in p.right_names]
        axes: list[int] = []
        place = 0
        for name in p.left_names:
            width = len(found.of(name))
            axes += range(place, place + width) if name not in kept else []
            place += width
        reduced = b.apply(op, split, axis=axes) if axes else split
        ordered = _reorder(b, reduced, kept, list(p.right_names), found)
        return _reshaped(b, ordered, found.merged(p.right))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4, 6]", pattern="b c (h p) (w q) -> b c h w", op="mean", p=2, q=3)
        yield sample("f32[2, 3, 4]", pattern="b ... -> b", op="sum")
        yield sample("f32[2, 3]", pattern="a b -> b 1", op="max")
        yield sample("i64[2, 3]", pattern="a b -> a", op="min")
        yield sample("f32[2, 3]", pattern="a b -> b", op="prod")


@operation
class Repeat(Composite):
    """Axes that stand only on the right added by repetition: `repeat(x, "h w -> (h k) w c", k=2, c=3)`."""

    positional = ("pattern",)
    extra = "sizes"

    def infer(self, x: Tensor, *, pattern: Str, sizes: NamedSizes = ()) -> TensorType:
        p = read(pattern)
        gone = [n for n in p.left_names if n not in p.right_names]
        if gone:
            raise wrong(pattern, f"`{gone[0]}` stands only on the left side", expected="names of the right side",
                        found=gone[0], hint="`reduce` takes axes away")
        open_ = [n for n in p.right_names if n not in p.left_names and n not in dict(sizes)]
        if open_:
            raise wrong(pattern, f"how often to repeat along `{open_[0]}` is not said", expected=f"{open_[0]}=...",
                        found="nothing")
        return x.with_shape(*match(x, p, dict(sizes)).merged(p.right))

    def body(self, b: Builder, x: Value, *, pattern: str, sizes: NamedDims) -> Value:
        p = read(pattern)
        found = match(x.type, p, dict(sizes))
        kept = [n for n in p.right_names if n in p.left_names]
        split = _reshaped(b, x, found.split(p.left))
        ordered = _reorder(b, split, list(p.left_names), kept, found)
        shape: tuple[Dim, ...] = tuple(d for n in p.right_names for d in (found.of(n) if n in kept else (1,)))
        stretched = b.broadcast_to(_reshaped(b, ordered, shape), shape=found.split(p.right))
        return _reshaped(b, stretched, found.merged(p.right))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", pattern="h w -> (h k) w c", k=2, c=3)
        yield sample("f32[2, 3]", pattern="... -> n ...", n=2)
        yield sample("i64[3]", pattern="a -> a k", k=2)
