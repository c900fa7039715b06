"""Functions of one number that ONNX has beside the primitives."""

from __future__ import annotations

from dlc.targets.onnx.table import enter_same, is_single

enter_same({"reciprocal": "Reciprocal"})
enter_same({"tan": "Tan", "sinh": "Sinh", "cosh": "Cosh"}, when=is_single)
