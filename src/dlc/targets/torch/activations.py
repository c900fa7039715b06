"""Activations and the softmax family."""

from __future__ import annotations

from functools import partial
from typing import Any

from dlc.ir.graph import Apply
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
)

_PLAIN = {"relu": "F.relu", "relu6": "F.relu6", "silu": "F.silu", "mish": "F.mish", "sigmoid": "torch.sigmoid",
          "tanh": "torch.tanh", "selu": "F.selu", "softsign": "F.softsign", "log_sigmoid": "F.logsigmoid",
          "tanh_shrink": "F.tanhshrink", "hard_swish": "F.hardswish", "hard_sigmoid": "F.hardsigmoid"}
_OPTIONS: dict[str, tuple[str, dict[str, tuple[str, Any]]]] = {
    "elu": ("F.elu", {"alpha": ("alpha", 1.0)}),
    "celu": ("F.celu", {"alpha": ("alpha", 1.0)}),
    "leaky_relu": ("F.leaky_relu", {"slope": ("negative_slope", 0.01)}),
    "hard_tanh": ("F.hardtanh", {"min": ("min_val", -1.0), "max": ("max_val", 1.0)}),
    "hard_shrink": ("F.hardshrink", {"threshold": ("lambd", 0.5)}),
    "soft_shrink": ("F.softshrink", {"threshold": ("lambd", 0.5)}),
    "gelu": ("F.gelu", {"approximate": ("approximate", "none")}),
    "softplus": ("F.softplus", {"beta": ("beta", 1.0), "threshold": ("threshold", 20.0)}),
}


def _plain(function: str, site: Site) -> Result:
    return call(function, site.x)


for _name, _function in _PLAIN.items():
    TABLE.writes(_name)(partial(_plain, _function))


def _with_options(name: str, site: Site) -> Result:
    function, options = _OPTIONS[name]
    given = {torch: lit(site[own], torch) for own, (torch, default) in options.items() if site[own] != default}
    if len(options) == 1 and name != "gelu":
        return call(function, site.x, *given.values())
    return call(function, site.x, **given)


for _name in _OPTIONS:
    TABLE.writes(_name)(partial(_with_options, _name))


@TABLE.writes("identity")
def identity(site: Site) -> Result:
    return site.x


@TABLE.writes("clamp")
def clamp(site: Site) -> Result:
    bounds = [None if b is None else b if site.type().dtype.is_float else int(b) for b in (site["min"], site["max"])]
    return call("torch.clamp", site.x, **keep(min=(bounds[0], None), max=(bounds[1], None)))


@TABLE.writes("threshold")
def threshold(site: Site) -> Result:
    return call("F.threshold", site.x, site.lit("threshold"), site.lit("value"))


@TABLE.writes("glu")
def glu(site: Site) -> Result:
    rank = site.type().rank
    return call("F.glu", site.x, **keep(dim=(site["axis"] - rank, -1)))


@TABLE.writes("rrelu")
def rrelu(site: Site) -> Result:
    options = keep(lower=(site["lower"], 0.125), upper=(site["upper"], 1 / 3))
    if not site.function.is_method:
        return call("F.rrelu", site.x, **options)
    return call(site.function.owned("rrelu", call("nn.RReLU", **options)), site.x)


@TABLE.writes("softmax", "log_softmax", "softmin")
def softmax(site: Site) -> Result:
    return call(f"F.{site.node.op.name}", site.x, dim=dim(site["axis"], site.type().rank))


@TABLE.writes("prelu")
def prelu(site: Site) -> Result:
    rank, layout = site.type().rank, site["layout"]
    x = channels_first(site.x, rank, layout)
    return channels_back(call("F.prelu", x, site.y), rank, layout)


@layer("prelu")
def prelu_module(node: Apply) -> Layer | None:
    count = node.operands[1].type.shape[0]  # type: ignore[union-attr]
    if node.attributes["layout"] != "NCHW" or not isinstance(count, int):
        return None
    return Layer(call("nn.PReLU", *([lit(count, "channels")] if count != 1 else [])))
