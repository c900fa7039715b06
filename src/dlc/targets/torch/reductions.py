"""Reductions, statistics, cumulative sums, order."""

from __future__ import annotations

from functools import partial

from dlc.targets.source.code import literal
from dlc.targets.source.dialect import Several
from dlc.targets.torch.table import TABLE, Result, Site, call, dim, dims, dtype, keep, lit, method


def _over(site: Site) -> dict[str, object]:
    """`dim=..., keepdim=True`; nothing for all axes."""
    rank, axes = site.type().rank, site["axis"]
    if rank == 0 or (len(axes) == rank and not site["keepdims"]):
        return {}
    return {"dim": dims(axes, rank), **keep(keepdim=(site["keepdims"], False))}


@TABLE.writes("sum", "mean")
def total(site: Site) -> Result:
    if not site["axis"] and site.type().rank:
        return site.x
    widened = site.type().dtype.is_integer or site.type().dtype.kind == "bool"
    kind = {"dtype": dtype(site.out().dtype)} if widened and site.out().dtype.name != "i64" else {}
    return method(site.x, site.node.op.name, **_over(site), **kind)


@TABLE.writes("max", "min")
def extremum(site: Site) -> Result:
    if not site["axis"] and site.type().rank:
        return site.x
    over = _over(site)
    return method(site.x, f"a{site.node.op.name}" if over else site.node.op.name, **over)


@TABLE.writes("any", "all")
def logical(site: Site) -> Result:
    if not site["axis"] and site.type().rank:
        return site.x
    return method(site.x, site.node.op.name, **_over(site))


@TABLE.writes("prod")
def prod(site: Site) -> Result:
    rank, result = site.type().rank, site.x
    widened = site.type().dtype.is_integer
    kind = {"dtype": dtype(site.out().dtype)} if widened and site.out().dtype.name != "i64" else {}
    if len(site["axis"]) == rank and not site["keepdims"]:
        return method(result, "prod", **kind)
    for axis in reversed(site["axis"]):
        result = method(result, "prod", dim=lit(axis, "dim"), **keep(keepdim=(site["keepdims"], False)), **kind)
    return result


@TABLE.writes("variance", "std")
def spread(site: Site) -> Result:
    name = {"variance": "var", "std": "std"}[site.node.op.name]
    correction = site["correction"]
    whole = int(correction) if correction == int(correction) else correction
    axes: dict[str, object] = _over(site) or {"dim": None}
    return method(site.x, name, **axes, correction=literal(whole))


@TABLE.writes("logsumexp")
def logsumexp(site: Site) -> Result:
    rank = site.type().rank
    return method(site.x, "logsumexp", dim=dims(site["axis"], rank), **keep(keepdim=(site["keepdims"], False)))


@TABLE.writes("norm")
def norm(site: Site) -> Result:
    order = [] if site["p"] == 2.0 else [literal(site["p"])]
    return call("torch.linalg.vector_norm", site.x, *order, **_over(site))


@TABLE.writes("argmax", "argmin")
def argument(site: Site) -> Result:
    rank = site.type().rank
    return method(site.x, site.node.op.name, dim=dim(site["axis"], rank), **keep(keepdim=(site["keepdims"], False)))


def _cumulative(name: str, site: Site) -> Result:
    integer = site.type().dtype.is_integer and site.type().dtype.name != "i64"
    kind = {"dtype": dtype(site.out().dtype)} if integer else {}
    return method(site.x, name, dim=dim(site["axis"], site.type().rank), **kind)


for _name in ("cumsum", "cumprod"):
    TABLE.writes(_name)(partial(_cumulative, _name))


@TABLE.writes("argsort")
def argsort(site: Site) -> Result:
    return method(site.x, "argsort", dim=dim(site["axis"], site.type().rank),
                  **keep(descending=(site["descending"], False)), stable=True)


@TABLE.writes("sort")
def sort(site: Site) -> Result:
    result = method(site.x, "sort", dim=dim(site["axis"], site.type().rank),
                    **keep(descending=(site["descending"], False)), stable=True)
    return Several(result) if len(site.node.outputs) > 1 else f"{result}.values"


@TABLE.writes("top_k")
def top_k(site: Site) -> Result:
    rank = site.type().rank
    axis = {} if site["axis"] == rank - 1 else {"dim": lit(site["axis"], "dim")}
    if not site.type().dtype.is_float:
        return _stable_top_k(site)
    return Several(method(site.x, "topk", site.size(site["k"], "k"), **axis, **keep(largest=(site["largest"], True))))




def _stable_top_k(site: Site) -> Result:
    """`topk` leaves the order of equal elements open; among integers they are common, and the first one comes first."""
    rank, k = site.type().rank, site.size(site["k"], "k")
    ordered = method(site.x, "sort", dim=dim(site["axis"], rank), descending=site["largest"], stable=True)
    parts = ", ".join([":"] * site["axis"] + [f":{k}"])
    return Several(f"(part[{parts}] for part in {ordered})")
