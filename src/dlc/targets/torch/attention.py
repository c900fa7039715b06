"""Scaled dot-product attention and nn.MultiheadAttention."""

from __future__ import annotations

from typing import Any

from dlc.ir.graph import Apply
from dlc.targets.source.code import Code, prefix
from dlc.targets.torch.initialisers import initialise
from dlc.targets.torch.table import TABLE, Layer, Result, Site, call, infix, layer, lit, method, option


def _dropout(site: Site) -> dict[str, Any]:
    if not site["dropout"] or not site.function.is_method:
        return {}
    return {"dropout_p": f"{lit(site['dropout'], 'dropout')} if self.training else 0.0"}


def _causal(site: Site, queries: Any, keys: Any) -> Code:
    """A lower triangle of true."""
    sizes = [site.size(queries), site.size(keys)]
    place = {"device": f"{site.function.any_tensor}.device"}
    return method(call("torch.ones", *sizes, dtype="torch.bool", **place), "tril")


def _with_causal(site: Site, mask: Code, is_bool: bool, queries: Any, keys: Any) -> Code:
    """A mask that also hides the future."""
    triangle = _causal(site, queries, keys)
    if is_bool:
        return infix(mask, "&", triangle)
    return method(mask, "masked_fill", prefix("~", triangle), 'float("-inf")')


def _several_axes(node: Apply) -> bool:
    q = node.operands[0]
    return q is not None and q.type.rank >= 3


@TABLE.writes("attention", when=_several_axes)
def attention(site: Site) -> Result:
    q, k = site.type(0), site.type(1)
    options: dict[str, Any] = {}
    if site.has(3):
        mask = site.arg(3)
        if site["causal"]:
            mask = _with_causal(site, mask, site.type(3).dtype.kind == "bool", q.shape[-2], k.shape[-2])
        options["attn_mask"] = mask
    elif site["causal"]:
        options["is_causal"] = True
    options.update(_dropout(site))
    if site["scale"] is not None:
        options["scale"] = lit(site["scale"], "scale")
    if q.shape[-3] != k.shape[-3]:
        options["enable_gqa"] = True
    return call("F.scaled_dot_product_attention", site.x, site.y, site.arg(2), **options)


_HEADS = '''
def multi_head_attention(q, k, v, heads, mask, causal, in_weight, in_bias, out_weight, out_bias):
    """Attention of several heads between learned projections; batch first."""
    biases = (None, None, None) if in_bias is None else in_bias.chunk(3)
    projected = (F.linear(x, w, b) for x, w, b in zip((q, k, v), in_weight.chunk(3), biases))
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in projected)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    return F.linear(y.transpose(1, 2).flatten(2), out_weight, out_bias)
'''


def _projections(site: Site) -> list[Code]:
    """in_weight, in_bias, out_weight, out_bias; None for the biases that are absent."""
    weights = [site.arg(i) for i in range(4, len(site.operands))]
    return weights if site["bias"] else [weights[0], Code("None"), weights[1], Code("None")]


def _inputs(site: Site) -> tuple[Code, Code, Code]:
    q = site.x
    k = site.arg(1) if site.has(1) else q
    return q, k, site.arg(2) if site.has(2) else k


def _lengths(site: Site) -> tuple[Any, Any]:
    keys = site.type(1) if site.has(1) else site.type(0)
    return site.type(0).shape[1], keys.shape[1]


@TABLE.writes("multi_head_attention")
def multi_head_attention(site: Site) -> Result:
    site.function.helper(_HEADS)
    mask, causal = Code("None"), site["causal"]
    if site.has(3):
        mask = site.arg(3)
        if causal:
            mask = _with_causal(site, mask, site.type(3).dtype.kind == "bool", *_lengths(site))
        causal = False
    return call("multi_head_attention", *_inputs(site), site.lit("heads"), mask, str(causal), *_projections(site))


@layer("multi_head_attention")
def multi_head_attention_module(node: Apply) -> Layer | None:
    q, attributes = node.operands[0], node.attributes
    assert q is not None
    width = q.type.shape[2]
    if not isinstance(width, int):
        return None
    constructor = call("nn.MultiheadAttention", lit(width, "embed_dim"), lit(attributes["heads"], "num_heads"),
                       dropout=option(attributes["dropout"], 0.0, "dropout"),
                       bias=option(attributes["bias"], True, "bias"), batch_first=True)
    return Layer(constructor, _call_heads, initialise(node))


def _call_heads(site: Site, module: str) -> Result:
    """nn.MultiheadAttention takes masks the other way round: true where a query may *not* look."""
    options: dict[str, Any] = {}
    queries, keys = _lengths(site)
    if site.has(3):
        options["attn_mask"] = _module_mask(site, queries, keys)
    elif site["causal"]:
        options["attn_mask"] = prefix("~", _causal(site, queries, keys))
    return Code(f"{call(module, *_inputs(site), **options, need_weights=False)}[0]")


def _module_mask(site: Site, queries: Any, keys: Any) -> Code:
    mask, of = site.arg(3), site.type(3)
    is_bool = of.dtype.kind == "bool"
    if site["causal"]:
        mask = _with_causal(site, mask, is_bool, queries, keys)
    if is_bool:
        mask = prefix("~", mask)
    if of.shape == (queries, keys):
        return mask
    sizes = [site.size(site.type(0).shape[0]), str(site["heads"]), site.size(queries), site.size(keys)]
    return method(method(mask, "expand", *sizes), "flatten", "0", "1")
