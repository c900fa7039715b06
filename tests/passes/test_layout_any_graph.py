"""The layout pass on graphs that hypothesis makes up: whatever stands between spatial operations, the meaning stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import dlc.ops  # noqa: F401  (declares every operation)
from dlc.ir import evaluate
from dlc.ir.build import Builder
from dlc.ir.graph import Graph, Program, Value, Weight
from dlc.ir.op import Initializer
from dlc.ir.types import F32, TensorType
from dlc.ir.verify import verify
from dlc.passes.layout import assign

Step = Callable[["Maker", Value, int], Value]


class Maker:
    """A graph of spatial tensors in the making; `n` chooses among variants of a step."""

    def __init__(self) -> None:
        self.graph = Graph("Net")
        self.b = Builder(self.graph)
        self.seen: list[Value] = []

    def weight(self, *shape: int) -> Weight:
        path = f"w{len(self.graph.weights)}"
        return self.graph.add_weight(Weight(TensorType(F32, shape), path=path, initializer=Initializer("zeros")))


def _size(value: Value, axis: int) -> int:
    size = value.type.shape[axis]
    assert isinstance(size, int)
    return size


def conv(m: Maker, x: Value, n: int) -> Value:
    layout = ["NCHW", "NHWC"][n % 5 == 0]
    channels = _size(x, 1 if layout == "NCHW" else 3)
    y: Value = m.b.conv2d(x, m.weight(3, channels, 1, 1), m.weight(3), layout=layout)
    return y


def norm(m: Maker, x: Value, n: int) -> Value:
    channels = _size(x, 1)
    y: Value = m.b.batch_norm(x, m.weight(channels), m.weight(channels), m.weight(channels), None)
    return y


def scale(m: Maker, x: Value, n: int) -> Value:
    shape = [_size(x, 1), 1, 1] if n % 2 else [1, _size(x, 1), 1, _size(x, 3)]
    y: Value = m.b.mul(x, m.weight(*shape))
    return y


def skip(m: Maker, x: Value, n: int) -> Value:
    same = [v for v in m.seen if v.type == x.type]
    y: Value = m.b.add(x, same[n % len(same)]) if same else m.b.relu(x)
    return y


def transpose(m: Maker, x: Value, n: int) -> Value:
    orders = [(0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 3, 2), (0, 3, 2, 1), (1, 0, 2, 3), (3, 2, 1, 0)]
    y: Value = m.b.transpose(x, axes=orders[n % len(orders)])
    return y


def gate(m: Maker, x: Value, n: int) -> Value:
    axes = [[2, 3], [1], [0, 2], [1, 2, 3]][n % 4]
    y: Value = m.b.mul(x, m.b.sigmoid(m.b.mean(x, axis=axes, keepdims=True)))
    return y


def regroup(m: Maker, x: Value, n: int) -> Value:
    """Through another shape and back."""
    shape = [_size(x, a) for a in range(4)]
    middle = [[shape[0], shape[1], shape[2] * shape[3]], [shape[0], -1], [shape[0], shape[1] * shape[2], shape[3]],
              [shape[0], 1, *shape[1:]], [shape[0] * shape[1], *shape[2:]]][n % 5]
    y: Value = m.b.reshape(m.b.relu(m.b.reshape(x, shape=middle)), shape=shape)
    return y


def dense(m: Maker, x: Value, n: int) -> Value:
    """Flattened, through a dense layer, and back."""
    shape = [_size(x, a) for a in range(4)]
    count = shape[1] * shape[2] * shape[3]
    flat = m.b.relu(m.b.flatten(x))
    y: Value = m.b.reshape(m.b.mul(m.b.linear(flat, m.weight(count, count), m.weight(count)), m.weight(count)),
                           shape=shape)
    return y


def along(m: Maker, x: Value, n: int) -> Value:
    axis, kind = n % 4, n // 4 % 5
    if kind == 0:
        y: Value = m.b.concat(x, x, axis=axis)
    elif kind == 1:
        y = m.b.softmax(x, axis=axis)
    elif kind == 2:
        y = m.b.flip(x, axis=axis)
    elif kind == 3:
        y = m.b.pad(x, widths=[(1, 0) if a == axis else (0, 0) for a in range(4)])
    else:
        y = m.b.slice(x, starts=[0], stops=[max(_size(x, axis) - 1, 1)], axes=[axis])
    return y


STEPS: list[Step] = [conv, norm, scale, skip, transpose, gate, regroup, dense, along]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 39)), min_size=1, max_size=8),
       st.sampled_from(["NHWC", "NCHW"]))
def test_meaning_stays(steps: list[tuple[Step, int]], want: str) -> None:
    """Between two convolutions stands anything; the outputs are the same in float64, and the graph is well-formed."""
    m = Maker()
    x: Value = m.graph.add_input("x", TensorType(F32, (2, 3, 2, 4)))
    for step, n in [(conv, 1), *steps, (conv, 2)]:
        m.seen.append(x)
        if int(np.prod([_size(x, a) for a in range(4)])) < 400:
            x = step(m, x, n)
    m.graph.add_output("y", x)
    m.graph.add_output("total", m.b.sum(x, axis=[1]))
    rng = np.random.default_rng(1)
    weights = {path: rng.uniform(0.5, 1.5, [int(d) for d in w.type.shape])  # type: ignore[arg-type]
               for path, w in m.graph.weights.items()}
    program = Program(m.graph, values=weights)
    after = assign(program, want)
    verify(after)
    inputs = {"x": rng.standard_normal((2, 3, 2, 4))}
    exact = evaluate.run(program, inputs, weights=weights, precision="float64")
    found = evaluate.run(after, inputs, weights=after.values, precision="float64")
    for name, array in exact.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-9)
