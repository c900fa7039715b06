"""The table of ONNX writers, filled by the family files of this folder, and the element types that ONNX has."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from dlc.targets.table import Table

OPSET = 23
"""The newest operator set of which ONNX Runtime 1.31 runs every operation that is written here on the CPU."""

IR_VERSION = 11
"""The file format version that goes with the operator set."""

AXES = "dlc.axes."
"""The metadata key, followed by a name, of the order of axes of an input or output that the program has otherwise."""

Writer = Callable[..., Any]
"""`writer(e, node, *inputs)` emits nodes and gives the name of the result, or a sequence of names.

inputs has the name of each operand in order, None for an omitted one.
"""

TABLE: Table[Writer] = Table("onnx")

ELEMENT_TYPES: dict[str, int] = {
    "f32": 1, "u8": 2, "i8": 3, "u16": 4, "i16": 5, "i32": 6, "i64": 7, "bool": 9, "f16": 10, "f64": 11, "u32": 12,
    "u64": 13, "complex64": 14, "complex128": 15, "bf16": 16, "f8e4m3": 17, "f8e5m2": 19, "u4": 21, "i4": 22,
}
"""The numbers of `TensorProto.DataType`."""


def load() -> Table[Writer]:
    """The table with every family entered."""
    package = __name__.rpartition(".")[0]
    for module in iter_modules(import_module(package).__path__):
        import_module(f"{package}.{module.name}")
    return TABLE


def is_single(node: Any) -> bool:
    """Whether the first result is of single precision at most: ONNX Runtime has many operations for no wider type."""
    return node.outputs[0].type.dtype.name in ("f32", "f16", "bf16")


def enter_same(names: dict[str, str], when: Callable[[Any], bool] = lambda node: True) -> None:
    """Enter operations that ONNX has too, with the same operands and without attributes."""
    for name, op_type in names.items():
        TABLE.writes(name, when=when)(_same(op_type))


def _same(op_type: str) -> Writer:
    def write(e: Any, node: Any, *inputs: str | None) -> Any:
        return e(op_type, *inputs)
    return write
