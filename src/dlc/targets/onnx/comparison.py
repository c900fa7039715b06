"""Comparisons and tests of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE, enter_same

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

enter_same({"equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
            "greater_equal": "GreaterOrEqual", "is_nan": "IsNaN", "is_inf": "IsInf"})


@TABLE.writes("not_equal")
def write_not_equal(e: Emitter, node: Apply, x: str, y: str) -> str:
    return str(e("Not", e("Equal", x, y)))


@TABLE.writes("is_finite")
def write_is_finite(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Not", e("Or", e("IsNaN", x), e("IsInf", x))))
