"""Functions of one number that ONNX has beside the primitives."""

from __future__ import annotations

from dlc.targets.onnx.table import enter_same

enter_same({"reciprocal": "Reciprocal", "tan": "Tan", "sinh": "Sinh", "cosh": "Cosh"})
