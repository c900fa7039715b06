"""The table of PyTorch forms: functional expressions for every operation, modules for those that own weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply
from dlc.ir.types import DType
from dlc.targets.source.code import Code, Option, call, infix, lit, literal, method, option
from dlc.targets.source.dialect import Layer, Result, Site
from dlc.targets.table import Table

Writer = Callable[[Site], Result]
LayerWriter = Callable[[Apply], Layer | None]

TABLE: Table[Writer] = Table("torch")
LAYERS: dict[str, LayerWriter] = {}

DTYPES = {
    "bool": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16",
    "u32": "uint32", "u64": "uint64", "f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64",
    "f8e4m3": "float8_e4m3fn", "f8e5m2": "float8_e5m2", "complex64": "complex64", "complex128": "complex128",
}
"""PyTorch's name of each element type; those that are missing have none."""


def layer(*names: str) -> Callable[[LayerWriter], LayerWriter]:
    """Decorate the module form of these operations; None from it means the functional form."""
    def enter(writer: LayerWriter) -> LayerWriter:
        for name in names:
            if name in LAYERS:
                raise TypeError(f"target torch: the module of {name!r} is entered twice")
            LAYERS[name] = writer
        return writer
    return enter


def dtype(of: DType) -> str:
    """`torch.float32`."""
    return f"torch.{DTYPES[of.name]}"


def dim(axis: int, rank: int) -> Code:
    """An axis as people write it: -1 for the last one."""
    return lit(-1 if axis == rank - 1 and rank > 1 else axis, "dim")


def dims(axes: Sequence[int], rank: int) -> str:
    """One axis as a number, several as a tuple; the last one alone is -1."""
    return dim(axes[0], rank) if len(axes) == 1 else lit(tuple(axes), "dims")


def same(values: Sequence[int], hint: str) -> Code:
    """A number for every spatial axis, one number where all are equal."""
    return lit(values[0] if len(set(values)) == 1 else tuple(values), hint)


def spatial_option(values: Sequence[int], default: Sequence[int], hint: str) -> Option:
    """A keyword with a number for every spatial axis."""
    def short(numbers: Sequence[int]) -> int | tuple[int, ...]:
        return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)
    return option(short(values), short(default), hint)


def shape(site: Site, sizes: Sequence[Dim]) -> str:
    """A shape as a tuple of sizes."""
    return tuple_of(site.sizes(sizes))


def tuple_of(parts: Sequence[str]) -> str:
    """`(a, b)`, `(a,)`."""
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def operand(site: Site, position: int) -> Code:
    """An operand where PyTorch takes a number as well as a tensor."""
    number = site.scalar(position)
    return lit(number, "value") if number is not None else site.arg(position)


def pair(site: Site) -> tuple[Code, Code]:
    """Two operands of which at most one is a number; the number is never first where both could be."""
    if site.scalar(0) is not None and site.scalar(1) is None:
        return operand(site, 0), site.y
    return site.x, operand(site, 1)


def device(site: Site) -> dict[str, str]:
    """`device=x.device` for a new tensor, after the first tensor at hand."""
    name = site.function.any_tensor
    return {"device": f"{name}.device"} if name else {}


def keep(**options: tuple[Any, Any]) -> dict[str, Any]:
    """The keywords whose value (first) is not the default (second)."""
    return {name: literal(value) if isinstance(value, str) else value
            for name, (value, default) in options.items() if value != default}


def permuted(x: str, axes: Sequence[int]) -> Code:
    """The axes of a tensor in another order; itself for the identity."""
    if tuple(axes) == tuple(range(len(axes))):
        return Code(x)
    return method(x, "permute", *(str(a) for a in axes))


def channels_first(x: str, rank: int, layout: str) -> Code:
    """The tensor as NCHW."""
    return permuted(x, [0, rank - 1, *range(1, rank - 1)]) if layout == "NHWC" else Code(x)


def channels_back(y: str, rank: int, layout: str) -> Code:
    """An NCHW result in the layout of the operation."""
    return permuted(y, [0, *range(2, rank), 1]) if layout == "NHWC" else Code(y)


def padded(x: str, pads: Sequence[tuple[int, int]], mode: str = "constant", value: float = 0.0) -> Code:
    """`F.pad` of the last axes; `pads` are in the order of the axes. Itself where nothing is added."""
    if not any(a or b for a, b in pads):
        return Code(x)
    flat = tuple(n for before_after in reversed(pads) for n in before_after)
    return call("F.pad", x, lit(flat, "padding"), **keep(mode=(mode, "constant"), value=(value, 0.0)))


__all__ = [
    "DTYPES",
    "LAYERS",
    "TABLE",
    "Code",
    "Layer",
    "Result",
    "Site",
    "call",
    "channels_back",
    "channels_first",
    "device",
    "dim",
    "dims",
    "dtype",
    "infix",
    "keep",
    "layer",
    "lit",
    "literal",
    "method",
    "operand",
    "option",
    "padded",
    "pair",
    "permuted",
    "same",
    "shape",
    "spatial_option",
    "tuple_of",
]
