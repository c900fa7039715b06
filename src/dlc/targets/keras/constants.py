"""Tensors from compile-time values: constants, ranges, sizes, triangles."""

from __future__ import annotations

from typing import Any

from dlc.ir.types import TensorType
from dlc.targets.keras.table import TABLE, Code, Result, Site, call, dtype, keep, lit, literal, shape
from dlc.targets.source.dialect import Function


def tensor(value: Any, type: TensorType) -> Code:
    """`ops.array(value, dtype)`: a tensor with these numbers."""
    return call("ops.array", lit(_lists(value), "value"), dtype=dtype(type.dtype))


def _lists(value: Any) -> Any:
    return [_lists(v) for v in value] if isinstance(value, tuple) else value


def filled(value: Any, type: TensorType, dims: str) -> Code:
    """A tensor of a shape with one number everywhere."""
    kind = {} if type.dtype.name == "f32" else {"dtype": dtype(type.dtype)}
    if value in (0, 1) and type.dtype.kind != "bool":
        return call("ops.zeros" if value == 0 else "ops.ones", dims, **kind)
    return call("ops.full", dims, literal(value), **{"dtype": dtype(type.dtype)} if kind else {})


@TABLE.writes("constant")
def constant(site: Site) -> Result:
    return tensor(site["value"], site.out())


@TABLE.writes("full")
def full(site: Site) -> Result:
    return filled(site["value"], site.out(), shape(site, site.out().shape) if site.out().rank else "()")


@TABLE.writes("zeros", "ones")
def zeros(site: Site) -> Result:
    number = {"zeros": 0, "ones": 1}[site.node.op.name]
    value = bool(number) if site.out().dtype.kind == "bool" else number
    return filled(value, site.out(), shape(site, site.out().shape) if site.out().rank else "()")


@TABLE.writes("zeros_like", "ones_like")
def zeros_like(site: Site) -> Result:
    return call(f"ops.{site.node.op.name}", site.x)


@TABLE.writes("arange")
def arange(site: Site) -> Result:
    start, stop, step = site["start"], site["stop"], site["step"]
    bounds = [site.size(d) for d in ([stop] if start == 0 and step == 1 else [start, stop])]
    bounds += [] if step == 1 else [lit(step, "step")]
    kind = site.out().dtype
    if kind.is_float and kind.bits < 32:  # TensorFlow counts in no smaller type
        return call("ops.cast", call("ops.arange", *bounds, dtype=literal("float32")), dtype(kind))
    return call("ops.arange", *bounds, dtype=dtype(kind))


@TABLE.writes("dimension")
def dimension(site: Site) -> Result:
    return call("ops.cast", site.size(site["size"]), literal("int64"))


@TABLE.writes("tril", "triu")
def triangle(site: Site) -> Result:
    return call(f"ops.{site.node.op.name}", site.x, **keep(k=(site["diagonal"], 0)))


def filled_input(value: float | bool, type: TensorType, function: Function) -> Code:
    """What stands in for an optional input that was left out."""
    sizes = [function.size(d, "size", []) for d in type.shape]
    dims = f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
    return filled(value, type, dims)
