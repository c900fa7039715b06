"""Writing safetensors one tensor at a time, so that no second copy of the weights is ever held."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dlc.diagnostics import Diagnostic, Unsupported
from dlc.ir.types import Array, DType, TensorType

_NAMES = {"bool": "BOOL", "i8": "I8", "i16": "I16", "i32": "I32", "i64": "I64", "u8": "U8", "u16": "U16", "u32": "U32",
          "u64": "U64", "f16": "F16", "bf16": "BF16", "f32": "F32", "f64": "F64", "f8e4m3": "F8_E4M3",
          "f8e5m2": "F8_E5M2"}
_CHUNK = 1 << 24


def write_tensors(path: Path, types: Mapping[str, TensorType], arrays: Mapping[str, Array],
                  metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file with a tensor for every entry of `types`, in that order.

    The arrays are asked for one after the other, and may be memory-mapped. Raises Unsupported for an element type
    that the format lacks.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, type_ in types.items():
        shape = [d for d in type_.shape if isinstance(d, int)]
        size = int(np.prod(shape, dtype=np.int64)) * type_.dtype.numpy.itemsize
        header[name] = {"dtype": _name(type_.dtype), "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        _write_all(file, types, arrays)


def _write_all(file: BinaryIO, types: Mapping[str, TensorType], arrays: Mapping[str, Array]) -> None:
    for name, type_ in types.items():
        array = arrays[name]
        assert tuple(array.shape) == type_.shape, f"{name}: {array.shape} is not {type_}"
        for part in _parts(np.ascontiguousarray(array, type_.dtype.numpy)):
            file.write(part)


def _parts(array: Array) -> Iterable[memoryview]:
    """The bytes of a contiguous array, some megabytes at a time."""
    flat = array.reshape(-1).view(np.uint8) if array.size else np.empty(0, np.uint8)
    for start in range(0, flat.size, _CHUNK):
        yield flat[start:start + _CHUNK].data


def _name(dtype: DType) -> str:
    if dtype.name not in _NAMES:
        raise Unsupported(Diagnostic("E0604", f"safetensors has no element type for {dtype}", None, found=str(dtype),
                                     expected=", ".join(_NAMES)))
    return _NAMES[dtype.name]
