"""Elements chosen by index tensors, and written at such places."""

from __future__ import annotations

from dlc.ir.graph import Apply
from dlc.targets.keras.table import TABLE, Result, Site, axis_of, call, dtype, is_known, keep, lit, literal


@TABLE.writes("gather")
def gather(site: Site) -> Result:
    return call("ops.take", site.x, site.y, axis=axis_of(site["axis"], site.type().rank))


@TABLE.writes("take_along_axis")
def take_along_axis(site: Site) -> Result:
    return call("ops.take_along_axis", site.x, site.y, axis=axis_of(site["axis"], site.type().rank))


@TABLE.writes("masked_fill")
def masked_fill(site: Site) -> Result:
    value = site["value"] if site.type().dtype.is_float else int(site["value"])
    return call("ops.where", site.y, lit(value, "value"), site.x)


@TABLE.writes("one_hot", when=lambda n: is_known(n.attributes["classes"]))
def one_hot(site: Site) -> Result:
    return call("ops.one_hot", site.x, lit(site["classes"], "num_classes"),
                **keep(dtype=(dtype(site["dtype"]), literal("float32"))))


@TABLE.writes("diagonal")
def diagonal(site: Site) -> Result:
    return call("ops.diagonal", site.x, **keep(offset=(site["offset"], 0)), axis1=literal(site["first"]),
                axis2=literal(site["second"]))


_WRAP = '''
def from_start(index, sizes):
    """Indices that count from the end as ones that count from the start."""
    return ops.where(index < 0, index + ops.cast(sizes, index.dtype), index)
'''
_GATHER = '''
def gather_nd(x, index):
    """Slices of x at index tuples; index: [..., k]."""
    depth = index.shape[-1]
    sizes = ops.shape(x)
    flat = ops.zeros_like(index[..., 0])
    for axis in range(depth):
        flat = flat * ops.cast(sizes[axis], flat.dtype) + from_start(index[..., axis], sizes[axis])
    rows = ops.reshape(x, (-1, *sizes[depth:]))
    return ops.take(rows, flat, axis=0)
'''


@TABLE.writes("gather_nd")
def gather_nd(site: Site) -> Result:
    site.function.helper(_WRAP)
    site.function.helper(_GATHER)
    return call("gather_nd", site.x, site.y)


_SCATTER = '''
def scatter_nd(x, index, updates, reduction=None):
    """x with updates written at index tuples; index: [..., k]."""
    depth = index.shape[-1]
    index = from_start(index, ops.convert_to_tensor(ops.shape(x)[:depth]))
    places = ops.reshape(index, (-1, depth))
    return ops.scatter_update(x, places, ops.reshape(updates, (-1, *ops.shape(x)[depth:])), reduction)
'''
_ALONG = '''
def put_along_axis(x, index, updates, axis, reduction=None):
    """x with updates[.., j, ..] written at [.., index[.., j, ..], ..] along an axis."""
    grids = ops.meshgrid(*(ops.arange(n, dtype=index.dtype) for n in ops.shape(index)), indexing="ij")
    grids[axis] = index
    return scatter_nd(x, ops.stack(grids, axis=-1), updates, reduction)
'''


@TABLE.writes("scatter_nd")
def scatter_nd(site: Site) -> Result:
    site.function.helper(_WRAP)
    site.function.helper(_SCATTER)
    return call("scatter_nd", *site.args, **_reduction(site.node))


@TABLE.writes("scatter")
def scatter(site: Site) -> Result:
    site.function.helper(_WRAP)
    site.function.helper(_SCATTER)
    site.function.helper(_ALONG)
    return call("put_along_axis", *site.args, literal(site["axis"]), **_reduction(site.node))


def _reduction(node: Apply) -> dict[str, str]:
    name = node.attributes["reduction"]
    return {} if name == "none" else {"reduction": literal(name)}
