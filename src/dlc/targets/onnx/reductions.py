"""Reductions along axes, positions of extremes, running sums and products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlc.ir.graph import Apply
from dlc.ir.types import DTYPES
from dlc.targets.onnx.emitter import value_info
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

_REDUCE = {"sum": "ReduceSum", "prod": "ReduceProd", "max": "ReduceMax", "min": "ReduceMin", "mean": "ReduceMean",
           "any": "ReduceMax", "all": "ReduceMin"}


@TABLE.writes("sum", "prod", "max", "min")
def write_reduction(e: Emitter, node: Apply, x: str) -> str:
    return reduce(e, node, x, _REDUCE[node.op.name])


def reduce(e: Emitter, node: Apply, x: str, op_type: str) -> str:
    """A reduction; without axes it changes nothing, which ONNX would take for all of them."""
    axes = node.attributes["axis"]
    return str(e(op_type, x, e.ints(axes), keepdims=int(node.attributes["keepdims"]))) if axes else x


@TABLE.writes("any", "all")
def write_quantifier(e: Emitter, node: Apply, x: str) -> str:
    """The greatest or least of zeros and ones."""
    if not node.attributes["axis"]:
        return x
    return e.cast(reduce(e, node, e.cast(x, DTYPES["i32"]), _REDUCE[node.op.name]), DTYPES["bool"])


@TABLE.writes("argmax", "argmin")
def write_position(e: Emitter, node: Apply, x: str) -> str:
    return str(e("ArgMax" if node.op.name == "argmax" else "ArgMin", x, axis=node.attributes["axis"],
                 keepdims=int(node.attributes["keepdims"])))


@TABLE.writes("cumsum")
def write_cumsum(e: Emitter, node: Apply, x: str) -> str:
    return str(e("CumSum", x, e.constant(np.int64(node.attributes["axis"]))))


@TABLE.writes("cumprod")
def write_cumprod(e: Emitter, node: Apply, x: str) -> str:
    """A scan that carries the product so far; ONNX has a running product from opset 26 only."""
    from onnx import helper
    type, axis = node.output.type, node.attributes["axis"]
    part = type.with_shape(*type.shape[:axis], *type.shape[axis + 1:])
    one = e.constant(1, type.dtype)
    start = one if part.rank == 0 else e("Expand", one, e.sizes.shape(part.shape))
    names = [e.store.unique(f"{e.scope}/cumprod/{n}") for n in ("so_far", "element", "product", "kept")]
    so_far, element, product, kept = names
    body = helper.make_graph(
        [helper.make_node("Mul", [so_far, element], [product]), helper.make_node("Identity", [product], [kept])],
        "cumprod", [value_info(so_far, part), value_info(element, part)],
        [value_info(product, part), value_info(kept, part)])
    return str(e("Scan", start, x, outputs=2, body=body, num_scan_inputs=1, scan_input_axes=[axis],
                 scan_output_axes=[axis])[1])
