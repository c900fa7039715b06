"""Normalisation."""

from __future__ import annotations

from typing import Any

from dlc.ir.graph import Apply
from dlc.targets.source.dialect import call_plainly
from dlc.targets.torch.initialisers import initialise
from dlc.targets.torch.table import (
    TABLE,
    Layer,
    Result,
    Site,
    call,
    channels_back,
    channels_first,
    dim,
    keep,
    layer,
    lit,
    literal,
    option,
    tuple_of,
)


def _channels(node: Apply) -> Any:
    value = node.operands[0]
    assert value is not None
    last = node.attributes["layout"] == "NHWC"
    return value.type.shape[-1 if last else 1]


def _rank(node: Apply) -> int:
    value = node.operands[0]
    assert value is not None
    return value.type.rank


def _owns_all(node: Apply, *positions: int) -> bool:
    """Whether these operands are given."""
    return all(position < len(node.operands) and node.operands[position] is not None for position in positions)


def _around(site: Site, module: str) -> Result:
    """A module that wants channels first."""
    rank, layout = site.type().rank, site["layout"]
    return channels_back(call(module, channels_first(site.x, rank, layout)), rank, layout)


@TABLE.writes("batch_norm")
def batch_norm(site: Site) -> Result:
    rank, layout = site.type().rank, site["layout"]
    scale: dict[str, Any] = {}
    if site.has(3):
        scale["weight"] = site.arg(3)
    if site.has(4):
        scale["bias"] = site.arg(4)
    if site.function.is_method:
        scale["training"] = "self.training"
    y = call("F.batch_norm", channels_first(site.x, rank, layout), site.arg(1), site.arg(2), **scale,
             **keep(momentum=(site["momentum"], 0.1), eps=(site["eps"], 1e-5)))
    return channels_back(y, rank, layout)


@layer("batch_norm")
def batch_norm_module(node: Apply) -> Layer | None:
    affine = _owns_all(node, 3, 4)
    channels = _channels(node)
    if (not affine and (node.operands[3] or node.operands[4])) or not isinstance(channels, int) or _rank(node) > 5:
        return None
    count = max(_rank(node) - 2, 1)
    constructor = call(f"nn.BatchNorm{count}d", lit(channels, "channels"),
                       **_options(node, eps=1e-5, momentum=0.1), affine=option(affine, True, "affine"))
    return Layer(constructor, _around, initialise(node))


def _options(node: Apply, **defaults: float) -> dict[str, Any]:
    return {name: option(node.attributes[name], default, name) for name, default in defaults.items()}


def _normalised(site: Site) -> str:
    return tuple_of(site.sizes(site.type().shape[site.type().rank - site["axes"]:], "dim"))


@TABLE.writes("layer_norm")
def layer_norm(site: Site) -> Result:
    bias = {"bias": site.arg(2)} if site.has(2) else {}
    return call("F.layer_norm", site.x, _normalised(site), site.optional(1), **bias, **_options(site.node, eps=1e-5))


def _normalised_literal(node: Apply) -> Any:
    value = node.operands[0]
    assert value is not None
    sizes = value.type.shape[value.type.rank - node.attributes["axes"]:]
    if not all(isinstance(d, int) for d in sizes):
        return None
    return lit(sizes[0], "dim") if len(sizes) == 1 else lit(tuple(sizes), "dim")


@layer("layer_norm")
def layer_norm_module(node: Apply) -> Layer | None:
    sizes = _normalised_literal(node)
    if sizes is None or node.operands[1] is None:
        return None
    bias = node.operands[2] is not None
    return Layer(call("nn.LayerNorm", sizes, **_options(node, eps=1e-5), bias=option(bias, True, "bias")),
                 after=initialise(node))


@TABLE.writes("rms_norm")
def rms_norm(site: Site) -> Result:
    return call("F.rms_norm", site.x, _normalised(site), site.optional(1), eps=lit(site["eps"], "eps"))


@layer("rms_norm")
def rms_norm_module(node: Apply) -> Layer | None:
    sizes = _normalised_literal(node)
    if sizes is None or node.operands[1] is None:
        return None
    return Layer(call("nn.RMSNorm", sizes, eps=lit(node.attributes["eps"], "eps")), call_plainly, initialise(node))


@TABLE.writes("group_norm")
def group_norm(site: Site) -> Result:
    rank, layout = site.type().rank, site["layout"]
    scale = {"bias": site.arg(2)} if site.has(2) else {}
    y = call("F.group_norm", channels_first(site.x, rank, layout), site.lit("groups"), site.optional(1), **scale,
             **_options(site.node, eps=1e-5))
    return channels_back(y, rank, layout)


@layer("group_norm")
def group_norm_module(node: Apply) -> Layer | None:
    channels = _channels(node)
    if not _owns_all(node, 1, 2) or not isinstance(channels, int):
        return None
    return Layer(call("nn.GroupNorm", lit(node.attributes["groups"], "groups"), lit(channels, "channels"),
                      **_options(node, eps=1e-5)), _around, initialise(node))


@TABLE.writes("instance_norm")
def instance_norm(site: Site) -> Result:
    rank, layout = site.type().rank, site["layout"]
    scale = {name: site.arg(i) for i, name in ((1, "weight"), (2, "bias")) if site.has(i)}
    y = call("F.instance_norm", channels_first(site.x, rank, layout), **scale, **_options(site.node, eps=1e-5))
    return channels_back(y, rank, layout)


@layer("instance_norm")
def instance_norm_module(node: Apply) -> Layer | None:
    channels, count = _channels(node), _rank(node) - 2
    if not _owns_all(node, 1, 2) or not isinstance(channels, int) or not 1 <= count <= 3:
        return None
    return Layer(call(f"nn.InstanceNorm{count}d", lit(channels, "channels"), **_options(node, eps=1e-5), affine=True),
                 _around, initialise(node))


@TABLE.writes("local_response_norm")
def local_response_norm(site: Site) -> Result:
    rank, layout = site.type().rank, site["layout"]
    y = call("F.local_response_norm", channels_first(site.x, rank, layout), literal(site["size"]),
             **keep(alpha=(site["alpha"], 1e-4), beta=(site["beta"], 0.75), k=(site["k"], 1.0)))
    return channels_back(y, rank, layout)


@TABLE.writes("normalize")
def normalize(site: Site) -> Result:
    rank = site.type().rank
    axis = {} if site["axis"] == 1 else {"dim": dim(site["axis"], rank)}
    return call("F.normalize", site.x, **keep(p=(site["p"], 2.0)), **axis, **keep(eps=(site["eps"], 1e-12)))
