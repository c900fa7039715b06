"""Gradients against finite differences in float64 and PyTorch's autograd."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from op_oracle import typed
from random_graphs import STEPS, Step, in_dlc, in_torch

from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program, Value, Weight
from dlc.ir.op import Initializer, Problem
from dlc.ir.verify import verify
from dlc.passes.autodiff import grad, gradients
from dlc.passes.base import run as run_passes
from dlc.passes.dead import RemoveDead, remove_dead
from dlc.passes.lower import Lower
from dlc.passes.share import Share

SHAPE = "f32[2, 6]"


def evaluated(program: Program, **arrays: Any) -> dict[str, Any]:
    verify(program)
    weights = {path: arrays[path] for path in program.weights()}
    return run(program, {k: v for k, v in arrays.items() if k not in weights}, weights=weights, precision="float64")


def test_the_promised_example() -> None:
    """mean(x**2) at [1, 2, 3] has the gradient [0.6667, 1.3333, 2.0]."""
    graph = Graph("m")
    x = graph.add_input("x", typed("f32[3]"))
    b = Builder(graph)
    graph.add_output("g", grad(b, b.mean(b.pow(x, 2.0)), x))  # type: ignore[arg-type]
    found = evaluated(Program(graph), x=np.array([1.0, 2.0, 3.0]))["g"]
    np.testing.assert_allclose(found, [2 / 3, 4 / 3, 2.0], rtol=1e-15)


def build(steps: list[Step], order: int) -> Program:
    """The sum of the last value, differentiated `order` times by both inputs (summed in between)."""
    graph = Graph("random")
    x, y = graph.add_input("x", typed(SHAPE)), graph.add_input("y", typed(SHAPE))
    b = Builder(graph)
    scalar = b.sum(in_dlc(b, steps, [x, y])[-1])
    for _ in range(order - 1):
        gx, gy = grad(b, scalar, [x, y])  # type: ignore[misc]
        scalar = b.add(b.sum(b.sin(gx)), b.sum(gy))
    gx, gy = grad(b, scalar, [x, y])  # type: ignore[misc]
    for name, value in (("f", scalar), ("gx", gx), ("gy", gy)):
        graph.add_output(name, value)
    return Program(graph)


def autograd(steps: list[Step], order: int, x: Any, y: Any) -> tuple[Any, Any]:
    tx, ty = (torch.tensor(v, requires_grad=True) for v in (x, y))
    scalar = in_torch(steps, [tx, ty])[-1].sum()
    def differentiate(value: Any) -> Any:
        if not value.requires_grad:
            return torch.zeros_like(tx), torch.zeros_like(ty)
        return torch.autograd.grad(value, [tx, ty], create_graph=True, allow_unused=True, materialize_grads=True)
    for _ in range(order - 1):
        gx, gy = differentiate(scalar)
        scalar = torch.sin(gx).sum() + gy.sum()
    gx, gy = differentiate(scalar)
    return gx.detach().numpy(), gy.detach().numpy()


def points() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (2, 6)), rng.uniform(-1, 1, (2, 6))


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_random_graphs_agree_with_autograd(steps: list[Step]) -> None:
    """The gradient of any composition is that of autograd."""
    x, y = points()
    found = evaluated(build(steps, 1), x=x, y=y)
    gx, gy = autograd(steps, 1, x, y)
    np.testing.assert_allclose(found["gx"], gx, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found["gy"], gy, rtol=1e-9, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(steps=STEPS)
def test_second_order(steps: list[Step]) -> None:
    """The gradient of a function of gradients is that of autograd."""
    x, y = points()
    found = evaluated(build(steps, 2), x=x, y=y)
    gx, gy = autograd(steps, 2, x, y)
    np.testing.assert_allclose(found["gx"], gx, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found["gy"], gy, rtol=1e-8, atol=1e-8)


@settings(max_examples=15, deadline=None)
@given(steps=STEPS.filter(lambda steps: all(name != "where" for name, _ in steps)))
def test_random_graphs_agree_with_finite_differences(steps: list[Step]) -> None:
    """A small step along a direction changes the value by what the gradient says."""
    x, y = points()
    program = build(steps, 1)
    dx, dy = (np.random.default_rng(s).standard_normal((2, 6)) for s in (1, 2))
    h = 1e-5
    ahead, behind = (evaluated(program, x=x + s * dx, y=y + s * dy)["f"] for s in (h, -h))
    found = evaluated(program, x=x, y=y)
    slope = (found["gx"] * dx).sum() + (found["gy"] * dy).sum()
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-7)


def scaled_block() -> Graph:
    inner = Graph("Inner")
    z = inner.add_input("z", typed(SHAPE))
    w = inner.add_weight(Weight(typed("f32[6]"), path="w", initializer=Initializer("ones")))
    inner.add_output("y", Builder(inner).tanh(Builder(inner).mul(z, w)))
    outer = Graph("Outer")
    z = outer.add_input("z", typed(SHAPE))
    (once,) = Builder(outer).call(inner, "a", z)
    outer.add_output("y", Builder(outer).call(inner, "b", once)[0])
    return outer


def test_through_blocks() -> None:
    """Calls, nested ones too, are differentiated by inputs and by weights, which keep their paths."""
    block = scaled_block()
    graph = Graph("main")
    x = graph.add_input("x", typed(SHAPE))
    a = graph.add_weight(Weight(typed("f32[6]"), path="h.a.w", initializer=Initializer("ones")))
    b = Builder(graph)
    (y,) = b.call(block, "h", x)
    gx, ga = grad(b, b.sum(y), [x, a])  # type: ignore[misc]
    graph.add_output("gx", gx)
    graph.add_output("ga", ga)
    rng = np.random.default_rng(0)
    arrays = {"x": rng.standard_normal((2, 6)), "h.a.w": rng.standard_normal(6), "h.b.w": rng.standard_normal(6)}
    found = evaluated(Program(graph), **arrays)
    tx, ta, tb = (torch.tensor(v, requires_grad=True) for v in arrays.values())
    torch.tanh(torch.tanh(tx * ta) * tb).sum().backward()
    np.testing.assert_allclose(found["gx"], tx.grad, rtol=1e-12)
    np.testing.assert_allclose(found["ga"], ta.grad, rtol=1e-12)


def test_lowering_and_sharing_leave_one_computation() -> None:
    """The definition of a composite that the gradient needs is computed once, with the value itself."""
    graph = Graph("m")
    x = graph.add_input("x", typed(SHAPE))
    b = Builder(graph)
    y = b.gelu(x)
    graph.add_output("y", y)
    graph.add_output("g", grad(b, b.sum(y), x))  # type: ignore[arg-type]
    small = run_passes([Lower(), Share(), RemoveDead()], Program(graph), verified=True)
    assert [n.label for n in small.entry.nodes].count("erf") == 1


def test_nothing_is_left_over() -> None:
    """Only what the wanted gradient needs stays in the graph: none of the other operand's."""
    graph = Graph("m")
    x, y = graph.add_input("x", typed("f32[3]")), graph.add_input("y", typed("f32[3]"))
    b = Builder(graph)
    scalar = b.sum(b.mul(b.exp(x), b.exp(y)))
    graph.add_output("f", scalar)
    graph.add_output("g", grad(b, scalar, x))  # type: ignore[arg-type]
    count = len(graph)
    assert remove_dead(graph) == 0
    assert count == len(graph)


def test_seeds_and_several_ys() -> None:
    """Seeds weigh the ys; a y without one does not count; None where nothing depends."""
    graph = Graph("m")
    x, y, s = (graph.add_input(n, typed("f32[3]")) for n in "xys")
    b = Builder(graph)
    found = gradients(b, [b.mul(x, x), b.exp(x)], [x, y], [s, None])
    assert found[1] is None
    assert found[0] is not None
    graph.add_output("g", found[0])
    rng = np.random.default_rng(0)
    vx, vs = rng.standard_normal(3), rng.standard_normal(3)
    np.testing.assert_allclose(evaluated(Program(graph), x=vx, y=vx, s=vs)["g"], 2 * vx * vs, rtol=1e-15)


def test_intermediate_and_upstream_together() -> None:
    """Differentiating by a value in the middle leaves the gradient of what it was made from whole."""
    graph = Graph("m")
    x = graph.add_input("x", typed("f32[3]"))
    b = Builder(graph)
    h = b.mul(x, 3.0)
    gx, gh = grad(b, b.sum(b.mul(h, h)), [x, h])  # type: ignore[misc]
    graph.add_output("gx", gx)
    graph.add_output("gh", gh)
    found = evaluated(Program(graph), x=np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found["gh"], [6, 12, 18])
    np.testing.assert_allclose(found["gx"], [18, 36, 54])


def test_symbolic_sizes_stay() -> None:
    """The gradient has the symbolic type of what it belongs to; without any dependence it is zeros."""
    graph = Graph("m")
    x, y = graph.add_input("x", typed("f32[N, T]")), graph.add_input("y", typed("f32[N]"))
    b = Builder(graph)
    gx, gy = grad(b, b.mean(b.softmax(b.slice(x, starts=[1], stops=[None], axes=[1]))), [x, y])  # type: ignore[misc]
    assert gx.type == x.type
    assert gy.type == y.type
    graph.add_output("gy", gy)
    assert not evaluated(Program(graph), x=np.ones((2, 4)), y=np.ones(2))["gy"].any()


def scalar_of(b: Builder, x: Value) -> Value:
    result: Value = b.sum(x)
    return result


@pytest.mark.parametrize(("kind", "words", "hint"), [
    ("vector", "only a scalar has a gradient", "sum"), ("integer", "floating-point", None),
    ("no rule", "`scatter` with", None),
])
def test_refusals(kind: str, words: str, hint: str | None) -> None:
    """What has no gradient is refused, with the way out where there is one."""
    graph = Graph("m")
    x, i = graph.add_input("x", typed("f32[3]")), graph.add_input("i", typed("i64[3]"))
    b = Builder(graph)
    y = x if kind == "vector" else scalar_of(b, b.scatter(x, i, x, reduction="max") if kind == "no rule" else x)
    with pytest.raises(Problem, match=words) as caught:
        grad(b, y, i if kind == "integer" else x)
    assert hint is None or hint in (caught.value.hint or "")
