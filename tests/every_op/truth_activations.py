"""Truths of activations and the softmax family."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F

from every_op.truth import formula_truth, torch_truth

for _ours, _theirs in {
    "relu": "relu", "relu6": "relu6", "elu": "elu", "celu": "celu", "selu": "selu", "hard_sigmoid": "hardsigmoid",
    "hard_swish": "hardswish", "gelu": "gelu", "silu": "silu", "log_sigmoid": "logsigmoid", "softplus": "softplus",
    "softsign": "softsign", "mish": "mish", "tanh_shrink": "tanhshrink", "threshold": "threshold",
}.items():
    torch_truth(_ours)(getattr(F, _theirs))


@torch_truth("leaky_relu")
def _leaky_relu(x: Any, *, slope: float) -> Any:
    return F.leaky_relu(x, slope)


@torch_truth("rrelu")
def _rrelu(x: Any, *, lower: float, upper: float) -> Any:
    return F.rrelu(x, lower, upper, training=False)


@torch_truth("prelu")
def _prelu(x: Any, weight: Any, *, layout: str) -> Any:
    if layout == "NHWC":
        return F.prelu(x.movedim(-1, 1), weight).movedim(1, -1)
    return F.prelu(x, weight)


@torch_truth("hard_tanh")
def _hard_tanh(x: Any, *, min: float, max: float) -> Any:
    return F.hardtanh(x, min, max)


@torch_truth("hard_shrink")
def _hard_shrink(x: Any, *, threshold: float) -> Any:
    return F.hardshrink(x, threshold)


@torch_truth("soft_shrink")
def _soft_shrink(x: Any, *, threshold: float) -> Any:
    return F.softshrink(x, threshold)


@torch_truth("glu")
def _glu(x: Any, *, axis: int) -> Any:
    return F.glu(x, axis)


@torch_truth("softmax")
def _softmax(x: Any, *, axis: int) -> Any:
    return F.softmax(x, axis)


@torch_truth("log_softmax")
def _log_softmax(x: Any, *, axis: int) -> Any:
    return F.log_softmax(x, axis)


@torch_truth("softmin")
def _softmin(x: Any, *, axis: int) -> Any:
    return F.softmin(x, axis)


@formula_truth("sparse_sigmoid")
def _sparse_sigmoid(x: Any) -> Any:
    return np.clip((x + 1) / 2, 0, 1)


@formula_truth("sparse_plus")
def _sparse_plus(x: Any) -> Any:
    return np.select([x <= -1, x >= 1], [np.zeros_like(x), x], (x + 1) ** 2 / 4)


@formula_truth("squareplus")
def _squareplus(x: Any, *, curvature: float) -> Any:
    return (x + np.sqrt(x**2 + curvature)) / 2


@formula_truth("sparsemax")
def _sparsemax(x: Any, *, axis: int) -> Any:
    """The projection on the simplex by bisection: the shift at which the positive parts add up to 1."""
    low, high = x.max(axis, keepdims=True) - 1, x.max(axis, keepdims=True)
    for _ in range(200):
        middle = (low + high) / 2
        over = np.maximum(x - middle, 0).sum(axis, keepdims=True) > 1
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return np.maximum(x - (low + high) / 2, 0)


