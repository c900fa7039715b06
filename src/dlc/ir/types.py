"""What a value in the graph is: an element type and a shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from dlc.ir.dim import Dim, product, substitute

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class DType:
    """An element type.

    name: as written in the language, such as `f32`.
    kind: "float", "int", "uint", "bool", "complex" or "string".
    bits: the width of one element.
    """

    name: str
    kind: str
    bits: int

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")

    @property
    def is_number(self) -> bool:
        return self.kind in ("float", "int", "uint", "complex")

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        """The numpy element type that holds it (sub-byte integers take one byte each)."""
        result: np.dtype[Any] = np.dtype(_NUMPY[self.name])
        return result


_NUMPY: dict[str, Any] = {
    "bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64,
    "f8e4m3": ml_dtypes.float8_e4m3fn, "f8e5m2": ml_dtypes.float8_e5m2,
    "complex64": np.complex64, "complex128": np.complex128, "string": np.object_,
    "i4": ml_dtypes.int4, "u4": ml_dtypes.uint4,
}

DTYPES: dict[str, DType] = {
    d.name: d for d in [
        DType("bool", "bool", 8),
        *(DType(f"i{b}", "int", b) for b in (4, 8, 16, 32, 64)),
        *(DType(f"u{b}", "uint", b) for b in (4, 8, 16, 32, 64)),
        DType("f8e4m3", "float", 8), DType("f8e5m2", "float", 8),
        DType("f16", "float", 16), DType("bf16", "float", 16), DType("f32", "float", 32), DType("f64", "float", 64),
        DType("complex64", "complex", 64), DType("complex128", "complex", 128), DType("string", "string", 64),
    ]
}

BOOL, I32, I64, F32, F64 = (DTYPES[n] for n in ("bool", "i32", "i64", "f32", "f64"))
_BY_NUMPY = {d.numpy: d for d in DTYPES.values()}


def dtype_of(array: Array) -> DType:
    """The element type of a numpy array. Raises KeyError for one that dlc has no name for."""
    return _BY_NUMPY[array.dtype]


@dataclass(frozen=True, slots=True)
class TensorType:
    """An element type and a shape; a scalar has the shape ()."""

    dtype: DType
    shape: tuple[Dim, ...]

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """The number of elements."""
        return product(self.shape)

    def with_shape(self, *shape: Dim) -> TensorType:
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: DType) -> TensorType:
        return TensorType(dtype, self.shape)

    def substitute(self, sizes: Mapping[str, Dim]) -> TensorType:
        """The type with some named sizes replaced."""
        return TensorType(self.dtype, tuple(substitute(d, sizes) for d in self.shape))

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]" if self.shape else self.dtype.name

    __repr__ = __str__
