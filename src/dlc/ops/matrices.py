"""Matrices with a pattern: the identity and triangles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlc.ir.attributes import ElementType, Int, Size
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Number, Sample, operation, sample
from dlc.ir.types import F32, DType, TensorType
from dlc.ops.rules import need


@operation
class Eye(Composite):
    """The identity matrix: 1 where row + `diagonal` equals column, else 0. y: [n, m]; m is n unless given."""

    positional = ("n", "m")

    def complete(self, *, n: Dim, m: Dim | None, diagonal: int, dtype: DType) -> dict[str, Any]:
        return {"m": n} if m is None else {}

    def infer(self, *, n: Size, m: Size | None = None, diagonal: Int = 0, dtype: ElementType = F32) -> TensorType:
        assert m is not None
        return TensorType(dtype, (n, m))

    def body(self, b: Builder, *, n: Dim, m: Dim, diagonal: int, dtype: DType) -> Value:
        rows, columns = rows_and_columns(b, n, m)
        result: Value = b.cast(b.equal(b.add(rows, diagonal), columns), dtype=dtype)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample(n=3)
        yield sample(n=2, m=4, diagonal=1)
        yield sample(n=3, m=2, diagonal=-1, dtype="i64")


def rows_and_columns(b: Builder, n: Dim, m: Dim) -> tuple[Value, Value]:
    """The row numbers [n, 1] and the column numbers [1, m] of a matrix."""
    return b.unsqueeze(b.arange(start=n), axis=1), b.unsqueeze(b.arange(start=m), axis=0)


class _Triangle(Composite):
    """Base: part of a matrix, zeros elsewhere."""

    positional = ("diagonal",)

    def infer(self, x: Number, *, diagonal: Int = 0) -> TensorType:
        need(x.rank >= 2, f"`{self.name}` takes matrices", expected="rank 2 or more", found=str(x), at=["x"],
             code="E0222")
        return x

    def inside(self, b: Builder, shifted: Value, columns: Value) -> Value:
        """Which elements stay, from row + diagonal and column."""
        raise NotImplementedError

    def body(self, b: Builder, x: Value, *, diagonal: int) -> Value:
        rows, columns = rows_and_columns(b, *x.type.shape[-2:])
        kept = self.inside(b, b.add(rows, diagonal), columns)
        result: Value = b.where(kept, x, b.constant(0, x.type.dtype))
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[3, 4]")
        yield sample("f32[2, 3, 3]", diagonal=1)
        yield sample("f32[4, 2]", diagonal=-1)


@operation
class Triu(_Triangle):
    """The upper triangle of matrices: elements with column >= row + `diagonal`, zeros elsewhere."""

    def inside(self, b: Builder, shifted: Value, columns: Value) -> Value:
        result: Value = b.greater_equal(columns, shifted)
        return result


@operation
class Tril(_Triangle):
    """The lower triangle of matrices: elements with column <= row + `diagonal`, zeros elsewhere."""

    def inside(self, b: Builder, shifted: Value, columns: Value) -> Value:
        result: Value = b.less_equal(columns, shifted)
        return result
