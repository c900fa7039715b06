"""Statistics along axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.reductions import reduce
from dlc.targets.onnx.table import TABLE

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@TABLE.writes("mean", when=lambda n: bool(n.attributes["axis"]))
def write_mean(e: Emitter, node: Apply, x: str) -> str:
    return reduce(e, node, x, "ReduceMean")


@TABLE.writes("norm", when=lambda n: n.attributes["p"] in (1, 2) and bool(n.attributes["axis"]))
def write_norm(e: Emitter, node: Apply, x: str) -> str:
    return reduce(e, node, x, "ReduceL1" if node.attributes["p"] == 1 else "ReduceL2")
