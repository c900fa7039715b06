"""Products of matrices: matmul and einsum."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Node, Value
from dlc.ir.op import Arg, Number, Primitive, Sample, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import broadcast, given, need, need_equal, same_dtype, unbroadcast


@operation
class Matmul(Primitive):
    """The matrix product of the last two axes, batched over those before, as `@` in Python.

    x: [..., n, k]; y: [..., k, m]; result: [..., n, m], where the batch axes broadcast. A vector as x is a row, as y a
    column, and that axis is absent from the result: [k] with [k] gives a scalar.
    """

    ulps = 32

    def infer(self, x: Number, y: Number) -> TensorType:
        same_dtype(x=x, y=y)
        need(x.rank >= 1 and y.rank >= 1, "`matmul` needs two tensors with axes", expected="rank 1 or more",
             found=f"{x} and {y}", at=["x", "y"], code="E0222", hint="multiply by a scalar with `*`")
        need_equal("the last axis of `x` and the rows of `y`", x.shape[-1], y.shape[-2 if y.rank > 1 else -1],
                   at=["x", "y"])
        batch = broadcast(x.with_shape(*x.shape[:-2]), y.with_shape(*y.shape[:-2]))
        rows = x.shape[-2:-1]
        columns = y.shape[-1:] if y.rank > 1 else ()
        return x.with_shape(*batch, *rows, *columns)

    def macs(self, x: TensorType, y: TensorType) -> Dim:
        return self.infer(x, y).size * x.shape[-1]

    def evaluate(self, x: Array, y: Array) -> Any:
        if x.ndim > 2 and y.ndim == 2:  # one product of matrices is many times faster than one for each batch
            rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
            return np.matmul(rows, y).astype(x.dtype, copy=False).reshape(*x.shape[:-1], y.shape[1])
        return np.matmul(x, y).astype(x.dtype, copy=False)

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        x, y = given(node)
        row = b.unsqueeze(x, axis=0) if x.type.rank == 1 else x
        column = b.unsqueeze(y, axis=1) if y.type.rank == 1 else y
        if y.type.rank == 1:
            g = b.unsqueeze(g, axis=g.type.rank)
        if x.type.rank == 1:
            g = b.unsqueeze(g, axis=g.type.rank - 1)
        dx = unbroadcast(b, b.matmul(g, _transposed(b, column)), row.type)
        dy = unbroadcast(b, b.matmul(_transposed(b, row), g), column.type)
        return [b.squeeze(dx, axis=0) if x.type.rank == 1 else dx, b.squeeze(dy, axis=1) if y.type.rank == 1 else dy]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[3, 4]")
        yield sample("f32[5, 2, 3]", "f32[5, 3, 4]")
        yield sample("f32[5, 2, 3]", "f32[3, 4]")
        yield sample("f32[2, 3]", "f32[5, 3, 4]")
        yield sample("f32[6, 1, 2, 3]", "f32[1, 5, 3, 4]")
        yield sample("f32[3]", "f32[3]")
        yield sample("f32[3]", "f32[3, 4]")
        yield sample("f32[2, 3]", "f32[3]")
        yield sample("f32[5, 2, 3]", "f32[3]")
        yield sample("f32[3]", "f32[5, 3, 4]")
        yield sample("f32[4, 64]", "f32[64, 4]")
        yield sample(Arg("i64[2, 3]", -5, 5), Arg("i64[3, 4]", -5, 5))


def _transposed(b: Builder, x: Value) -> Value:
    axes = list(range(x.type.rank))
    result: Value = b.transpose(x, axes=[*axes[:-2], axes[-1], axes[-2]])
    return result
