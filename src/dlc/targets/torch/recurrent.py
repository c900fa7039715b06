"""Recurrent layers and their cells."""

from __future__ import annotations

from typing import Any

from dlc.ir.graph import Apply, Weight
from dlc.targets.source.code import Code
from dlc.targets.source.dialect import Several
from dlc.targets.torch.initialisers import initialise
from dlc.targets.torch.table import TABLE, Layer, Result, Site, call, layer, lit, literal, option, tuple_of

_STATES = {"lstm": 2, "gru": 1, "rnn": 1}


def _zeros(site: Site, state: int) -> Code:
    """The initial state that was left out."""
    out = site.out(state)
    kind = {} if out.dtype.name == "f32" else {"dtype": f"{site.x}.dtype"}
    return call("torch.zeros", *site.sizes(out.shape), **kind, device=f"{site.x}.device")


def _given_states(site: Site) -> list[Code] | None:
    """The initial states; None where all are zeros, which PyTorch fills in itself."""
    count = _STATES[site.node.op.name]
    if not any(site.has(i + 1) for i in range(count)):
        return None
    return [site.arg(i + 1) if site.has(i + 1) else _zeros(site, i + 1) for i in range(count)]


def _results(site: Site, expression: str) -> Result:
    """y and the states; the states of an LSTM come as a pair."""
    if site.node.op.name == "lstm":
        read = [bool(v.uses) or v in site.node.graph.outputs for v in site.node.outputs[1:]]  # type: ignore[union-attr]
        return Several(expression, "{0}, ({1}, {2})" if any(read) else "{0}, _")
    return Several(expression)


@TABLE.writes("lstm", "gru", "rnn")
def recurrent(site: Site) -> Result:
    count = _STATES[site.node.op.name]
    states = _given_states(site) or [_zeros(site, i + 1) for i in range(count)]
    state = tuple_of(states) if count == 2 else states[0]
    weights = ", ".join(site.arg(i) for i in range(count + 1, len(site.operands)))
    function = {"lstm": "torch.lstm", "gru": "torch.gru"}.get(
        site.node.op.name, f"torch.rnn_{site.node.attributes.get('nonlinearity')}")
    training = "self.training" if site.function.is_method else "False"
    expression = call(function, site.x, state, f"[{weights}]", literal(site["bias"]), literal(site["layers"]),
                      literal(site["dropout"]), training, literal(site["bidirectional"]), "True")
    return Several(expression, "{0}, {1}, {2}") if count == 2 else Several(expression)


@layer("lstm", "gru", "rnn")
def recurrent_module(node: Apply) -> Layer | None:
    x, attributes = node.operands[0], node.attributes
    assert x is not None
    inputs = x.type.shape[2]
    if not isinstance(inputs, int) or not isinstance(attributes["size"], int):
        return None
    options: dict[str, Any] = {"num_layers": option(attributes["layers"], 1, "num_layers"),
                               "nonlinearity": option(attributes.get("nonlinearity", "tanh"), "tanh", "nonlinearity"),
                               "bias": option(attributes["bias"], True, "bias"), "batch_first": True,
                               "dropout": option(attributes["dropout"], 0.0, "dropout"),
                               "bidirectional": option(attributes["bidirectional"], False, "bidirectional"),
                               "proj_size": option(attributes.get("proj_size", 0), 0, "proj_size")}
    name = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}[node.op.name]
    constructor = call(f"nn.{name}", lit(inputs, "input_size"), lit(attributes["size"], "hidden_size"), **options)
    return Layer(constructor, _call_recurrent, initialise(node))


def _call_recurrent(site: Site, module: str) -> Result:
    states = _given_states(site)
    given = [] if states is None else [tuple_of(states) if len(states) > 1 else states[0]]
    return _results(site, call(module, site.x, *given))


_CELLS = {"lstm_cell": "LSTMCell", "gru_cell": "GRUCell", "rnn_cell": "RNNCell"}


@TABLE.writes(*_CELLS)
def cell(site: Site) -> Result:
    name = site.node.op.name
    count = 2 if name == "lstm_cell" else 1
    states = [site.arg(i + 1) for i in range(count)]
    weights = [site.optional(i) for i in range(count + 1, len(site.operands))]
    function = f"torch.{name}" if name != "rnn_cell" else f"torch.rnn_{site['nonlinearity']}_cell"
    expression = call(function, site.x, tuple_of(states) if count == 2 else states[0], *weights)
    return Several(expression) if count == 2 else expression


@layer(*_CELLS)
def cell_module(node: Apply) -> Layer | None:
    weights = [v for v in node.operands if isinstance(v, Weight)]
    outputs, inputs = weights[0].type.shape
    hidden = weights[1].type.shape[1]
    if not isinstance(inputs, int) or not isinstance(hidden, int) or not isinstance(outputs, int):
        return None
    options = {"nonlinearity": option(node.attributes.get("nonlinearity", "tanh"), "tanh", "nonlinearity")}
    constructor = call(f"nn.{_CELLS[node.op.name]}", lit(inputs, "input_size"), lit(hidden, "hidden_size"),
                       bias=option(len(weights) == 4, True, "bias"), **options)
    return Layer(constructor, _call_cell, initialise(node))


def _call_cell(site: Site, module: str) -> Result:
    count = 2 if site.node.op.name == "lstm_cell" else 1
    states = [site.arg(i + 1) for i in range(count)]
    expression = call(module, site.x, tuple_of(states) if count == 2 else states[0])
    return Several(expression) if count == 2 else expression
