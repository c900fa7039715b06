"""Elementwise arithmetic on two tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlc.ir.build import Builder
from dlc.ir.graph import Node, Value
from dlc.ir.op import Arg, Number, Primitive, Sample, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import broadcast, same_dtype, unbroadcast


class Arithmetic(Primitive):
    """Base: both operands have one element type, the result has the broadcast shape."""

    elementwise = True
    numpy: Any

    def infer(self, x: Number, y: Number) -> TensorType:
        same_dtype(x=x, y=y)
        return x.with_shape(*broadcast(x, y))

    def evaluate(self, x: Array, y: Array) -> Any:
        return type(self).numpy(x, y)

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        """The gradients before broadcasting is undone."""
        raise NotImplementedError

    def gradient(self, b: Builder, node: Node, g: Value) -> Sequence[Value | None]:
        x, y = node.operands
        assert x is not None and y is not None
        partials = self.partials(b, x, y, node.output, g)
        return [None if p is None else unbroadcast(b, p, v.type) for p, v in zip(partials, (x, y), strict=True)]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[2, 3]")
        yield sample("f32[2, 3]", "f32[1, 3]")
        yield sample("f32[4, 2, 3]", "f32[3]")
        yield sample("f32[3]", "f32")
        yield sample("i64[2, 3]", Arg("i64[2, 3]", 1, 9))


@operation
class Add(Arithmetic):
    """x + y, element by element."""

    numpy = np.add
    commutative = True
    unit = 0.0

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return g, g


@operation
class Mul(Arithmetic):
    """x * y, element by element."""

    numpy = np.multiply
    commutative = True
    unit = 1.0
    zero = 0.0

    def partials(self, b: Builder, x: Value, y: Value, z: Value, g: Value) -> tuple[Value | None, Value | None]:
        return b.mul(g, y), b.mul(g, x)
