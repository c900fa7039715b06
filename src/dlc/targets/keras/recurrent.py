"""LSTM, GRU and simple RNN over sequences: stacked Keras layers, in both directions where wanted.

Keras orders the gates i, f, c, o (as PyTorch) and z, r, h (PyTorch: r, z, n), and keeps one bias for LSTM and simple
RNN where PyTorch keeps two that are added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlc.ir.graph import Apply, Value, Weight
from dlc.ir.types import Array
from dlc.targets.keras.initialisers import options
from dlc.targets.keras.table import KerasLayer, Result, Site, Variable, call, layer, lit, literal, option, weightless
from dlc.targets.source.code import Code
from dlc.targets.source.dialect import Several

_KERAS = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}
_GATES = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "rnn": (0,)}
"""For each gate in Keras' order, where PyTorch has it."""

_STACKED = '''
def run_stacked(stack, x, initial=None, dropout=None):
    """Run recurrent layers one above the other.

    initial: states, [levels * directions, batch, units] each. Returns the last sequence, and the final states alike.
    """
    finals = []
    for level, layer in enumerate(stack):
        if level and dropout is not None:
            x = dropout(x)
        directions = 2 if isinstance(layer, layers.Bidirectional) else 1
        state = None
        if initial is not None:
            state = [s[level * directions + d] for d in range(directions) for s in initial]
        x, *last = layer(x, initial_state=state)
        finals.append(last)
    kinds = len(finals[0]) // directions
    columns = [[last[d * kinds + kind] for last in finals for d in range(directions)] for kind in range(kinds)]
    return x, *(ops.stack(column) for column in columns)
'''


def _states(node: Apply) -> int:
    return 2 if node.op.name == "lstm" else 1


def _initial(node: Apply) -> list[Value]:
    return [v for v in node.operands[1:1 + _states(node)] if v is not None]


@layer("lstm", "gru", "rnn")
def recurrent(node: Apply) -> KerasLayer | None:
    attributes = node.attributes
    if attributes.get("proj_size", 0) or len(_initial(node)) not in (0, _states(node)):
        return None
    if not all(isinstance(v, Weight) for v in node.operands[1 + _states(node):]):
        return None
    constructor = call(f"layers.{_KERAS[node.op.name]}", lit(attributes["size"], "units"), **_activation(node),
                       use_bias=option(attributes["bias"], True, "use_bias"), return_sequences=literal(True),
                       **({"return_state": literal(True)} if _needs_states(node) else {}), **options(node))
    if attributes["bidirectional"]:
        constructor = call("layers.Bidirectional", constructor)
    if not _is_single(node):
        constructor = Code(f"[{constructor} for _ in range({lit(attributes['layers'], 'levels')})]")
    return KerasLayer(constructor, _call, variables=tuple(_variables(node)))


def _activation(node: Apply) -> dict[str, Any]:
    return {"activation": option(node.attributes.get("nonlinearity", "tanh"), "tanh", "activation")}


def _is_read(node: Apply, value: Value) -> bool:
    return bool(value.uses) or (node.graph is not None and value in node.graph.outputs)


def _is_single(node: Apply) -> bool:
    """One layer of which only the sequence is wanted needs no stack."""
    return node.attributes["layers"] == 1 and not _initial(node) and not _needs_states(node)


def _needs_states(node: Apply) -> bool:
    return (node.attributes["layers"] > 1 or bool(_initial(node))
            or any(_is_read(node, v) for v in node.outputs[1:]))


def _call(site: Site, module: str) -> Result:
    if _is_single(site.node):
        return Several(call(module, site.x), "{0}")
    site.function.helper(_STACKED)
    given = [site.arg(i) for i in range(1, 1 + _states(site.node)) if site.has(i)]
    initial = [f"[{', '.join(given)}]"] if given else []
    dropout = {}
    if site["dropout"] and site["layers"] > 1 and site.function.is_method:
        made = call("layers.Dropout", lit(site["dropout"], "rate"))
        dropout["dropout"] = weightless(site, "dropout", made)
    return Several(call("run_stacked", module, site.x, *initial, **dropout))


def _variables(node: Apply) -> list[Variable]:
    found: list[Variable] = []
    reorder = _reordered(_GATES[node.op.name])
    for level in range(node.attributes["layers"]):
        for backward in [False, True][:1 + node.attributes["bidirectional"]]:
            suffix = f"l{level}{'_reverse' if backward else ''}"
            place = [] if _is_single(node) else [str(level)]
            place += [["forward_layer", "backward_layer"][backward]] if node.attributes["bidirectional"] else []
            path = ".".join([*place, "cell"])
            found.append(Variable(f"{path}.kernel", (f"weight_ih_{suffix}",), _kernel(reorder)))
            found.append(Variable(f"{path}.recurrent_kernel", (f"weight_hh_{suffix}",), _kernel(reorder)))
            if node.attributes["bias"]:
                found.append(Variable(f"{path}.bias", (f"bias_ih_{suffix}", f"bias_hh_{suffix}"),
                                      _both_biases(reorder, separate=node.op.name == "gru")))
    return found


def _reordered(gates: Sequence[int]) -> Callable[[Array], Array]:
    """The rows of a weight, gate by gate, in Keras' order."""
    def reorder(weight: Array) -> Array:
        parts = np.split(weight, len(gates))
        return np.concatenate([parts[g] for g in gates])
    return reorder


def _kernel(reorder: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda weight: np.transpose(reorder(weight))


def _both_biases(reorder: Callable[[Array], Array], *, separate: bool) -> Callable[[Array, Array], Array]:
    def combine(from_x: Array, from_h: Array) -> Array:
        first, second = reorder(from_x), reorder(from_h)
        return np.stack([first, second]) if separate else first + second
    return combine
