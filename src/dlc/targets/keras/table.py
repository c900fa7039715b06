"""The table of Keras forms: `keras.ops` expressions for every operation, layers for those that own weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply
from dlc.ir.types import Array, DType
from dlc.targets.source.code import Code, Option, call, infix, lit, literal, option
from dlc.targets.source.dialect import Call, Layer, Result, Site, call_plainly
from dlc.targets.table import Table

Writer = Callable[[Site], Result]

TABLE: Table[Writer] = Table("keras")

DTYPES = {
    "bool": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16",
    "u32": "uint32", "u64": "uint64", "f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64",
    "f8e4m3": "float8_e4m3fn", "f8e5m2": "float8_e5m2", "complex64": "complex64", "complex128": "complex128",
}
"""Keras' name of each element type; those that are missing have none."""


@dataclass(frozen=True)
class Variable:
    """A variable of a Keras layer: its path below the layer, and how it follows from weights of the node.

    sources: declared names of weights; `combine` takes their arrays in that order.
    """

    path: str
    sources: tuple[str, ...]
    combine: Callable[..., Array] = np.asarray


@dataclass(frozen=True)
class KerasLayer(Layer):
    """The layer form of a node.

    variables: where its weights go. reads: for each weight by its declared name, the expression that gives it back as
    it was, with `{self}` for the layer, for those who share it.
    """

    call: Call = call_plainly
    variables: tuple[Variable, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()


LayerWriter = Callable[[Apply], KerasLayer | None]
LAYERS: dict[str, LayerWriter] = {}


def layer(*names: str) -> Callable[[LayerWriter], LayerWriter]:
    """Decorate the layer form of these operations; None from it means the functional form."""
    def enter(writer: LayerWriter) -> LayerWriter:
        for name in names:
            if name in LAYERS:
                raise TypeError(f"target keras: the layer of {name!r} is entered twice")
            LAYERS[name] = writer
        return writer
    return enter


def dtype(of: DType) -> str:
    """`"float32"`."""
    return literal(DTYPES[of.name])


def weightless(site: Site, name: str, constructor: str) -> Code:
    """A layer without weights that the class owns, in the element type of the node."""
    kind = site.out().dtype
    if kind.is_float and kind.name != "f32":
        comma = "" if constructor.endswith("()") else ", "
        constructor = f"{constructor[:-1]}{comma}dtype={dtype(kind)})"
    return site.function.owned(name, constructor)


def axis_of(axis: int, rank: int) -> Code:
    """An axis as people write it: -1 for the last one."""
    return lit(-1 if axis == rank - 1 and rank > 1 else axis, "axis")


def axes_of(axes: Sequence[int], rank: int) -> Code:
    """One axis as a number, several as a tuple."""
    return axis_of(axes[0], rank) if len(axes) == 1 else lit(tuple(axes), "axis")


def same(values: Sequence[int], hint: str) -> Code:
    """A number for every spatial axis, one number where all are equal."""
    return lit(values[0] if len(set(values)) == 1 else tuple(values), hint)


def spatial_option(values: Sequence[int], default: int, hint: str) -> Option:
    """A keyword with a number for every spatial axis, one number where all are equal; left out if the default."""
    return option(values[0] if len(set(values)) == 1 else tuple(values), default, hint)


def tuple_of(parts: Sequence[str]) -> str:
    """`(a, b)`, `(a,)`."""
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def shape(site: Site, sizes: Sequence[Dim]) -> str:
    """A shape as a tuple of sizes."""
    return tuple_of(site.sizes(sizes))


def operand(site: Site, position: int) -> Code:
    """An operand where Keras takes a number as well as a tensor."""
    number = site.scalar(position)
    return lit(number, "value") if number is not None else site.arg(position)


def pair(site: Site) -> tuple[Code, Code]:
    """Two operands of which at most one is written as a number."""
    if site.scalar(0) is not None and site.scalar(1) is None:
        return operand(site, 0), site.y
    return site.x, operand(site, 1)


def keep(**options: tuple[Any, Any]) -> dict[str, Any]:
    """The keywords whose value (first) is not the default (second)."""
    return {name: value for name, (value, default) in options.items() if value != default}


def rank_of(node: Apply, position: int = 0) -> int:
    """The rank of an operand."""
    value = node.operands[position]
    return 0 if value is None else value.type.rank


def is_known(*dims: Dim) -> bool:
    """Whether all sizes are numbers."""
    return all(isinstance(d, int) for d in dims)


def transposed(text: str) -> Code:
    """`ops.transpose(x)`; undone where x is a transpose already."""
    inner = text.removeprefix("ops.transpose(")
    if inner != text and inner.endswith(")") and inner[:-1].replace(".", "").replace("_", "").isalnum():
        return Code(inner[:-1])
    return call("ops.transpose", text)


__all__ = ["DTYPES", "LAYERS", "TABLE", "Code", "KerasLayer", "Result", "Site", "Variable", "axes_of", "axis_of",
           "call", "dtype", "infix", "is_known", "keep", "layer", "lit", "literal", "operand", "option", "pair",
           "rank_of", "same", "shape", "spatial_option", "transposed", "tuple_of", "weightless"]
