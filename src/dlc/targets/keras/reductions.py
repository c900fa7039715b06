"""Reductions, statistics, cumulative sums, order."""

from __future__ import annotations

from typing import Any

from dlc.ir.graph import Apply
from dlc.targets.keras.table import TABLE, Code, Result, Site, axes_of, axis_of, call, dtype, keep, lit, rank_of
from dlc.targets.source.code import literal
from dlc.targets.source.dialect import Several


def _over(site: Site) -> dict[str, Any]:
    """`axis=..., keepdims=True`; nothing for all axes."""
    rank, axes = site.type().rank, site["axis"]
    whole = {} if rank == 0 or len(axes) == rank else {"axis": axes_of(axes, rank)}
    return {**whole, **keep(keepdims=(site["keepdims"], False))}


def _cast(site: Site, text: Code) -> Code:
    """Keras widens small integers."""
    of = site.out().dtype
    return call("ops.cast", text, dtype(of)) if of.is_integer and of.bits < 32 else text


@TABLE.writes("sum", "mean", "max", "min", "prod", "any", "all", "logsumexp")
def reduction(site: Site) -> Result:
    if not site["axis"] and site.type().rank and site.node.op.name != "logsumexp":
        return site.x
    return _cast(site, call(f"ops.{site.node.op.name}", site.x, **_over(site)))


@TABLE.writes("variance", "std", when=lambda n: n.attributes["correction"] == 0.0 and bool(n.attributes["axis"]))
def spread(site: Site) -> Result:
    return call({"variance": "ops.var", "std": "ops.std"}[site.node.op.name], site.x, **_over(site))


@TABLE.writes("norm", when=lambda n: len(n.attributes["axis"]) == 1 and n.attributes["p"] in (1.0, 2.0))
def norm(site: Site) -> Result:
    order = {} if site["p"] == 2.0 else {"ord": literal(int(site["p"]))}
    return call("ops.norm", site.x, **order, axis=axes_of(site["axis"], site.type().rank),
                **keep(keepdims=(site["keepdims"], False)))


@TABLE.writes("argmax", "argmin")
def position(site: Site) -> Result:
    found = call(f"ops.{site.node.op.name}", site.x, axis=axis_of(site["axis"], site.type().rank),
                 **keep(keepdims=(site["keepdims"], False)))
    return call("ops.cast", found, dtype(site.out().dtype))


@TABLE.writes("cumsum", "cumprod")
def cumulative(site: Site) -> Result:
    return _cast(site, call(f"ops.{site.node.op.name}", site.x, axis=axis_of(site["axis"], site.type().rank)))


@TABLE.writes("argsort")
def argsort(site: Site) -> Result:
    x = site.x
    if site["descending"]:
        of = site.type().dtype
        x = call("ops.negative", x if of.kind != "uint" else call("ops.cast", x, literal("int64")))
    found = call("ops.argsort", x, axis=axis_of(site["axis"], site.type().rank))
    return call("ops.cast", found, dtype(site.out().dtype))


@TABLE.writes("sort")
def sort(site: Site) -> Result:
    axis = axis_of(site["axis"], site.type().rank)
    y = call("ops.sort", site.x, axis=axis)
    return call("ops.flip", y, axis=axis) if site["descending"] else y


def _largest_last(node: Apply) -> bool:
    return bool(node.attributes["largest"] and node.attributes["axis"] == rank_of(node) - 1)


@TABLE.writes("top_k", when=lambda n: _largest_last(n) and isinstance(n.attributes["k"], int))
def top_k(site: Site) -> Result:
    values, indices = site.function.fresh("values"), site.function.fresh("indices")
    site.function.emit(f"{values}, {indices} = {call('ops.top_k', site.x, lit(site['k'], 'k'))}")
    return Several(f"{values}, {call('ops.cast', indices, dtype(site.out(1).dtype))}")
