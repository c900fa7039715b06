"""Activations that are piecewise simple."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.ops.activations import SELU_ALPHA, SELU_SCALE
from dlc.targets.onnx.table import TABLE, is_single

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("relu")
def write_relu(e: Emitter, node: Apply, x: str) -> str:
    dtype = node.output.type.dtype
    return str(e("Relu", x)) if dtype.is_float else str(e("Max", x, e.constant(0, dtype)))


@TABLE.writes("leaky_relu", when=is_single)
def write_leaky_relu(e: Emitter, node: Apply, x: str) -> str:
    return str(e("LeakyRelu", x, alpha=node.attributes["slope"]))


@TABLE.writes("prelu", when=is_single)
def write_prelu(e: Emitter, node: Apply, x: str, weight: str) -> str:
    """The slopes in a shape that broadcasts from the last axis."""
    slopes = node.operands[1]
    assert slopes is not None
    if node.attributes["layout"] == "NCHW" and slopes.type.shape[0] != 1:
        ones = list(range(1, node.output.type.rank - 1))
        weight = str(e("Unsqueeze", weight, e.ints(ones))) if ones else weight
    return str(e("PRelu", x, weight))


@TABLE.writes("elu", when=is_single)
def write_elu(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Elu", x, alpha=node.attributes["alpha"]))


@TABLE.writes("celu", when=lambda n: n.output.type.dtype.name == "f32")
def write_celu(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Celu", x, alpha=node.attributes["alpha"]))


@TABLE.writes("selu", when=is_single)
def write_selu(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Selu", x, alpha=SELU_ALPHA, gamma=SELU_SCALE))


@TABLE.writes("hard_sigmoid", when=is_single)
def write_hard_sigmoid(e: Emitter, node: Apply, x: str) -> str:
    return str(e("HardSigmoid", x, alpha=1 / 6, beta=0.5))


@TABLE.writes("hard_swish", when=is_single)
def write_hard_swish(e: Emitter, node: Apply, x: str) -> str:
    return str(e("HardSwish", x))


@TABLE.writes("hard_shrink", "soft_shrink", when=lambda n: n.output.type.dtype.name in ("f32", "f16"))
def write_shrink(e: Emitter, node: Apply, x: str) -> str:
    threshold = node.attributes["threshold"]
    return str(e("Shrink", x, lambd=threshold, bias=threshold if node.op.name == "soft_shrink" else 0.0))


@TABLE.writes("clamp", "hard_tanh")
def write_clamp(e: Emitter, node: Apply, x: str) -> str:
    return _clip(e, node, x, node.attributes["min"], node.attributes["max"])


@TABLE.writes("relu6")
def write_relu6(e: Emitter, node: Apply, x: str) -> str:
    return _clip(e, node, x, 0.0, 6.0)


def _clip(e: Emitter, node: Apply, x: str, low: float | None, high: float | None) -> str:
    """Clip; infinite bounds are no bounds."""
    dtype = node.output.type.dtype
    bounds = [None if v is None or v in (inf, -inf) else e.constant(v, dtype) for v in (low, high)]
    return str(e("Clip", x, *bounds))
