"""Small programs for the tests of the runtime, and random ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import dlc.ops  # noqa: F401
from dlc.ir.build import Builder
from dlc.ir.dim import name
from dlc.ir.graph import Graph, Program, Value, Weight
from dlc.ir.op import Initializer
from dlc.ir.types import DTYPES, F32, Array, TensorType


def perceptron() -> tuple[Program, dict[str, Array]]:
    """x: f32[N, 8], s: f32 = 2.0 -> y = tanh(s * linear(x)): f32[N, 4], flat = x as f32[8 N], twice = y again."""
    graph = Graph("perceptron")
    x = graph.add_input("x", TensorType(F32, (name("N"), 8)))
    s = graph.add_input("s", TensorType(F32, ()), default=2.0)
    weight = weight_of(graph, "fc.weight", 4, 8)
    bias = weight_of(graph, "fc.bias", 4)
    b = Builder(graph)
    y = b.tanh(b.mul(b.linear(x, weight, bias), s))
    graph.add_output("y", y)
    graph.add_output("flat", b.reshape(x, shape=[8 * name("N")]))
    graph.add_output("twice", y)
    rng = np.random.default_rng(0)
    return Program(graph), {"fc.weight": rng.normal(size=(4, 8)).astype(np.float32),
                            "fc.bias": rng.normal(size=4).astype(np.float32)}


def weight_of(graph: Graph, path: str, *shape: int, dtype: str = "f32") -> Weight:
    """A weight in a graph."""
    return graph.add_weight(Weight(TensorType(DTYPES[dtype], shape), path=path, initializer=Initializer("zeros")))


_UNARY = ("tanh", "neg", "abs", "relu", "stop_gradient")
_BINARY = ("add", "mul", "sub", "maximum")


@st.composite
def straight_programs(draw: Any) -> Program:
    """Chains and diamonds of elementwise steps, reshapes, transposes and reductions over 12 or so elements."""
    graph = Graph("random")
    values: list[Value] = [graph.add_input(f"x{i}", TensorType(F32, (3, 4))) for i in range(draw(st.integers(1, 2)))]
    b = Builder(graph)
    for _ in range(draw(st.integers(1, 14))):
        x = draw(st.sampled_from(values))
        kind = draw(st.sampled_from(["unary", "binary", "reshape", "transpose", "sum", "broadcast"]))
        if kind == "unary":
            values.append(b.apply(draw(st.sampled_from(_UNARY)), x))
        elif kind == "binary":
            same = [v for v in values if v.type == x.type]
            values.append(b.apply(draw(st.sampled_from(_BINARY)), x, draw(st.sampled_from(same))))
        elif kind == "reshape":
            values.append(b.reshape(x, shape=[-1] if x.type.rank > 1 or x.type.size == 1 else [2, -1]
                                    if x.type.size % 2 == 0 else [1, -1]))
        elif kind == "transpose":
            values.append(b.transpose(x))
        elif kind == "sum" and x.type.rank:
            values.append(b.sum(x, axis=0))
        elif kind == "broadcast" and x.type.size < 50:
            values.append(b.broadcast_to(x, shape=[2, *x.type.shape]))
    for i, value in enumerate(draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))):
        graph.add_output(f"y{i}", value)
    return Program(graph)
