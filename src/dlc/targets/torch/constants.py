"""Tensors from compile-time values: constants, ranges, sizes, triangles."""

from __future__ import annotations

from typing import Any

from dlc.ir.types import TensorType
from dlc.targets.source.code import Code, lit, literal
from dlc.targets.source.dialect import Function
from dlc.targets.torch.table import TABLE, Result, Site, call, device, dtype, keep, method, shape


def tensor(value: Any, type: TensorType, function: Function) -> Code:
    """`torch.tensor(value, device=x.device)`; the element type where it is not the one that PyTorch takes itself."""
    natural = type.dtype.name in ("f32", "i64", "bool") and type.size != 0
    name = function.any_tensor
    kind = {} if natural else {"dtype": dtype(type.dtype)}
    place = {"device": f"{name}.device"} if name else {}
    return call("torch.tensor", lit(_lists(value), "value"), **kind, **place)


def _lists(value: Any) -> Any:
    return [_lists(v) for v in value] if isinstance(value, tuple) else value


@TABLE.writes("constant")
def constant(site: Site) -> Result:
    return tensor(site["value"], site.out(), site.function)


@TABLE.writes("full")
def full(site: Site) -> Result:
    return filled(site, site["value"])


@TABLE.writes("zeros", "ones")
def zeros(site: Site) -> Result:
    return filled(site, {"zeros": 0, "ones": 1}[site.node.op.name])


def filled(site: Site, value: Any) -> Code:
    """A new tensor of the node's type with one number everywhere."""
    out = site.out()
    kind = {} if out.dtype.name == "f32" else {"dtype": dtype(out.dtype)}
    sizes = site.sizes(out.shape) if out.rank else ["()"]
    if value in (0, 1) and out.dtype.kind != "bool":
        return call("torch.zeros" if value == 0 else "torch.ones", *sizes, **kind, **device(site))
    if out.dtype.kind == "bool":
        kind, value = {}, bool(value)
    return call("torch.full", shape(site, out.shape), literal(value), **kind, **device(site))


@TABLE.writes("zeros_like", "ones_like")
def zeros_like(site: Site) -> Result:
    return call(f"torch.{site.node.op.name}", site.x)


@TABLE.writes("arange")
def arange(site: Site) -> Result:
    start, stop, step = site["start"], site["stop"], site["step"]
    if stop is None:
        start, stop = 0, start
    bounds = [site.size(d) for d in ([stop] if start == 0 and step == 1 else [start, stop])]
    bounds += [] if step == 1 else [lit(step, "step")]
    kind = {} if site.out().dtype.name == "i64" else {"dtype": dtype(site.out().dtype)}
    return call("torch.arange", *bounds, **kind, **device(site))


@TABLE.writes("dimension")
def dimension(site: Site) -> Result:
    return call("torch.tensor", site.size(site["size"]), **device(site))


@TABLE.writes("eye")
def eye(site: Site) -> Result:
    n, m = site.out().shape
    kind = {} if site.out().dtype.name == "f32" else {"dtype": dtype(site.out().dtype)}
    if site["diagonal"] == 0:
        return call("torch.eye", site.size(n), *([] if m == n else [site.size(m)]), **kind, **device(site))
    ones = call("torch.ones", site.size(n), site.size(m), **kind, **device(site))
    k = literal(site["diagonal"])
    return call("torch.triu", call("torch.tril", ones, k), k)


@TABLE.writes("tril", "triu")
def triangle(site: Site) -> Result:
    return method(site.x, site.node.op.name, **keep(diagonal=(site["diagonal"], 0)))
