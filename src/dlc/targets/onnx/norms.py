"""Normalisation. `epsilon` is an f32 in ONNX, so f64 goes through the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply
from dlc.ir.types import TensorType
from dlc.ops.spatial import channel_axis
from dlc.targets.onnx.spatial import channels_first
from dlc.targets.onnx.table import TABLE, is_single

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


def _type(node: Apply) -> TensorType:
    """The type of what is normalised."""
    return node.output.type


def _channels(node: Apply) -> tuple[Dim, ...]:
    t = _type(node)
    return (t.shape[channel_axis(t.rank, node.attributes["layout"])],)


def _last(node: Apply) -> tuple[Dim, ...]:
    t = _type(node)
    return t.shape[t.rank - node.attributes["axes"]:]


def _known(shape: Sequence[Dim]) -> bool:
    return all(isinstance(d, int) for d in shape)


def _full(e: Emitter, node: Apply, given: str | None, shape: Sequence[Dim], value: float) -> str:
    """A parameter, or one that changes nothing: ONNX requires it."""
    return given or e.constant(np.full([int(str(d)) for d in shape], value), _type(node).dtype)


@TABLE.writes("batch_norm", when=lambda n: is_single(n) and _known(_channels(n)))
def write_batch_norm(e: Emitter, node: Apply, x: str, mean: str, variance: str, weight: str | None,
                     bias: str | None) -> str:
    """ONNX' momentum is the part of the old statistics that is kept: 1 minus ours."""
    a, shape = node.attributes, _channels(node)
    parameters = _full(e, node, weight, shape, 1), _full(e, node, bias, shape, 0), mean, variance
    return channels_first(e, x, _type(node).rank, a["layout"], lambda x: str(e(
        "BatchNormalization", x, *parameters, epsilon=a["eps"], momentum=1 - a["momentum"])))


@TABLE.writes("layer_norm", when=lambda n: is_single(n) and _known(_last(n)))
def write_layer_norm(e: Emitter, node: Apply, x: str, weight: str | None, bias: str | None) -> str:
    a = node.attributes
    return str(e("LayerNormalization", x, _full(e, node, weight, _last(node), 1), bias, axis=-a["axes"],
                 epsilon=a["eps"]))


@TABLE.writes("rms_norm", when=lambda n: is_single(n) and _known(_last(n)))
def write_rms_norm(e: Emitter, node: Apply, x: str, weight: str | None) -> str:
    a = node.attributes
    return str(e("RMSNormalization", x, _full(e, node, weight, _last(node), 1), axis=-a["axes"], epsilon=a["eps"]))


@TABLE.writes("group_norm", when=lambda n: is_single(n) and _known(_channels(n)) and _type(n).rank > 2)
def write_group_norm(e: Emitter, node: Apply, x: str, weight: str | None, bias: str | None) -> str:
    a, shape = node.attributes, _channels(node)
    parameters = _full(e, node, weight, shape, 1), _full(e, node, bias, shape, 0)

    def write(x: str) -> str:
        y = str(e("GroupNormalization", x, *parameters, num_groups=a["groups"], epsilon=a["eps"]))
        t = _type(node)
        last = a["layout"] == "NHWC"
        e.types[y] = t.with_shape(t.shape[0], t.shape[-1], *t.shape[1:-1]) if last else t  # nothing infers it
        return y
    return channels_first(e, x, _type(node).rank, a["layout"], write)


@TABLE.writes("instance_norm", when=lambda n: is_single(n) and _known(_channels(n)))
def write_instance_norm(e: Emitter, node: Apply, x: str, weight: str | None, bias: str | None) -> str:
    a, shape = node.attributes, _channels(node)
    parameters = _full(e, node, weight, shape, 1), _full(e, node, bias, shape, 0)
    return channels_first(e, x, _type(node).rank, a["layout"], lambda x: str(e(
        "InstanceNormalization", x, *parameters, epsilon=a["eps"])))


@TABLE.writes("local_response_norm", when=lambda n: is_single(n) and n.attributes["size"] % 2 == 1)
def write_local_response_norm(e: Emitter, node: Apply, x: str) -> str:
    """Neighbourhoods of even size begin elsewhere in ONNX; they are written through the definition."""
    a = node.attributes
    return channels_first(e, x, _type(node).rank, a["layout"], lambda x: str(e(
        "LRN", x, size=a["size"], alpha=a["alpha"], beta=a["beta"], bias=a["k"])))
