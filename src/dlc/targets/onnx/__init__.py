"""ONNX: one `.onnx` file (or a folder with `model.onnx`), and running it in ONNX Runtime."""

from __future__ import annotations

from dlc.targets.onnx.target import TARGET

__all__ = ["TARGET"]
