"""Gathering and scattering by index."""

from __future__ import annotations

from dlc.ir.graph import Apply
from dlc.targets.source.code import Code, atom
from dlc.targets.torch.table import TABLE, Result, Site, call, dim, dtype, infix, keep, lit, literal, method

_REDUCE = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def long(site: Site, position: int) -> Code:
    """Indices as i64, which PyTorch wants."""
    text = site.arg(position)
    return text if site.type(position).dtype.name == "i64" else method(text, "long")


@TABLE.writes("gather")
def gather(site: Site) -> Result:
    return Code(f"{atom(site.x)}[{', '.join([':'] * site['axis'] + [long(site, 1)])}]")


@TABLE.writes("take_along_axis")
def take_along_axis(site: Site) -> Result:
    return call("torch.take_along_dim", site.x, long(site, 1), dim=dim(site["axis"], site.type().rank))


@TABLE.writes("scatter")
def scatter(site: Site) -> Result:
    axis, size = dim(site["axis"], site.type().rank), site.size(site.type().shape[site["axis"]])
    index = infix(long(site, 1), "%", size)
    if site["reduction"] == "none":
        return method(site.x, "scatter", axis, index, site.arg(2))
    if site["reduction"] == "add":
        return method(site.x, "scatter_add", axis, index, site.arg(2))
    return method(site.x, "scatter_reduce", axis, index, site.arg(2), literal(_REDUCE[site["reduction"]]))


@TABLE.writes("gather_nd")
def gather_nd(site: Site) -> Result:
    return Code(f"{atom(site.x)}[{method(long(site, 1), 'unbind', '-1')}]")


_SCATTER_ND = '''
def scatter_nd(x, index, updates, reduce):
    """Combine updates with x at index tuples, which are the last axis of index."""
    depth = index.shape[-1]
    place = torch.zeros(index.shape[:-1], dtype=torch.long, device=x.device)
    for axis in range(depth):
        place = place * x.shape[axis] + index[..., axis]
    rows = x.flatten(0, depth - 1)
    place = place.reshape(-1, *[1] * (rows.ndim - 1)).expand(-1, *rows.shape[1:])
    return rows.scatter_reduce(0, place, updates.reshape(place.shape), reduce).reshape(x.shape)
'''


@TABLE.writes("scatter_nd")
def scatter_nd(site: Site) -> Result:
    index, kind = long(site, 1), site["reduction"]
    if kind in ("none", "add"):
        return method(site.x, "index_put", method(index, "unbind", "-1"), site.arg(2),
                      **keep(accumulate=(kind == "add", False)))
    site.function.helper(_SCATTER_ND)
    return call("scatter_nd", site.x, index, site.arg(2), literal(_REDUCE[kind]))


@TABLE.writes("masked_fill")
def masked_fill(site: Site) -> Result:
    return method(site.x, "masked_fill", site.y, site.lit("value"))


@TABLE.writes("one_hot")
def one_hot(site: Site) -> Result:
    hot = call("F.one_hot", long(site, 0), site.size(site["classes"], "num_classes"))
    kind = site["dtype"].name
    short = {"f32": "float", "f64": "double", "f16": "half", "bool": "bool", "i32": "int"}
    if kind == "i64":
        return hot
    return method(hot, short[kind]) if kind in short else method(hot, "to", dtype(site["dtype"]))


@TABLE.writes("diagonal")
def diagonal(site: Site) -> Result:
    return call("torch.diagonal", site.x, **keep(offset=(site["offset"], 0), dim1=(site["first"], 0),
                                                 dim2=(site["second"], 1)))


def _vector_index(node: Apply) -> bool:
    index = node.operands[1]
    return index is not None and index.type.rank == 1 and node.attributes["reduction"] in ("none", "add")


@TABLE.writes("index_update", when=_vector_index)
def index_update(site: Site) -> Result:
    name = {"none": "index_copy", "add": "index_add"}[site["reduction"]]
    return method(site.x, name, lit(site["axis"], "dim"), long(site, 1), site.arg(2))
