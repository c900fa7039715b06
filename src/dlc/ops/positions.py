"""Where an element stands in a sequence, told by sines and cosines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlc.ir.attributes import Bool, ElementType, Int, Real, Size
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Index, Problem, Sample, operation, sample
from dlc.ir.types import F32, DType, TensorType
from dlc.ops.rules import broadcast, need


def _frequencies(b: Builder, size: int, base: float, dtype: DType) -> Value:
    """base^(-2 i / size) for i from 0 to size / 2 - 1."""
    return b.constant([base ** (-2 * i / size) for i in range(size // 2)], dtype)


def _need_even(operation: str, size: Dim, at: str) -> int:
    """A number of features that comes in pairs."""
    if not isinstance(size, int) or size < 2 or size % 2:
        raise Problem(f"`{operation}` works on pairs of features", expected="an even number of at least 2",
                      found=str(size), at=[at], code="E0230")
    return size


def _need_base(operation: str, base: float) -> None:
    need(base > 0, f"`{operation}` cannot take this as `base`", expected="more than 0", found=str(base), at=["base"],
         code="E0213")


@operation
class SinusoidalPositions(Composite):
    """y[t, 2 i] = sin(t / base^(2 i / size)), y[t, 2 i + 1] = cos(the same): [length, size].

    (Vaswani et al., 2017.) `size` is even.
    """

    ulps = 64
    positional = ("length", "size")

    def infer(self, *, length: Size, size: Int, base: Real = 10000.0, dtype: ElementType = F32) -> TensorType:
        _need_even(self.name, size, "size")
        _need_base(self.name, base)
        need(dtype.is_float, f"`{self.name}` cannot take this as `dtype`", expected="a floating-point type",
             found=str(dtype), at=["dtype"], code="E0213")
        return TensorType(dtype, (length, size))

    def body(self, b: Builder, *, length: Dim, size: int, base: float, dtype: DType) -> Value:
        t = b.unsqueeze(b.arange(start=length, dtype=dtype), axis=1)
        angles = b.mul(t, _frequencies(b, size, base, dtype))
        result: Value = b.reshape(b.stack(b.sin(angles), b.cos(angles), axis=2), shape=[length, size])
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample(length=5, size=6)
        yield sample(length=3, size=2, base=100.0)
        yield sample(length=3, size=4, dtype="f64")


@operation
class RotaryEmbedding(Composite):
    """Pairs of features turned by an angle that grows with the position (Su et al., 2021).

    x: [..., T, D], D even; positions: integers that broadcast to [..., T], 0 to T - 1 unless given; y: like x.
    With the angle a = position * base^(-2 i / D), the pair (u, v) becomes (u cos a - v sin a, v cos a + u sin a).
    Pair i is (x[i], x[i + D / 2]), as in LLaMA's Hugging Face form, or with `interleaved` (x[2 i], x[2 i + 1]), as in
    the paper.
    """

    ulps = 64

    def infer(self, x: Float, positions: Index | None = None, *, base: Real = 10000.0,
              interleaved: Bool = False) -> TensorType:
        need(x.rank >= 2, f"`{self.name}` takes sequences", expected="rank 2 or more: [..., T, D]", at=["x"],
             found=f"rank {x.rank}: {x}", code="E0222")
        _need_even(self.name, x.shape[-1], "x")
        _need_base(self.name, base)
        if positions is not None:
            steps = x.with_shape(*x.shape[:-1])
            need(broadcast(steps, positions, at=("x", "positions")) == steps.shape, "`positions` has too many axes",
                 expected=str(steps), found=str(positions), at=["positions"], code="E0230")
        return x

    def body(self, b: Builder, x: Value, positions: Value | None, *, base: float, interleaved: bool) -> Value:
        *rest, steps, width = x.type.shape
        dtype, last = x.type.dtype, x.type.rank - 1
        assert isinstance(width, int)
        t: Value = b.cast(b.arange(start=steps) if positions is None else positions, dtype=dtype)
        angles = b.mul(b.unsqueeze(t, axis=t.type.rank), _frequencies(b, width, base, dtype))
        cos, sin = b.cos(angles), b.sin(angles)
        paired = b.reshape(x, shape=[*rest, steps, *([width // 2, 2] if interleaved else [2, width // 2])])
        axis = last + 1 if interleaved else last
        u, v = (b.select(paired, index=i, axis=axis) for i in (0, 1))
        turned: tuple[Any, Any] = (b.sub(b.mul(u, cos), b.mul(v, sin)), b.add(b.mul(v, cos), b.mul(u, sin)))
        result: Value = b.reshape(b.stack(*turned, axis=axis), shape=x.type.shape)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 5, 4]", None)
        yield sample("f32[2, 3, 5, 4]", None, interleaved=True, base=500.0)
        yield sample("f32[2, 3, 4]", Arg("i64[3]", 0, 20))
        yield sample("f32[2, 3, 4]", Arg("i64[2, 3]", 0, 20), interleaved=True)
        yield sample("f32[5, 2]", None)
