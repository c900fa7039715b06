"""Simplifying and folding: fewer nodes, the same numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from op_oracle import typed
from random_graphs import STEPS, Step, in_dlc

from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program, Value
from dlc.passes.autodiff import grad
from dlc.passes.base import Pass
from dlc.passes.base import run as run_passes
from dlc.passes.fold import Fold
from dlc.passes.lower import Lower
from dlc.passes.share import Share
from dlc.passes.simplify import Simplify


def program(body: Callable[[Builder, Value, Value], Value]) -> Program:
    graph = Graph("main")
    x, i = graph.add_input("x", typed("f32[N, 4]")), graph.add_input("i", typed("i64[N]"))
    graph.add_output("y", body(Builder(graph), x, i))
    return Program(graph)


def labels(p: Program) -> list[str]:
    return [n.label for n in p.entry.nodes]


def numbers(p: Program) -> Any:
    x = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
    return run(p, {"x": x, "i": np.array([3, -2])}, weights={})["y"]


@pytest.mark.parametrize(("body", "left"), [
    (lambda b, x, i: b.reshape(x, shape=x.type.shape), []),
    (lambda b, x, i: b.reshape(b.reshape(x, shape=[-1]), shape=x.type.shape), []),
    (lambda b, x, i: b.reshape(b.unsqueeze(x, axis=0), shape=[-1]), ["reshape"]),
    (lambda b, x, i: b.transpose(b.transpose(x, axes=[1, 0]), axes=[1, 0]), []),
    (lambda b, x, i: b.transpose(b.transpose(b.unsqueeze(x, axis=0), axes=[1, 2, 0]), axes=[0, 2, 1]),
     ["unsqueeze", "transpose"]),
    (lambda b, x, i: b.cast(x, dtype="f32"), []),
    (lambda b, x, i: b.broadcast(x, x), []),
    (lambda b, x, i: b.slice(x, starts=[0], stops=[None]), []),
    (lambda b, x, i: b.pad(x, widths=[(0, 0), (0, 0)]), []),
    (lambda b, x, i: b.concat(x, axis=0), []),
    (lambda b, x, i: b.neg(b.neg(x)), []),
    (lambda b, x, i: b.mul(b.add(x, 0.0), b.ones(shape=[4])), []),
    (lambda b, x, i: b.mul(1.0, x), []),
    (lambda b, x, i: b.sub(x, b.zeros_like(x)), []),
    (lambda b, x, i: b.div(b.pow(x, 1.0), 1.0), []),
    (lambda b, x, i: b.where(b.constant(True), x, b.neg(x)), []),
    (lambda b, x, i: b.mul(i, 0), ["constant", "broadcast_to"]),
])
def test_rules(body: Callable[[Builder, Value, Value], Value], left: list[str]) -> None:
    """Each rule removes what does nothing, and the numbers stay."""
    original = program(body)
    small = Simplify()(original, verified=True)
    assert labels(small) == left
    np.testing.assert_array_equal(numbers(small), numbers(original))


@pytest.mark.parametrize("body", [
    lambda b, x, i: b.transpose(b.matmul(x, b.transpose(x, axes=[1, 0])), axes=[1, 0]),
    lambda b, x, i: b.add(b.zeros(shape=[3, 1, 1]), x),
    lambda b, x, i: b.sub(0.0, x),
    lambda b, x, i: b.mul(x, 0.0),
    lambda b, x, i: b.cast(b.cast(x, dtype="i32"), dtype="f32"),
    lambda b, x, i: b.neg(b.abs(b.neg(x))),
], ids=["square transpose", "broadcasting unit", "unit on the left", "0 * inf", "lossy casts", "not adjacent"])
def test_near_misses_stay(body: Callable[[Builder, Value, Value], Value]) -> None:
    """What looks like a rule but is not the identity stays as it is."""
    original = program(body)
    assert labels(Simplify()(original, verified=True)) == labels(original)


def test_folding() -> None:
    """What depends on constants alone becomes a constant; symbolic and large results stay."""
    original = program(lambda b, x, i: b.add(b.mul(x, b.sqrt(b.constant(2.0))), b.sum(b.arange(start=4, dtype="f32"))))
    small = Fold()(original, verified=True)
    assert sorted(labels(small)) == ["add", "constant", "constant", "mul"]
    np.testing.assert_allclose(numbers(small), numbers(original), rtol=1e-6)
    symbolic = program(lambda b, x, i: b.add(i, b.arange(start=i.type.shape[0])))
    assert labels(Fold()(symbolic)) == ["arange", "add"]
    large = program(lambda b, x, i: b.zeros(shape=[100]))
    assert labels(Fold(limit=99)(large)) == ["zeros"]
    assert labels(Fold(limit=100)(large)) == ["constant"]


def test_folding_keeps_float64_exact() -> None:
    """A folded number is as exact as the unfolded computation in float64."""
    original = program(lambda b, x, i: b.mul(x, b.exp(b.constant(0.1))))
    x = np.ones((1, 4))
    exact = run(Fold()(original), {"x": x, "i": np.array([0])}, weights={}, precision="float64")["y"]
    np.testing.assert_array_equal(exact, np.exp(0.1))


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_pipelines_keep_the_meaning(steps: list[Step]) -> None:
    """Lowering, folding, sharing and simplifying a graph with its gradient changes no number."""
    graph = Graph("random")
    x, y = graph.add_input("x", typed("f32[2, 6]")), graph.add_input("y", typed("f32[2, 6]"))
    b = Builder(graph)
    z = in_dlc(b, steps, [x, y])[-1]
    graph.add_output("z", z)
    graph.add_output("g", grad(b, b.sum(z), x))  # type: ignore[arg-type]
    original = Program(graph)
    passes: list[Pass] = [Lower(), Fold(), Share(), Simplify()]
    small = run_passes(passes, original, verified=True)
    arrays = {n: np.random.default_rng(i).uniform(-1, 1, (2, 6)) for i, n in enumerate("xy")}
    expected, found = (run(p, arrays, weights={}, precision="float64") for p in (original, small))
    for key in ("z", "g"):
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-9, atol=1e-9)
