"""Recurrent layers over whole sequences, batch first: LSTM, GRU and simple RNN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from dlc.ir.attributes import Bool, Int, Real, Size
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Problem, Sample, WeightSpec, operation, sample
from dlc.ir.types import F32, TensorType
from dlc.ops.constants import filled
from dlc.ops.dropout import need_probability
from dlc.ops.recurrent_cells import Nonlinearity, gru_step, lstm_step, need_state, state_uniform
from dlc.ops.rules import need
from dlc.ops.spatial import need_at_least


class Recurrent(Composite):
    """Base: `layers` recurrent networks one above the other, each in one or both directions.

    The weights follow the operands in PyTorch's order: for each layer, and in it for each direction, weight_ih,
    weight_hh, and with `bias` bias_ih and bias_hh, and with a `proj_size` weight_hr.
    """

    gates: ClassVar[int]
    positional: ClassVar[tuple[str, ...]] = ("size", "layers")
    ulps = 32

    def declared(self, x: TensorType, size: Dim, layers: int, bidirectional: bool, bias: bool,
                 proj_size: Dim = 0) -> dict[str, tuple[Dim, ...]]:
        """The shapes of the weights by name, in order."""
        need(x.rank == 3, f"`{self.name}` takes sequences", expected="rank 3: batch, time, features", at=["x"],
             found=f"rank {x.rank}: {x}", code="E0222")
        need_at_least(self.name, 1, layers=layers, size=size)
        need_at_least(self.name, 0, proj_size=proj_size)
        rows, carried = self.gates * size, proj_size or size
        shapes: dict[str, tuple[Dim, ...]] = {}
        for layer in range(layers):
            inputs = carried * (1 + bidirectional) if layer else x.shape[2]
            for suffix in [f"l{layer}", f"l{layer}_reverse"][:1 + bidirectional]:
                shapes[f"weight_ih_{suffix}"] = (rows, inputs)
                shapes[f"weight_hh_{suffix}"] = (rows, carried)
                if bias:
                    shapes[f"bias_ih_{suffix}"] = (rows,)
                    shapes[f"bias_hh_{suffix}"] = (rows,)
                if proj_size:
                    shapes[f"weight_hr_{suffix}"] = (proj_size, size)
        return shapes

    def owned(self, x: TensorType, size: Dim, layers: int, bidirectional: bool, bias: bool,
              proj_size: Dim = 0) -> dict[str, WeightSpec]:
        """The weights as a layer has them."""
        shapes = self.declared(x, size, layers, bidirectional, bias, proj_size)
        init = state_uniform(size)
        return {name: WeightSpec(x.with_shape(*shape), init) for name, shape in shapes.items()}

    def check(self, x: TensorType, states: dict[str, tuple[TensorType | None, Dim]], weights: Sequence[TensorType], *,
              size: Dim, layers: int, bidirectional: bool, bias: bool, dropout: float,
              proj_size: Dim = 0) -> tuple[TensorType, TensorType]:
        """The types of the sequence and of the final state, once everything fits."""
        shapes = self.declared(x, size, layers, bidirectional, bias, proj_size)
        need_probability(self.name, dropout, "dropout")
        need(len(weights) == len(shapes), f"`{self.name}` needs {len(shapes)} weights here", at=["weights"],
             expected=", ".join(shapes), found=f"{len(weights)} tensors", code="E0210")
        count = layers * (1 + bidirectional)
        for name, (state, width) in states.items():
            if state is not None:
                need_state(name, state, [count, x.shape[0], width], x)
        for (name, shape), weight in zip(shapes.items(), weights, strict=True):
            need_state(name, weight, shape, x)
        carried = proj_size or size
        return (x.with_shape(x.shape[0], x.shape[1], carried * (1 + bidirectional)),
                x.with_shape(count, x.shape[0], carried))

    def macs(self, x: TensorType, *others: TensorType | None, **attributes: Any) -> Dim:
        per_step = sum((t.size for t in others if t is not None and t.rank == 2), start=0)
        return x.shape[0] * x.shape[1] * per_step

    def unroll(self, b: Builder, x: Value, states: Sequence[tuple[Value | None, Dim]], weights: Sequence[Value], *,
               layers: int, bidirectional: bool, bias: bool, dropout: float, proj_size: Dim = 0,
               **options: Any) -> tuple[Value, ...]:
        """The sequence and the final states, step by step over a known number of steps."""
        steps = x.type.shape[1]
        if not isinstance(steps, int):
            raise Problem(f"`{self.name}` can be written step by step only for a known number of steps", at=["x"],
                          expected="a number", found=str(steps), hint=f"bind the size `{steps}`", code="E0231")
        each = len(weights) // (layers * (1 + bidirectional))
        finals: list[list[Value]] = [[] for _ in states]
        for layer in range(layers):
            if layer and dropout:
                x = b.dropout(x, p=dropout)
            directions = []
            for backward in [False, True][:1 + bidirectional]:
                index = len(finals[0])
                start = [_initial(b, x, state, index, width) for state, width in states]
                own = _Weights(weights[index * each:(index + 1) * each], bias, bool(proj_size))
                outputs, last = self._direction(b, x, start, own, steps, backward, options)
                directions.append(outputs)
                for final, value in zip(finals, last, strict=True):
                    final.append(value)
            x = b.concat(*directions, axis=-1) if bidirectional else directions[0]
        return (x, *(b.stack(*final, axis=0) for final in finals))

    def _direction(self, b: Builder, x: Value, state: list[Value], own: _Weights, steps: int, backward: bool,
                   options: dict[str, Any]) -> tuple[Value, list[Value]]:
        """One layer in one direction: its outputs [B, T, H] and its final state."""
        from_x = b.linear(x, own.weight_ih, own.bias_ih)
        outputs: list[Value] = []
        for t in reversed(range(steps)) if backward else range(steps):
            from_h = b.linear(state[0], own.weight_hh, own.bias_hh)
            state = self.step(b, b.select(from_x, index=t, axis=1), from_h, state, **options)
            if own.weight_hr is not None:
                state[0] = b.linear(state[0], own.weight_hr)
            outputs.append(state[0])
        if not outputs:
            return filled(b, x.type.with_shape(x.type.shape[0], 0, state[0].type.shape[1]), 0), state
        return b.stack(*(reversed(outputs) if backward else outputs), axis=1), state

    def step(self, b: Builder, from_x: Value, from_h: Value, state: list[Value], **options: Any) -> list[Value]:
        """The next state, from what x and h give to the gates."""
        raise NotImplementedError


class _Weights:
    """The weights of one layer in one direction."""

    def __init__(self, weights: Sequence[Value], bias: bool, projected: bool) -> None:
        self.weight_ih, self.weight_hh = weights[:2]
        self.bias_ih: Value | None = weights[2] if bias else None
        self.bias_hh: Value | None = weights[3] if bias else None
        self.weight_hr: Value | None = weights[-1] if projected else None


def _initial(b: Builder, x: Value, state: Value | None, index: int, width: Dim) -> Value:
    """The state that one layer in one direction begins with: zeros unless given."""
    if state is None:
        return filled(b, x.type.with_shape(x.type.shape[0], width), 0)
    result: Value = b.select(state, index=index, axis=0)
    return result


def _samples(recurrent: Recurrent, states: int) -> Iterable[Sample]:
    """Every option, with and without initial states; D = 3, H = 4."""
    def call(x: str, given: Sequence[str | None], dropout: float = 0.0, **options: Any) -> Sample:
        t = TensorType(F32, (2, 5, 3))
        shapes = recurrent.declared(t, **{"size": 4, "layers": 1, "bidirectional": False, "bias": True, **options})
        weights = [Arg(f"f32[{', '.join(map(str, s))}]", -0.7, 0.7) for s in shapes.values()]
        return sample(x, *given, *weights, size=4, dropout=dropout, **options)
    none = [None] * states
    yield call("f32[2, 5, 3]", none)
    yield call("f32[2, 5, 3]", ["f32[1, 2, 4]"] * states, bias=False)
    yield call("f32[1, 4, 3]", ["f32[2, 1, 4]"] * states, layers=2)
    yield call("f32[2, 3, 3]", ["f32[2, 2, 4]"] * states, bidirectional=True)
    yield call("f32[2, 3, 3]", ["f32[4, 2, 4]"] * states, bidirectional=True, layers=2)
    yield call("f32[2, 1, 3]", none, bidirectional=True, layers=3, bias=False, dropout=0.25)


@operation
class Lstm(Recurrent):
    """Long short-term memory over sequences: `lstm_cell` at every step (Hochreiter and Schmidhuber, 1997).

    x: [B, T, D]; h0: [L, B, H] and c0: [L, B, size], zeros unless given; y: [B, T, H * directions], the hidden states
    of the uppermost layer; h_n, c_n: the last states. L = layers * directions; H = size, or `proj_size` if that is not
    0: then h = W_hr (σ(o) tanh(c)).
    As a layer: `lstm(size)` owns, for each layer k, `weight_ih_lk` [4 size, inputs], `weight_hh_lk` [4 size, H] (gates
    in the order i, f, g, o), `bias_ih_lk`, `bias_hh_lk` and, with a projection, `weight_hr_lk` [H, size], and the same
    with `_reverse` for the backward direction; all drawn from U(-1/sqrt(size), 1/sqrt(size)).
    dropout: its probability between layers, in training.
    """

    gates = 4
    outputs = ("y", "h_n", "c_n")

    def infer(self, x: Float, h0: Float | None = None, c0: Float | None = None, *weights: Float, size: Size,
              layers: Int = 1, bidirectional: Bool = False, bias: Bool = True, dropout: Real = 0.0,
              proj_size: Size = 0) -> tuple[TensorType, TensorType, TensorType]:
        y, h = self.check(x, {"h0": (h0, proj_size or size), "c0": (c0, size)}, weights, size=size, layers=layers,
                          bidirectional=bidirectional, bias=bias, dropout=dropout, proj_size=proj_size)
        return y, h, h.with_shape(*h.shape[:2], size)

    def layer(self, x: TensorType, h0: TensorType | None = None, c0: TensorType | None = None, *, size: Size,
              layers: Int = 1, bidirectional: Bool = False, bias: Bool = True,
              proj_size: Size = 0) -> dict[str, WeightSpec]:
        return self.owned(x, size, layers, bidirectional, bias, proj_size)

    def sizes(self) -> dict[str, Any]:
        return {}

    def body(self, b: Builder, x: Value, h0: Value | None, c0: Value | None, *weights: Value, size: Dim,
             proj_size: Dim, **options: Any) -> tuple[Value, ...]:
        return self.unroll(b, x, [(h0, proj_size or size), (c0, size)], weights, proj_size=proj_size, **options)

    def step(self, b: Builder, from_x: Value, from_h: Value, state: list[Value], **options: Any) -> list[Value]:
        return list(lstm_step(b, b.add(from_x, from_h), state[1]))

    def samples(self) -> Iterable[Sample]:
        yield from _samples(self, 2)
        yield sample("f32[2, 3, 5]", "f32[2, 2, 3]", "f32[2, 2, 4]",
                     *["f32[16, 5]", "f32[16, 3]", "f32[16]", "f32[16]", "f32[3, 4]"] * 2, size=4, proj_size=3,
                     bidirectional=True)
        yield sample("f32[2, 3, 5]", "f32[1, 2, 4]", None, "f32[16, 5]", "f32[16, 4]", "f32[16]", "f32[16]", size=4)


@operation
class Gru(Recurrent):
    """Gated recurrent units over sequences: `gru_cell` at every step (Cho et al., 2014; the reset after the product).

    x: [B, T, D]; h0: [L, B, H], zeros unless given; y: [B, T, H * directions], the hidden states of the uppermost
    layer; h_n: the last states. H = size; L = layers * directions.
    As a layer: `gru(H)` owns, for each layer k, `weight_ih_lk` [3 H, inputs], `weight_hh_lk` [3 H, H] (gates in the
    order r, z, n), `bias_ih_lk` and `bias_hh_lk`, and the same with `_reverse` for the backward direction; all drawn
    from U(-1/sqrt(H), 1/sqrt(H)).
    dropout: its probability between layers, in training.
    """

    gates = 3
    outputs = ("y", "h_n")

    def infer(self, x: Float, h0: Float | None = None, *weights: Float, size: Size, layers: Int = 1,
              bidirectional: Bool = False, bias: Bool = True, dropout: Real = 0.0) -> tuple[TensorType, TensorType]:
        return self.check(x, {"h0": (h0, size)}, weights, size=size, layers=layers, bidirectional=bidirectional,
                          bias=bias, dropout=dropout)

    def layer(self, x: TensorType, h0: TensorType | None = None, *, size: Size, layers: Int = 1,
              bidirectional: Bool = False, bias: Bool = True) -> dict[str, WeightSpec]:
        return self.owned(x, size, layers, bidirectional, bias)

    def sizes(self) -> dict[str, Any]:
        return {}

    def body(self, b: Builder, x: Value, h0: Value | None, *weights: Value, size: Dim,
             **options: Any) -> tuple[Value, ...]:
        return self.unroll(b, x, [(h0, size)], weights, **options)

    def step(self, b: Builder, from_x: Value, from_h: Value, state: list[Value], **options: Any) -> list[Value]:
        return [gru_step(b, from_x, from_h, state[0])]

    def samples(self) -> Iterable[Sample]:
        yield from _samples(self, 1)


@operation
class Rnn(Recurrent):
    """A simple recurrent network over sequences: `rnn_cell` at every step (Elman, 1990).

    x: [B, T, D]; h0: [L, B, H], zeros unless given; y: [B, T, H * directions], the hidden states of the uppermost
    layer; h_n: the last states. H = size; L = layers * directions.
    As a layer: `rnn(H)` owns, for each layer k, `weight_ih_lk` [H, inputs], `weight_hh_lk` [H, H], `bias_ih_lk` and
    `bias_hh_lk`, and the same with `_reverse` for the backward direction; all drawn from U(-1/sqrt(H), 1/sqrt(H)).
    nonlinearity: "tanh" or "relu". dropout: its probability between layers, in training.
    """

    gates = 1
    outputs = ("y", "h_n")

    def infer(self, x: Float, h0: Float | None = None, *weights: Float, size: Size, layers: Int = 1,
              bidirectional: Bool = False, bias: Bool = True, dropout: Real = 0.0,
              nonlinearity: Nonlinearity = "tanh") -> tuple[TensorType, TensorType]:
        return self.check(x, {"h0": (h0, size)}, weights, size=size, layers=layers, bidirectional=bidirectional,
                          bias=bias, dropout=dropout)

    def layer(self, x: TensorType, h0: TensorType | None = None, *, size: Size, layers: Int = 1,
              bidirectional: Bool = False, bias: Bool = True) -> dict[str, WeightSpec]:
        return self.owned(x, size, layers, bidirectional, bias)

    def sizes(self) -> dict[str, Any]:
        return {}

    def body(self, b: Builder, x: Value, h0: Value | None, *weights: Value, size: Dim,
             **options: Any) -> tuple[Value, ...]:
        return self.unroll(b, x, [(h0, size)], weights, **options)

    def step(self, b: Builder, from_x: Value, from_h: Value, state: list[Value], **options: Any) -> list[Value]:
        return [b.apply(options["nonlinearity"], b.add(from_x, from_h))]

    def samples(self) -> Iterable[Sample]:
        yield from _samples(self, 1)
        yield sample("f32[2, 3, 5]", None, "f32[4, 5]", "f32[4, 4]", "f32[4]", "f32[4]", size=4, nonlinearity="relu")
