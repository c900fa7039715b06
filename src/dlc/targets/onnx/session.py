"""Running ONNX files in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from dlc.diagnostics import Diagnostic, DlcError
from dlc.ir.types import Array
from dlc.targets.onnx.table import AXES
from dlc.targets.target import need


def onnxruntime() -> Any:
    """The onnxruntime module. Raises MissingExtra with the pip line."""
    return need("onnxruntime", "onnx")


def execute(path: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs by name of the model in a file, which may be a folder with `model.onnx` in it.

    Inputs and outputs have the axes of the program that it was written from, also where the file has them in the order
    that ONNX prefers. Raises DlcError with the runtime's own words when it cannot load or run the file.
    """
    ort = onnxruntime()
    file = path / "model.onnx" if path.is_dir() else path
    try:
        session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        moved = moved_axes(session.get_modelmeta().custom_metadata_map)
        given = {name: array.transpose(moved[name]) if name in moved else array for name, array in inputs.items()}
        results = dict(zip([o.name for o in session.get_outputs()], run(session, given), strict=True))
    except Exception as error:  # the runtime has no common base class for its errors
        raise DlcError(Diagnostic("E0612", f"ONNX Runtime cannot run {file.name}: {error}", None)) from error
    return {name: array.transpose(np.argsort(moved[name])) if name in moved else array
            for name, array in results.items()}


def moved_axes(metadata: Mapping[str, str]) -> dict[str, list[int]]:
    """For each input and output that the file has in another order: axis i there is axis `order[i]` of the program."""
    return {key.removeprefix(AXES): [int(axis) for axis in order.split(",")]
            for key, order in metadata.items() if key.startswith(AXES)}


def run(session: Any, inputs: Mapping[str, Array]) -> list[Array]:
    """The outputs of a session in order; element types that numpy lacks pass as their bits."""
    ort = onnxruntime()
    if not is_special(session):
        return list(session.run(None, dict(inputs)))
    feeds = {name: value(ort, array) for name, array in inputs.items()}
    results = session.run_with_ort_values([o.name for o in session.get_outputs()], feeds)
    return [array(r) for r in results]


_BITS: dict[str, tuple[int, Any, Any]] = {
    "bfloat16": (16, np.uint16, ml_dtypes.bfloat16),
    "float8_e4m3fn": (17, np.uint8, ml_dtypes.float8_e4m3fn),
    "float8_e5m2": (19, np.uint8, ml_dtypes.float8_e5m2),
}
_RUNTIME = {"tensor(bfloat16)": "bfloat16", "tensor(float8e4m3fn)": "float8_e4m3fn",
            "tensor(float8e5m2)": "float8_e5m2"}


def is_special(session: Any) -> bool:
    """Whether an input or output has an element type that numpy lacks."""
    return any(t.type in _RUNTIME for t in (*session.get_inputs(), *session.get_outputs()))


def value(ort: Any, array: Array) -> Any:
    """An OrtValue over the memory of an array."""
    array = array if array.flags.c_contiguous else array.copy()
    known = _BITS.get(array.dtype.name)
    if known is None:
        return ort.OrtValue.ortvalue_from_numpy(array)
    number, bits, _ = known
    return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(array.view(bits), number)


def array(value: Any) -> Array:
    """The array of an OrtValue."""
    name = _RUNTIME.get(value.data_type())
    if name is None:
        result: Array = value.numpy()
        return result
    _, bits, dtype = _BITS[name]
    pointer = np.ctypeslib.as_array((np.ctypeslib.as_ctypes_type(bits) * int(np.prod(value.shape()))).from_address(
        value.data_ptr()))
    copied: Array = pointer.copy().view(dtype).reshape(value.shape())
    return copied
