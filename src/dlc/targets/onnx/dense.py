"""Dense layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("linear")
def write_linear(e: Emitter, node: Apply, x: str, weight: str, bias: str | None) -> str:
    """Gemm for a matrix; otherwise a product with the transposed weight, which keeps its own orientation."""
    operand = node.operands[0]
    assert operand is not None
    if operand.type.rank == 2:
        return str(e("Gemm", x, weight, bias, transB=1))
    y = str(e("MatMul", x, e.transpose(weight, [1, 0])))
    return y if bias is None else str(e("Add", y, bias))
