"""Recurrent layers. ONNX wants time first, one node per layer, its own order of gates, and both biases in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc.ir.graph import Apply
from dlc.ir.types import F32, Array
from dlc.targets.onnx.table import TABLE, is_single

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter


@dataclass(frozen=True)
class _Kind:
    """The ONNX operation; where each of its gates stands among ours; how many states it passes on."""

    op_type: str
    gates: tuple[int, ...]
    states: int = 1


_KINDS = {"lstm": _Kind("LSTM", (0, 3, 1, 2), states=2), "gru": _Kind("GRU", (1, 0, 2)), "rnn": _Kind("RNN", (0,))}


def _has_node(node: Apply) -> bool:
    """ONNX has no projection of the state. In f64 no runtime has it, so that a known number of steps is unrolled."""
    x = node.operands[0]
    assert x is not None
    return not node.attributes.get("proj_size") and (is_single(node) or not isinstance(x.type.shape[1], int))


@TABLE.writes("lstm", "gru", "rnn", when=_has_node, otherwise="a projection of the state")
def write_recurrent(e: Emitter, node: Apply, x: str, *rest: str | None) -> list[str]:
    """Layer by layer; with [T, B, D] between them."""
    kind, a = _KINDS[node.op.name], node.attributes
    directions, layers = 1 + a["bidirectional"], a["layers"]
    starts = [_by_layer(e, state, layers, directions) for state in rest[:kind.states]]
    weights = [w for w in rest[kind.states:] if w is not None]
    each = len(weights) // layers
    finals: list[list[str]] = [[] for _ in range(kind.states)]
    x = e.transpose(x, [1, 0, 2])
    for layer in range(layers):
        if layer and 0 < a["dropout"] < 1:
            x = e("Dropout", x, e.constant(a["dropout"], F32))
        own = weights[layer * each:(layer + 1) * each]
        y, *last = e(kind.op_type, x, *_weights(e, own, kind, directions, a["bias"]), None,
                     *(s[layer] for s in starts), outputs=1 + kind.states, hidden_size=_size(node),
                     direction="bidirectional" if directions == 2 else "forward", **_options(node, directions))
        x = e("Reshape", e.transpose(y, [0, 2, 1, 3]), e.ints([0, 0, -1]))
        for final, state in zip(finals, last, strict=True):
            final.append(state)
    return [e.transpose(x, [1, 0, 2]), *(f[0] if layers == 1 else e("Concat", *f, axis=0) for f in finals)]


def _size(node: Apply) -> int:
    return int(str(node.attributes["size"]))


def _options(node: Apply, directions: int) -> dict[str, Any]:
    if node.op.name == "gru":
        return {"linear_before_reset": 1}
    return {"activations": [node.attributes["nonlinearity"].capitalize()] * directions} if node.op.name == "rnn" else {}


def _by_layer(e: Emitter, state: str | None, layers: int, directions: int) -> list[str | None]:
    """The initial states [layers * directions, B, H] of each layer; None where they are zeros."""
    if state is None or layers == 1:
        return [state] * layers
    return list(e("Split", state, e.ints([directions] * layers), outputs=layers, axis=0))


def _weights(e: Emitter, own: Sequence[str], kind: _Kind, directions: int, bias: bool) -> list[str | None]:
    """W, R and B of one layer: [directions, gates * size, ...]."""
    each = len(own) // directions
    columns = [list(own[i::each]) for i in range(each)]
    w, r = (_stacked(e, [[name] for name in column], kind) for column in columns[:2])
    both = [list(pair) for pair in zip(*columns[2:], strict=True)]
    return [w, r, _stacked(e, both, kind) if bias else None]


def _stacked(e: Emitter, parts: Sequence[Sequence[str]], kind: _Kind) -> str:
    """The parts of each direction with their gates in ONNX' order, one after the other; directions stacked."""
    flat = [name for own in parts for name in own]

    def stack(*arrays: Array) -> Array:
        ordered = [np.concatenate([np.split(a, len(kind.gates))[g] for g in kind.gates]) for a in arrays]
        each = len(parts[0])
        return np.stack([np.concatenate(ordered[i:i + each]) for i in range(0, len(ordered), each)])
    return e.derived("_gates", flat, stack) or _stack_nodes(e, parts, kind)


def _stack_nodes(e: Emitter, parts: Sequence[Sequence[str]], kind: _Kind) -> str:
    """The same with nodes, for weights that are computed."""
    rows = []
    for own in parts:
        pieces = []
        for name in own:
            gates = [name] if len(kind.gates) == 1 else e("Split", name, outputs=len(kind.gates), axis=0,
                                                          num_outputs=len(kind.gates))
            pieces += [gates[g] for g in kind.gates]
        whole = pieces[0] if len(pieces) == 1 else e("Concat", *pieces, axis=0)
        rows.append(e("Unsqueeze", whole, e.ints([0])))
    return str(rows[0] if len(rows) == 1 else e("Concat", *rows, axis=0))
