"""Initialisers in the source: `keras.initializers` where a weight does not start as its Keras layer starts it."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

from dlc.ir.graph import Apply, Weight
from dlc.ir.op import Initializer
from dlc.targets.source.code import Code, call, lit, literal
from dlc.targets.source.layers import owned_weights

_SIMPLE = {"zeros": "zeros", "ones": "ones", "xavier_uniform": "glorot_uniform", "xavier_normal": "glorot_normal"}
_OWN = {"gamma_initializer": "ones", "beta_initializer": "zeros", "bias_initializer": "zeros",
        "moving_mean_initializer": "zeros", "moving_variance_initializer": "ones",
        "kernel_initializer": "glorot_uniform", "depthwise_initializer": "glorot_uniform",
        "scale_initializer": "ones", "alpha_initializer": "zeros"}
"""How Keras' layers start by themselves."""


def initialiser(rule: Initializer) -> Code | None:
    """`"zeros"`, `keras.initializers.RandomNormal(stddev=0.02)`; None for a rule that Keras has none for."""
    given = dict(rule.arguments)
    if rule.name in _SIMPLE and given.get("gain", 1.0) == 1.0:
        return lit(_SIMPLE[rule.name], "initializer")
    writer = _WRITERS.get(rule.name)
    return writer(given) if writer is not None else None


def _class(name: str, **arguments: Any) -> Code:
    return call(f"keras.initializers.{name}", **{k: lit(v, k) for k, v in arguments.items()})


def _uniform(given: dict[str, Any]) -> Code:
    return _class("RandomUniform", minval=_rounded(given.get("low", 0.0)), maxval=_rounded(given.get("high", 1.0)))


def _rounded(value: float) -> float:
    """Enough digits for float32, as people would keep them."""
    return float(f"{value:.9g}")


def _normal(given: dict[str, Any]) -> Code:
    mean = {} if given.get("mean", 0.0) == 0.0 else {"mean": given["mean"]}
    return _class("RandomNormal", **mean, stddev=_rounded(given.get("std", 1.0)))


def _truncated(given: dict[str, Any]) -> Code | None:
    std, mean = given.get("std", 1.0), given.get("mean", 0.0)
    low, high = given.get("low", given.get("a", -2.0)), given.get("high", given.get("b", 2.0))
    if abs(low - (mean - 2 * std)) > 1e-6 or abs(high - (mean + 2 * std)) > 1e-6:
        return None
    return _class("TruncatedNormal", **({} if mean == 0.0 else {"mean": mean}), stddev=_rounded(std))


def _scaling(distribution: str, given: dict[str, Any]) -> Code | None:
    """He's rule: variance = gain² / fan, with gain² = 2 / (1 + slope²) for rectifiers."""
    squared = {"relu": 2.0, "leaky_relu": 2.0 / (1.0 + given.get("slope", given.get("a", 0.0)) ** 2),
               "linear": 1.0, "sigmoid": 1.0, "tanh": 25.0 / 9.0, "selu": 9.0 / 16.0}
    scale = squared.get(given.get("nonlinearity", "leaky_relu"))
    if scale is None:
        return None
    mode = given.get("mode", "fan_in")
    if scale == 2.0 and mode == "fan_in" and distribution == "uniform":
        return lit("he_uniform", "initializer")
    return _class("VarianceScaling", scale=scale, mode=mode, distribution=distribution)


def _xavier(distribution: str, given: dict[str, Any]) -> Code:
    return _class("VarianceScaling", scale=_rounded(given.get("gain", 1.0) ** 2), mode="fan_avg",
                  distribution=distribution)


_WRITERS: dict[str, Callable[[dict[str, Any]], Code | None]] = {
    "constant": lambda given: _class("Constant", value=given["value"]),
    "uniform": _uniform, "normal": _normal, "truncated_normal": _truncated,
    "kaiming_uniform": lambda given: _scaling("uniform", given),
    "kaiming_normal": lambda given: _scaling("untruncated_normal", given),
    "xavier_uniform": lambda given: _xavier("uniform", given),
    "xavier_normal": lambda given: _xavier("untruncated_normal", given),
    "orthogonal": lambda given: _class("Orthogonal", gain=given.get("gain", 1.0)),
    "identity": lambda given: lit("identity", "initializer"),
}


def options(node: Apply, **keywords: str) -> dict[str, Any]:
    """Keywords of a layer: an initialiser for each weight (by declared name) that Keras starts otherwise, `trainable`.

    PyTorch's own rule for dense and convolution layers, U(-1/sqrt(n), 1/sqrt(n)) with the number of inputs n, is left
    to the layer's default, as a Keras developer would.
    """
    owned = owned_weights(node)
    if owned is None:
        return {}
    result: dict[str, Any] = {}
    for name, keyword in keywords.items():
        weight = owned[1].get(name)
        if weight is None or _is_fan_in(weight, owned[1]):
            continue
        text = initialiser(weight.initializer)
        if text is not None and text != lit(_OWN.get(keyword, "uniform"), "initializer"):
            result[keyword] = text
    trained = [w.trainable for w in owned[1].values() if not w.state]
    if trained and not any(trained):
        result["trainable"] = literal(False)
    return result


def _is_fan_in(weight: Weight, owned: dict[str, Weight]) -> bool:
    """Whether the initialiser is the usual one of PyTorch's layers: uniform, bounded by 1 / sqrt(inputs)."""
    given = dict(weight.initializer.arguments)
    if weight.initializer.name != "uniform" or "weight" not in owned:
        return False
    inputs = 1
    for size in owned["weight"].type.shape[1:]:
        inputs *= size if isinstance(size, int) else 0
    return inputs > 0 and abs(given.get("high", 1.0) - 1 / sqrt(inputs)) < 1e-9
