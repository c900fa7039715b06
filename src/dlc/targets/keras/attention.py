"""Attention."""

from __future__ import annotations

from dlc.ir.graph import Apply
from dlc.targets.keras.table import TABLE, Code, Result, Site, call, keep, lit, literal, weightless

_ATTENTION = '''
def attention(query, key, value, mask=None, is_causal=False, scale=None, dropout=None):
    """Scaled dot-product attention over the last two axes, [..., time, width].

    mask: true where a query may look; a query that may look nowhere gets zeros.
    """
    scale = ops.shape(query)[-1] ** -0.5 if scale is None else scale
    scores = ops.matmul(query * scale, ops.swapaxes(key, -2, -1))
    if is_causal:
        queries, keys = ops.shape(scores)[-2], ops.shape(scores)[-1]
        past = ops.expand_dims(ops.arange(queries), -1) >= ops.arange(keys)
        mask = past if mask is None else ops.logical_and(mask, past)
    if mask is not None:
        scores = ops.where(mask, scores, -1e9)
    weights = ops.softmax(scores)
    if mask is not None:
        weights = weights * ops.cast(mask, weights.dtype)
    if dropout is not None:
        weights = dropout(weights)
    return ops.matmul(weights, value)
'''


def _writable(node: Apply) -> bool:
    q, k, _, mask = (*node.operands, None)[:4]
    assert q is not None
    assert k is not None
    boolean = mask is None or mask.type.dtype.kind == "bool"
    same_heads = q.type.rank < 3 or q.type.shape[-3] == k.type.shape[-3] or (
        isinstance(q.type.shape[-3], int) and isinstance(k.type.shape[-3], int))
    return boolean and same_heads and q.type.dtype.name in ("f32", "f64") and (
        isinstance(q.type.shape[-1], int) or node.attributes["scale"] is not None)


@TABLE.writes("attention", when=_writable)
def attention(site: Site) -> Result:
    site.function.helper(_ATTENTION)
    mask = {"mask": site.arg(3)} if site.has(3) else {}
    dropout = {}
    if site["dropout"] and site.function.is_method:
        made = call("layers.Dropout", lit(site["dropout"], "rate"))
        dropout["dropout"] = weightless(site, "dropout", made)
    return call("attention", site.x, *(_shared(site, i) for i in (1, 2)), **mask,
                **keep(is_causal=(site["causal"], False), scale=(site["scale"], None)), **dropout)


def _shared(site: Site, position: int) -> Code:
    """Keys and values repeated for the query heads that share them."""
    q, k = site.type(), site.type(position)
    if q.rank < 3 or q.shape[-3] == k.shape[-3]:
        return site.arg(position)
    assert isinstance(q.shape[-3], int)
    assert isinstance(k.shape[-3], int)
    return call("ops.repeat", site.arg(position), lit(q.shape[-3] // k.shape[-3], "groups"), axis=literal(-3))
