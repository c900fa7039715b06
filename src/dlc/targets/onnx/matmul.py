"""Products of matrices."""

from __future__ import annotations

from dlc.targets.onnx.table import enter_same

enter_same({"matmul": "MatMul"})
