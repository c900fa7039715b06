"""Elementwise logic on bool tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlc.ir.op import Boolean, Primitive, Sample, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import broadcast


class Logical(Primitive):
    """Base: two bool tensors."""

    elementwise = True
    commutative = True
    numpy: Any

    def infer(self, x: Boolean, y: Boolean) -> TensorType:
        return x.with_shape(*broadcast(x, y))

    def evaluate(self, x: Array, y: Array) -> Any:
        return type(self).numpy(x, y)

    def samples(self) -> Iterable[Sample]:
        yield sample("bool[4, 5]", "bool[4, 5]")
        yield sample("bool[2, 4, 5]", "bool[1, 5]")
        yield sample("bool[3]", "bool")


@operation
class LogicalAnd(Logical):
    """x and y, element by element."""

    numpy = np.logical_and


@operation
class LogicalOr(Logical):
    """x or y, element by element."""

    numpy = np.logical_or


@operation
class LogicalXor(Logical):
    """Exactly one of x and y, element by element."""

    numpy = np.logical_xor


@operation
class LogicalNot(Primitive):
    """not x, element by element."""

    elementwise = True

    def infer(self, x: Boolean) -> TensorType:
        return x

    def evaluate(self, x: Array) -> Any:
        return np.logical_not(x)

    def samples(self) -> Iterable[Sample]:
        yield sample("bool[4, 5]")
        yield sample("bool")
