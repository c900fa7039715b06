"""Logic on bool tensors."""

from __future__ import annotations

from dlc.targets.onnx.table import enter_same

enter_same({"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not"})
