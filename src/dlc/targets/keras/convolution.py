"""Convolutions: channels last, kernels [*kernel, inputs, outputs]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlc.ir.graph import Apply, Value
from dlc.ir.types import Array
from dlc.targets.keras.initialisers import options
from dlc.targets.keras.spatial import all_same, cut, has_padding, zeros_around
from dlc.targets.keras.table import (
    TABLE,
    Code,
    KerasLayer,
    Result,
    Site,
    Variable,
    call,
    infix,
    is_known,
    layer,
    lit,
    literal,
    option,
    rank_of,
    same,
    spatial_option,
)


def kernel_to_keras(weight: Array) -> Array:
    """[O, I, *kernel] as [*kernel, I, O]."""
    return np.transpose(weight, (*range(2, weight.ndim), 1, 0))


def _multiplied(channels: int) -> Callable[[Array], Array]:
    """[channels * M, 1, *kernel] as [*kernel, channels, M], for M outputs of each channel."""
    def combine(weight: Array) -> Array:
        split = weight.reshape(channels, -1, *weight.shape[2:])
        return np.transpose(split, (*range(2, split.ndim), 0, 1))
    return combine


def _weight(node: Apply) -> Value:
    value = node.operands[1]
    assert value is not None
    return value


def _channels_last(node: Apply) -> bool:
    return bool(node.attributes["layout"] == "NHWC")


def _zeros_around(node: Apply) -> bool:
    return node.attributes.get("pad_mode", "zeros") == "zeros" or not has_padding(node.attributes["pad"])


def _writable(node: Apply) -> bool:
    return _channels_last(node) and _zeros_around(node) and is_known(*_weight(node).type.shape) and rank_of(node) <= 5


def _strided_and_dilated(node: Apply) -> bool:
    """What Keras does not have in one: then every element is computed, and some are taken."""
    attributes = node.attributes
    return any(s > 1 for s in attributes["stride"]) and any(d > 1 for d in attributes["dilation"])


def _padding(node: Apply) -> str:
    same_ = all_same(node, _weight(node).type.shape[2:])  # type: ignore[arg-type]
    return "same" if same_ and has_padding(node.attributes["pad"]) and not _strided_and_dilated(node) else "valid"


def _numbers(node: Apply) -> dict[str, Any]:
    attributes = node.attributes
    one = (1,) * len(attributes["stride"])
    stride = one if _strided_and_dilated(node) else attributes["stride"]
    return {"strides": spatial_option(stride, 1, "strides"), "padding": option(_padding(node), "valid", "padding"),
            "dilation_rate": spatial_option(attributes["dilation"], 1, "dilation_rate")}


def _applied(site: Site, function: Callable[[str], Code]) -> Code:
    """Padding before, and taking every other element after, where Keras' own options don't say it."""
    node = site.node
    x = zeros_around(site, site.x, node.attributes["pad"]) if _padding(node) == "valid" else site.x
    y = function(x)
    if not _strided_and_dilated(node):
        return y
    stride = node.attributes["stride"]
    return cut(y, [0] * len(stride), [None] * len(stride), stride)


@TABLE.writes("convolution", "conv1d", "conv2d", "conv3d", when=_writable,
              otherwise="channels first, or another padding than zeros")
def convolution(site: Site) -> Result:
    node = site.node
    rank = rank_of(node)
    kernel = call("ops.transpose", site.y, literal((*range(2, rank), 1, 0)))
    y = _applied(site, lambda x: call("ops.conv", x, kernel, **_numbers(node)))
    return infix(y, "+", site.arg(2)) if len(node.operands) > 2 and site.has(2) else y


@layer("conv1d", "conv2d", "conv3d")
def conv_layer(node: Apply) -> KerasLayer | None:
    if not _writable(node):
        return None
    weight, groups = _weight(node).type, node.attributes["groups"]
    outputs, inputs, *kernel = weight.shape
    assert isinstance(outputs, int)
    assert isinstance(inputs, int)
    if groups > 1 and inputs == 1 and _depthwise(node):
        return _depthwise_layer(node, outputs, groups, kernel)  # type: ignore[arg-type]
    constructor = call(f"layers.Conv{weight.rank - 2}D", lit(outputs, "filters"),
                       same(kernel, "kernel_size"), **_numbers(node),  # type: ignore[arg-type]
                       groups=option(groups, 1, "groups"), **_bias(node),
                       **options(node, weight="kernel_initializer", bias="bias_initializer"))
    order = (weight.rank - 1, weight.rank - 2, *range(weight.rank - 2))
    return KerasLayer(constructor, _call, variables=(Variable("kernel", ("weight",), kernel_to_keras), *_biases(node)),
                      reads=(("weight", f"ops.transpose({{self}}.kernel, {literal(order)})"),
                             ("bias", "{self}.bias")))


def _depthwise(node: Apply) -> bool:
    """Keras has depthwise layers for one and two axes, with equal strides."""
    return rank_of(node) in (3, 4) and len(set(node.attributes["stride"])) == 1


def _depthwise_layer(node: Apply, outputs: int, groups: int, kernel: Sequence[int]) -> KerasLayer:
    constructor = call(f"layers.DepthwiseConv{len(kernel)}D", same(kernel, "kernel_size"), **_numbers(node),
                       depth_multiplier=option(outputs // groups, 1, "depth_multiplier"), **_bias(node),
                       **options(node, weight="depthwise_initializer", bias="bias_initializer"))
    return KerasLayer(constructor, _call, variables=(Variable("kernel", ("weight",), _multiplied(groups)),
                                                     *_biases(node)), reads=(("bias", "{self}.bias"),))


def _call(site: Site, module: str) -> Result:
    return _applied(site, lambda x: call(module, x))


def _bias(node: Apply) -> dict[str, Any]:
    return {"use_bias": option(_has_bias(node), True, "use_bias")}


def _has_bias(node: Apply) -> bool:
    return len(node.operands) > 2 and node.operands[2] is not None


def _biases(node: Apply) -> tuple[Variable, ...]:
    return (Variable("bias", ("bias",)),) if _has_bias(node) else ()
