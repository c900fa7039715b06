"""One step of a recurrent network: the equations of LSTM, GRU and simple RNN, and each as an operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Annotated, Any

from dlc.ir.attributes import Size, choice
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Float, Initializer, Problem, Sample, WeightSpec, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import need_equal, need_rank, same_dtype
from dlc.ops.spatial import need_at_least

Nonlinearity = Annotated[str, choice("tanh", "relu")]


def state_uniform(size: Dim) -> Initializer:
    """U(-1/sqrt(size), 1/sqrt(size)): what PyTorch's recurrent layers start from."""
    if not isinstance(size, int):
        raise Problem("the size of a recurrent layer must be known", expected="a number", found=str(size), at=["size"])
    bound = 1 / sqrt(size) if size else 0.0
    return Initializer("uniform", (("low", -bound), ("high", bound)))


def lstm_step(b: Builder, gates: Value, c: Value) -> tuple[Value, Value]:
    """The next (h, c) from the gates i, f, g, o before their nonlinearities: [B, 4 H]."""
    i, f, g, o = b.split(gates, parts=4, axis=-1)
    kept = b.mul(b.sigmoid(f), c)
    c = b.add(kept, b.mul(b.sigmoid(i), b.tanh(g)))
    return b.mul(b.sigmoid(o), b.tanh(c)), c


def gru_step(b: Builder, from_x: Value, from_h: Value, h: Value) -> Value:
    """The next h from what x and h give to the gates r, z, n: [B, 3 H] each. The reset comes after the product."""
    reset_x, update_x, new_x = b.split(from_x, parts=3, axis=-1)
    reset_h, update_h, new_h = b.split(from_h, parts=3, axis=-1)
    reset = b.sigmoid(b.add(reset_x, reset_h))
    update = b.sigmoid(b.add(update_x, update_h))
    new = b.tanh(b.add(new_x, b.mul(reset, new_h)))
    result: Value = b.add(new, b.mul(update, b.sub(h, new)))
    return result


def need_state(what: str, state: TensorType, shape: Sequence[Dim], x: TensorType) -> None:
    """A state or a weight has this shape and x's element type."""
    need_rank(what, state, len(shape))
    same_dtype(x=x, **{what: state})
    for axis, (expected, found) in enumerate(zip(shape, state.shape, strict=True)):
        need_equal(f"the needed and the given size of axis {axis} of `{what}`", expected, found, at=[what])


class Cell(Composite):
    """Base: x: [B, D]; h: [B, H]; weight_ih: [gates H, D]; weight_hh: [gates H, H]; biases: [gates H]."""

    gates: int
    ulps = 16

    def check(self, x: TensorType, h: TensorType, weight_ih: TensorType, weight_hh: TensorType,
              bias_ih: TensorType | None, bias_hh: TensorType | None) -> TensorType:
        need_rank("x", x, 2)
        need_rank("weight_hh", weight_hh, 2)
        size = weight_hh.shape[1]
        need_state("weight_hh", weight_hh, [self.gates * size, size], x)
        need_state("weight_ih", weight_ih, [self.gates * size, x.shape[1]], x)
        need_state("h", h, [x.shape[0], size], x)
        for name, bias in (("bias_ih", bias_ih), ("bias_hh", bias_hh)):
            if bias is not None:
                need_state(name, bias, [self.gates * size], x)
        return h

    def layer(self, x: TensorType, h: TensorType | None = None, c: TensorType | None = None, *, size: Size,
              bias: bool = True) -> dict[str, WeightSpec]:
        need_rank("x", x, 2)
        need_at_least(self.name, 1, size=size)
        init, rows = state_uniform(size), self.gates * size
        shapes = {"weight_ih": (rows, x.shape[1]), "weight_hh": (rows, size), "bias_ih": (rows,), "bias_hh": (rows,)}
        return {name: WeightSpec(x.with_shape(*shape), init) for name, shape in shapes.items()
                if bias or not name.startswith("bias")}

    def sizes(self, weight_hh: TensorType, bias_ih: TensorType | None = None) -> dict[str, Any]:
        return {"size": weight_hh.shape[1], "bias": bias_ih is not None}


@operation
class LstmCell(Cell):
    """One step of an LSTM: i, f, g, o = x W_ihᵀ + b_ih + h W_hhᵀ + b_hh; c' = σ(f) c + σ(i) tanh(g);
    h' = σ(o) tanh(c').

    x: [B, D]; h, c: [B, H]; weight_ih: [4 H, D]; weight_hh: [4 H, H]; biases: [4 H]; result: h' and c'.
    As a layer: `lstm_cell(H)` owns `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, drawn from U(-1/sqrt(H),
    1/sqrt(H)); `bias=false` leaves the biases out.
    """

    gates = 4
    outputs = ("h_n", "c_n")

    def infer(self, x: Float, h: Float, c: Float, weight_ih: Float, weight_hh: Float, bias_ih: Float | None = None,
              bias_hh: Float | None = None) -> tuple[TensorType, TensorType]:
        h = self.check(x, h, weight_ih, weight_hh, bias_ih, bias_hh)
        need_state("c", c, h.shape, x)
        return h, c

    def body(self, b: Builder, x: Value, h: Value, c: Value, weight_ih: Value, weight_hh: Value,
             bias_ih: Value | None, bias_hh: Value | None) -> tuple[Value, Value]:
        return lstm_step(b, b.add(b.linear(x, weight_ih, bias_ih), b.linear(h, weight_hh, bias_hh)), c)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[2, 4]", "f32[2, 4]", "f32[16, 3]", "f32[16, 4]", "f32[16]", "f32[16]")
        yield sample("f32[1, 3]", "f32[1, 2]", "f32[1, 2]", "f32[8, 3]", "f32[8, 2]", None, None)


@operation
class GruCell(Cell):
    """One step of a GRU: r = σ(W_ir x + W_hr h), z = σ(W_iz x + W_hz h), n = tanh(W_in x + r (W_hn h)), each with its
    two biases; h' = (1 - z) n + z h.

    x: [B, D]; h: [B, H]; weight_ih: [3 H, D] in the order r, z, n; weight_hh: [3 H, H]; biases: [3 H]; y: [B, H].
    As a layer: `gru_cell(H)` owns `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, drawn from U(-1/sqrt(H),
    1/sqrt(H)); `bias=false` leaves the biases out.
    """

    gates = 3

    def infer(self, x: Float, h: Float, weight_ih: Float, weight_hh: Float, bias_ih: Float | None = None,
              bias_hh: Float | None = None) -> TensorType:
        return self.check(x, h, weight_ih, weight_hh, bias_ih, bias_hh)

    def body(self, b: Builder, x: Value, h: Value, weight_ih: Value, weight_hh: Value, bias_ih: Value | None,
             bias_hh: Value | None) -> Value:
        return gru_step(b, b.linear(x, weight_ih, bias_ih), b.linear(h, weight_hh, bias_hh), h)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[2, 4]", "f32[12, 3]", "f32[12, 4]", "f32[12]", "f32[12]")
        yield sample("f32[1, 3]", "f32[1, 2]", "f32[6, 3]", "f32[6, 2]", None, None)


@operation
class RnnCell(Cell):
    """One step of a simple RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it.

    x: [B, D]; h: [B, H]; weight_ih: [H, D]; weight_hh: [H, H]; biases: [H]; y: [B, H].
    As a layer: `rnn_cell(H)` owns `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, drawn from U(-1/sqrt(H),
    1/sqrt(H)); `bias=false` leaves the biases out.
    """

    gates = 1

    def infer(self, x: Float, h: Float, weight_ih: Float, weight_hh: Float, bias_ih: Float | None = None,
              bias_hh: Float | None = None, *, nonlinearity: Nonlinearity = "tanh") -> TensorType:
        return self.check(x, h, weight_ih, weight_hh, bias_ih, bias_hh)

    def body(self, b: Builder, x: Value, h: Value, weight_ih: Value, weight_hh: Value, bias_ih: Value | None,
             bias_hh: Value | None, *, nonlinearity: str) -> Value:
        total = b.add(b.linear(x, weight_ih, bias_ih), b.linear(h, weight_hh, bias_hh))
        result: Value = b.apply(nonlinearity, total)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[2, 4]", "f32[4, 3]", "f32[4, 4]", "f32[4]", "f32[4]")
        yield sample("f32[1, 3]", "f32[1, 2]", "f32[2, 3]", "f32[2, 2]", None, None, nonlinearity="relu")
