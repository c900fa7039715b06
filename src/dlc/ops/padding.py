"""Tensors made larger at their borders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from dlc.ir.attributes import OneOrMore, Real, SizePairs, choice
from dlc.ir.build import Builder
from dlc.ir.dim import Answer, Dim, at_most
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Sample, Tensor, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.constants import filled
from dlc.ops.rules import need

PadMode = Annotated[str, choice("constant", "reflect", "replicate", "circular")]


@operation
class Pad(Composite):
    """`widths[i] = (before, after)` elements added along axis i (or along `axes[i]`, where those are given).

    mode: "constant" adds `value`; "reflect" mirrors at the border element without repeating it; "replicate" repeats
    the border element; "circular" continues with the other end. Widths may be symbolic, never negative; reflected
    widths are smaller than the axis, circular ones not larger.
    """

    positional = ("widths",)

    def complete(self, x: TensorType, *, widths: tuple[tuple[Dim, Dim], ...], mode: str, value: float,
                 axes: tuple[int, ...] | None) -> dict[str, Any]:
        axes = tuple(range(x.rank)) if axes is None else axes
        need(len(widths) == len(axes), "`pad` needs a pair for each axis", found=f"{len(widths)}",
             expected=f"{len(axes)} pairs (before, after)", at=["widths"], code="E0222",
             hint="name the axes that are padded: `axes=[...]`")
        need(all(-x.rank <= a < x.rank for a in axes) and len({a % x.rank for a in axes}) == len(axes),
             f"{x} has no such axes", expected=f"different axes from {-x.rank} to {x.rank - 1}", found=str(list(axes)),
             at=["axes"], code="E0222")
        full: list[tuple[Dim, Dim]] = [(0, 0)] * x.rank
        for axis, pair in zip(axes, widths, strict=True):
            full[axis] = pair
        return {"widths": tuple(full), "axes": None}

    def infer(self, x: Tensor, *, widths: SizePairs, mode: PadMode = "constant", value: Real = 0.0,
              axes: OneOrMore | None = None) -> TensorType:
        for axis, pair in enumerate(widths):
            _need_widths(x, axis, pair, mode)
        return x.with_shape(*(before + d + after for d, (before, after) in zip(x.shape, widths, strict=True)))

    def body(self, b: Builder, x: Value, *, widths: tuple[tuple[Dim, Dim], ...], mode: str, value: float,
             axes: None) -> Value:
        for axis, (before, after) in enumerate(widths):
            pieces = [_border(b, x, axis, before, mode, value, at_end=False), x,
                      _border(b, x, axis, after, mode, value, at_end=True)]
            kept = [p for p in pieces if p is not None]
            x = b.concat(*kept, axis=axis) if len(kept) > 1 else x
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", widths=[(1, 0), (2, 1)])
        yield sample("f32[2, 3]", widths=[(0, 1)], axes=[-1], value=-1.5)
        yield sample("f32[1, 2, 4, 5]", widths=[(0, 0), (0, 0), (1, 2), (3, 0)], mode="reflect")
        yield sample("f32[1, 2, 4, 5]", widths=[(0, 0), (0, 0), (1, 2), (3, 0)], mode="replicate")
        yield sample("f32[1, 2, 4, 5]", widths=[(0, 0), (0, 0), (1, 2), (5, 0)], mode="circular")
        yield sample("i64[3]", widths=[2], value=7)


def _need_widths(x: TensorType, axis: int, pair: tuple[Dim, Dim], mode: str) -> None:
    size = x.shape[axis]
    for width in pair:
        need(at_most(0, width) is not Answer.NO, "a padding width cannot be negative", expected="0 or more",
             found=str(width), at=["widths"], hint="to cut elements off, use a slice")
        largest: Dim = size - 1 if mode == "reflect" else size
        if mode in ("reflect", "circular"):
            need(at_most(width, largest) is not Answer.NO, f"axis {axis} is too small for {mode} padding",
                 at=["widths"], expected=f"at most {largest}", found=str(width))


def _border(b: Builder, x: Value, axis: int, width: Dim, mode: str, value: float, *, at_end: bool) -> Value | None:
    """What is added at one end of an axis; None for nothing."""
    if width == 0:
        return None
    shape, size = x.type.shape, x.type.shape[axis]
    wide = x.type.with_shape(*shape[:axis], width, *shape[axis + 1:])
    if mode == "constant":
        return filled(b, wide, value)
    if mode == "replicate":
        edge = size - 1 if at_end else 0
        return b.broadcast_to(b.slice(x, starts=[edge], stops=[edge + 1], axes=[axis], inside=True), shape=wide.shape)
    if mode == "circular":
        start, stop = (0, width) if at_end else (size - width, size)
        return b.slice(x, starts=[start], stops=[stop], axes=[axis], inside=True)
    start, stop = (size - 1 - width, size - 1) if at_end else (1, width + 1)
    return b.flip(b.slice(x, starts=[start], stops=[stop], axes=[axis], inside=True), axis=axis)
