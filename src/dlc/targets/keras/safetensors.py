"""A safetensors file written array by array, so that no second copy of a model is ever in memory.

Format: 8 bytes with the length of a JSON header, the header with type, shape and place of every array, the arrays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from dlc.ir.types import Array, dtype_of
from dlc.targets.keras.variables import Stored

_NAMES = {"bool": "BOOL", "i8": "I8", "i16": "I16", "i32": "I32", "i64": "I64", "u8": "U8", "u16": "U16", "u32": "U32",
          "u64": "U64", "f16": "F16", "bf16": "BF16", "f32": "F32", "f64": "F64"}


def write_arrays(where: Path, variables: Iterable[Stored], weights: Mapping[str, Array],
                 metadata: Mapping[str, str]) -> None:
    """Write every variable under its key."""
    ordered = list(variables)
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    start = 0
    for stored in ordered:
        sketch = _sketch(stored, weights)
        end = start + sketch.size * sketch.dtype.itemsize
        header[stored.key] = {"dtype": _NAMES[dtype_of(sketch).name], "shape": list(sketch.shape),
                              "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with where.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for stored in ordered:
            file.write(np.ascontiguousarray(stored.array(weights)).tobytes())


def _sketch(stored: Stored, weights: Mapping[str, Array]) -> Array:
    """An array of the right type and shape, made without touching the numbers where that is possible."""
    hollow = {path: np.broadcast_to(np.zeros((), weights[path].dtype), weights[path].shape)
              for path in stored.sources}
    return stored.array(hollow)
