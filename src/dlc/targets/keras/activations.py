"""Activations and the softmax family."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dlc.ir.graph import Apply
from dlc.targets.keras.initialisers import options
from dlc.targets.keras.table import (
    TABLE,
    KerasLayer,
    Result,
    Site,
    Variable,
    axis_of,
    call,
    is_known,
    keep,
    layer,
    lit,
    literal,
    rank_of,
)

_PLAIN = {"relu": "relu", "relu6": "relu6", "silu": "silu", "sigmoid": "sigmoid", "tanh": "tanh", "selu": "selu",
          "softsign": "softsign", "log_sigmoid": "log_sigmoid", "tanh_shrink": "tanh_shrink",
          "hard_swish": "hard_silu", "hard_sigmoid": "hard_sigmoid", "sparse_plus": "sparse_plus",
          "sparse_sigmoid": "sparse_sigmoid"}
_OPTIONS: dict[str, tuple[str, dict[str, tuple[str, Any]]]] = {
    "elu": ("elu", {"alpha": ("alpha", 1.0)}),
    "celu": ("celu", {"alpha": ("alpha", 1.0)}),
    "leaky_relu": ("leaky_relu", {"slope": ("negative_slope", None)}),
    "hard_shrink": ("hard_shrink", {"threshold": ("threshold", 0.5)}),
    "soft_shrink": ("soft_shrink", {"threshold": ("threshold", 0.5)}),
    "squareplus": ("squareplus", {"curvature": ("b", 4)}),
    "threshold": ("threshold", {"threshold": ("threshold", None), "value": ("default_value", None)}),
}


def _plain(function: str, site: Site) -> Result:
    return call(f"ops.{function}", site.x)


for _name, _function in _PLAIN.items():
    TABLE.writes(_name)(partial(_plain, _function))


def _with_options(name: str, site: Site) -> Result:
    function, names = _OPTIONS[name]
    given = {keras: lit(site[own], keras) for own, (keras, default) in names.items() if site[own] != default}
    return call(f"ops.{function}", site.x, **given)


for _name in _OPTIONS:
    TABLE.writes(_name)(partial(_with_options, _name))


@TABLE.writes("gelu")
def gelu(site: Site) -> Result:
    return call("ops.gelu", site.x, approximate=literal(site["approximate"] == "tanh"))


@TABLE.writes("mish")
def mish(site: Site) -> Result:
    return call("keras.activations.mish", site.x)


@TABLE.writes("hard_tanh", when=lambda n: n.attributes["min"] == -1.0 and n.attributes["max"] == 1.0)
def hard_tanh(site: Site) -> Result:
    return call("ops.hard_tanh", site.x)


@TABLE.writes("softplus", when=lambda n: n.attributes["beta"] == 1.0 and n.attributes["threshold"] >= 20.0)
def softplus(site: Site) -> Result:
    return call("ops.softplus", site.x)


@TABLE.writes("identity")
def identity(site: Site) -> Result:
    return site.x


@TABLE.writes("clamp", when=lambda n: n.attributes["min"] is not None or n.attributes["max"] is not None)
def clamp(site: Site) -> Result:
    whole = site.type().dtype.is_integer
    low, high = (int(v) if whole and v is not None else v for v in (site["min"], site["max"]))
    if low is not None and high is not None and low > high:
        return call("ops.minimum", call("ops.maximum", site.x, lit(low, "low")), lit(high, "high"))
    if low is None:
        return call("ops.minimum", site.x, lit(high, "high"))
    if high is None:
        return call("ops.maximum", site.x, lit(low, "low"))
    return call("ops.clip", site.x, lit(low, "low"), lit(high, "high"))


@TABLE.writes("softmax", "log_softmax")
def softmax(site: Site) -> Result:
    rank = site.type().rank
    return call(f"ops.{site.node.op.name}", site.x, **keep(axis=(axis_of(site["axis"], rank), lit(-1, "axis"))))


@TABLE.writes("glu")
def glu(site: Site) -> Result:
    rank = site.type().rank
    return call("ops.glu", site.x, **keep(axis=(axis_of(site["axis"], rank), lit(-1, "axis"))))


@layer("prelu")
def prelu(node: Apply) -> KerasLayer | None:
    """One slope, or one for each channel; Keras keeps an axis for everything else that shares it."""
    weight, rank = node.operands[1], rank_of(node)
    assert weight is not None
    count = weight.type.shape[0]
    if not is_known(count) or rank < 2 or (node.attributes["layout"] == "NCHW" and rank > 2 and count != 1):
        return None
    shared = list(range(1, rank)) if count == 1 else list(range(1, rank - 1))
    shape = (*[1] * (rank - 2), count)
    constructor = call("layers.PReLU", **keep(shared_axes=(lit(shared, "shared_axes"), lit([], "shared_axes"))),
                       **options(node, weight="alpha_initializer"))
    return KerasLayer(constructor, variables=(Variable("alpha", ("weight",), lambda w: np.reshape(w, shape)),),
                      reads=(("weight", "ops.reshape({self}.alpha, (-1,))"),))
