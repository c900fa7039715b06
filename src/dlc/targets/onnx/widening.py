"""Narrow integers: many operations of ONNX and of its runtimes begin at 32 bits.

They are done in the next type that has them, and what comes out is cast back: sums and products wrap around in the
same way, and what is only compared or moved fits.
"""

from __future__ import annotations

from dlc.ir.graph import Apply, Value
from dlc.ir.types import I32, I64, DType, TensorType

_WIDE: dict[str, DType] = {"i8": I32, "i16": I32, "u8": I32, "u16": I32, "u32": I64}

_NARROW_LACKING = frozenset({
    "argmax", "argmin", "argsort", "clamp", "cumprod", "cumsum", "einsum", "matmul", "max", "maximum", "min", "minimum",
    "neg", "pad", "pow", "prod", "relu", "sort", "sum", "top_k", "where",
})
"""Operations that ONNX or ONNX Runtime lacks for some of the narrow types."""


def wide(type: TensorType) -> TensorType:
    """The type that a narrow integer tensor is computed in; other types stay."""
    return type.with_dtype(_WIDE.get(type.dtype.name, type.dtype))


def is_narrow(type: TensorType) -> bool:
    """Whether it is computed in another type."""
    return type.dtype.name in _WIDE


def widened(node: Apply) -> Apply | None:
    """The operation on wider integers, in no graph; None where it is fine as it is."""
    types = [v.type for v in (*node.operands, *node.outputs) if v is not None]
    if node.op.name not in _NARROW_LACKING or not any(map(is_narrow, types)):
        return None
    operands = [None if v is None else Value(wide(v.type), name=v.name) for v in node.operands]
    return Apply(node.op, operands, [wide(v.type) for v in node.outputs], node.attributes, span=node.span,
                 origin=node.origin, doc=node.doc)
