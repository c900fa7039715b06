"""Recurrent layers and cells against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients, typed

from dlc.ir.build import body_graph
from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample, op
from dlc.ir.types import F32, TensorType

MODULES = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}
CELLS = {"lstm_cell": torch.nn.LSTMCell, "gru_cell": torch.nn.GRUCell, "rnn_cell": torch.nn.RNNCell}
STATES = {"lstm": 2, "gru": 1, "rnn": 1}


def module_of(operation: str, x: Any, *, size: int, layers: int = 1, bidirectional: bool = False, bias: bool = True,
              dropout: float = 0.0, **options: Any) -> torch.nn.Module:
    """The PyTorch module with these options."""
    return MODULES[operation](x.shape[2], size, layers, bias=bias, batch_first=True, dropout=dropout,
                              bidirectional=bidirectional, **options).to(torch.float64).eval()


def torch_recurrent(operation: str, arrays: Any, options: Any) -> Any:
    """All outputs in one list, from tensors in the operation's order."""
    count = STATES[operation]
    x, states, weights = arrays[0], list(arrays[1:1 + count]), arrays[1 + count:]
    module = module_of(operation, x, **options)
    first = next((s for s in states if s is not None), None)
    if first is not None and any(s is None for s in states):
        states = [torch.zeros_like(first) if s is None else s for s in states]
    given = None if first is None else tuple(states) if count == 2 else states[0]
    parameters = dict(zip(module.state_dict(), weights, strict=True))
    y, last = torch.func.functional_call(module, parameters, (x, given))
    return [y, *last] if count == 2 else [y, last]


CASES = [(n, s) for n in MODULES for s in samples(n)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values_and_gradients(operation: str, sample: Sample) -> None:
    """Every sample has the outputs and the gradients of the PyTorch module with these weights."""
    arrays, options = draw(sample), attributes_of(operation, sample)
    function = lambda *a: torch_recurrent(operation, a, options)  # noqa: E731
    expected = function(*tensors(arrays))
    for found, right in zip(reference(operation, *arrays, **sample.attributes), expected, strict=True):
        close(found, right)
    rng = np.random.default_rng(1)
    cotangents = [rng.standard_normal(y.shape) for y in expected]
    for found, right in zip(gradients(operation, arrays, *cotangents, **sample.attributes),
                            torch_gradients(function, arrays, *cotangents), strict=True):
        assert (found is None) == (right is None)
        if found is not None:
            close(found, right)


@pytest.mark.parametrize(("operation", "sample"), [(n, s) for n in CELLS for s in samples(n)])
def test_cells(operation: str, sample: Sample) -> None:
    """Every sample of a cell has the outputs of the PyTorch module with these weights."""
    arrays = draw(sample)
    states = 2 if operation == "lstm_cell" else 1
    x, *rest = tensors(arrays)
    hidden, weights = rest[:states], [w for w in rest[states:] if w is not None]
    module = CELLS[operation](x.shape[1], hidden[0].shape[1], bias=len(weights) == 4, dtype=torch.float64,
                              **sample.attributes)
    module.load_state_dict(dict(zip(module.state_dict(), weights, strict=True)))
    expected = module(x, tuple(hidden) if states == 2 else hidden[0])
    found = reference(operation, *arrays, **sample.attributes)
    for left, right in zip(found, expected, strict=True):
        close(left, right)


@pytest.mark.parametrize("operation", MODULES)
@pytest.mark.parametrize("options", [{}, {"layers": 2, "bidirectional": True}, {"bias": False, "layers": 3}])
def test_layer(operation: str, options: dict[str, Any]) -> None:
    """Weights have the names, order and shapes of the PyTorch module, and its bounds."""
    declared: Any = op(operation)
    weights = declared.layer(TensorType(F32, (name("B"), name("T"), 3)), size=4, **options)
    module = module_of(operation, torch.zeros(1, 1, 3), size=4, **options)
    assert [(k, w.type.shape) for k, w in weights.items()] == [(k, tuple(v.shape)) for k, v in
                                                               module.state_dict().items()]
    assert all(w.initializer.arguments == (("low", -0.5), ("high", 0.5)) for w in weights.values())


def test_lstm_projection_layer() -> None:
    """A projection adds weight_hr behind the biases of each direction."""
    declared: Any = op("lstm")
    weights = declared.layer(TensorType(F32, (2, 5, 3)), size=4, proj_size=2, layers=2)
    state = torch.nn.LSTM(3, 4, 2, proj_size=2).state_dict()
    assert [(k, w.type.shape) for k, w in weights.items()] == [(k, tuple(v.shape)) for k, v in state.items()]


@pytest.mark.parametrize("operation", CELLS)
@pytest.mark.parametrize("bias", [True, False])
def test_cell_layer(operation: str, bias: bool) -> None:
    """A cell's weights are those of the PyTorch module, and `sizes` finds size and bias again."""
    declared: Any = op(operation)
    weights = declared.layer(TensorType(F32, (name("B"), 3)), size=4, bias=bias)
    state = CELLS[operation](3, 4, bias=bias).state_dict()
    assert [(k, w.type.shape) for k, w in weights.items()] == [(k, tuple(v.shape)) for k, v in state.items()]
    given = {k: w.type for k, w in weights.items() if k in ("weight_hh", "bias_ih")}
    assert declared.sizes(**given) == {"size": 4, "bias": bias}


def test_no_steps() -> None:
    """A sequence of length 0 leaves the state as it was."""
    weights = [np.ones(s) for s in ((4, 3), (4, 4), (4,), (4,))]
    y, h = reference("rnn", np.zeros((2, 0, 3)), np.full((1, 2, 4), 0.5), *weights, size=4)
    assert y.shape == (2, 0, 4)
    close(h, np.full((1, 2, 4), 0.5))


def test_named_steps() -> None:
    """The type rule takes a named number of steps; the definition asks for a number."""
    types = ["f32[B, T, 3]", None, "f32[12, 3]", "f32[12, 4]", "f32[12]", "f32[12]"]
    y, h = infer("gru", *types, size=4)
    assert (y.shape, h.shape) == ((name("B"), name("T"), 4), (1, name("B"), 4))
    with pytest.raises(Problem, match="known number of steps") as caught:
        body_graph(op("gru"), [None if t is None else typed(t) for t in types],
                   {"size": 4, "layers": 1, "bidirectional": False, "bias": True, "dropout": 0.0})
    assert caught.value.hint == "bind the size `T`"


@pytest.mark.parametrize("operation", [*MODULES, *CELLS])
@pytest.mark.parametrize("size", [0, -4])
def test_layer_refuses_no_size(operation: str, size: int) -> None:
    """A layer without a single state is refused."""
    declared: Any = op(operation)
    with pytest.raises(Problem, match="`size`"):
        declared.layer(typed("f32[2, 3]" if operation in CELLS else "f32[2, 5, 3]"), size=size)


WEIGHTS = ("f32[12, 3]", "f32[12, 4]", "f32[12]", "f32[12]")


@pytest.mark.parametrize(("operands", "attributes", "message"), [
    (("f32[2, 3]", None, *WEIGHTS), {}, "takes sequences"),
    (("f32[2, 5, 3]", None, *WEIGHTS[:2]), {}, "needs 4 weights"),
    (("f32[2, 5, 3]", None, *WEIGHTS), {"bidirectional": True}, "needs 8 weights"),
    (("f32[2, 5, 3]", None, *WEIGHTS), {"layers": 0}, "`layers`"),
    (("f32[2, 5, 7]", None, *WEIGHTS), {}, "weight_ih_l0"),
    (("f32[2, 5, 3]", "f32[1, 3, 4]", *WEIGHTS), {}, "`h0`"),
    (("f32[2, 5, 3]", "f32[2, 4]", *WEIGHTS), {}, "`h0` has the wrong rank"),
    (("f32[2, 5, 3]", "f64[1, 2, 4]", *WEIGHTS), {}, "element types"),
    (("f32[2, 5, 3]", None, *WEIGHTS), {"dropout": 1.0}, "`dropout`"),
])
def test_refusals(operands: tuple[str | None, ...], attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer("gru", *operands, size=4, **attributes)
