"""From one element type to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dlc.ir.attributes import ElementType
from dlc.ir.build import Builder
from dlc.ir.graph import Node, Value
from dlc.ir.op import Arg, Primitive, Sample, Tensor, operation, sample
from dlc.ir.types import Array, DType, TensorType
from dlc.ops.rules import given, need


@operation
class Cast(Primitive):
    """x with another element type.

    Floating point to integer rounds towards zero (what does not fit is unspecified); a number becomes `true` unless it
    is zero; `true` becomes 1. The gradient is cast back; through an integer or bool there is none.
    """

    elementwise = True
    positional = ("dtype",)

    def infer(self, x: Tensor, *, dtype: ElementType) -> TensorType:
        need("string" not in (x.dtype.kind, dtype.kind), "strings cannot be cast", expected="numbers or bool",
             found=f"{x} to {dtype}", at=["x"], code="E0221")
        return x.with_dtype(dtype)

    def evaluate(self, x: Array, *, dtype: DType) -> Any:
        return x.astype(dtype.numpy)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        (x,) = given(node)
        return [b.cast(g, dtype=x.type.dtype) if x.type.dtype.is_float else None]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", dtype="f32")
        yield sample("f32[2, 3]", dtype="f64")
        yield sample(Arg("f32[2, 3]", values=[[0.0, -1.7, 1.7], [2.5, -2.5, 3.0]]), dtype="i64", gradient=False)
        yield sample(Arg("f32[2, 3]", -100, 100), dtype="i8", gradient=False)
        yield sample(Arg("f32[3]", values=[0.0, 0.5, -2.0]), dtype="bool", gradient=False)
        yield sample("bool[2, 3]", dtype="f32")
        yield sample("bool[2, 3]", dtype="i32")
        yield sample(Arg("i64[2, 3]", -5, 5), dtype="f32")
        yield sample(Arg("i64[2, 3]", 0, 200), dtype="u8")
        yield sample(Arg("i32[2, 3]", -2, 2), dtype="bool")
