"""cond, while and scan: what they compute, their types, and what they refuse."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from op_oracle import typed

from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program, Value, Weight
from dlc.ir.op import Initializer, Problem
from dlc.ir.verify import verify
from dlc.passes.autodiff import grad
from dlc.passes.inline import inline


def region(types: Sequence[str], body: Any) -> Graph:
    """A region with inputs of these types, whose outputs `body(b, *inputs)` gives."""
    graph = Graph("region")
    values = [graph.add_input(f"v{i}", typed(t)) for i, t in enumerate(types)]
    for i, value in enumerate(body(Builder(graph), *values)):
        graph.add_output(f"y{i}", value)
    return graph


def program(types: Sequence[str], body: Any) -> Program:
    graph = region(types, body)
    graph.name = "main"
    result = Program(graph)
    verify(result)
    return result


def evaluated(p: Program, *arrays: Any, **weights: Any) -> list[Any]:
    given = {f"v{i}": np.asarray(a) for i, a in enumerate(arrays)}
    return list(run(p, given, weights=weights).values())


def choose(b: Builder, p: Value, x: Value) -> list[Value]:
    then = region(["f32[N]"], lambda b, x: [b.mul(x, 2.0)])
    otherwise = region(["f32[N]"], lambda b, x: [b.neg(x)])
    return [b.apply("cond", p, x, regions=[then, otherwise])]


def test_cond() -> None:
    """The region is chosen by the predicate, and sees the captures."""
    p = program(["bool", "f32[N]"], choose)
    np.testing.assert_array_equal(evaluated(p, True, [1.0, 2.0])[0], [2, 4])
    np.testing.assert_array_equal(evaluated(p, False, [1.0, 2.0])[0], [-1, -2])


def count_down(b: Builder, n: Value, x: Value, step: Value) -> list[Value]:
    types = ["i64", "f32", "f32"]
    condition = region(types, lambda b, n, x, step: [b.greater(n, 0)])
    body = region(types, lambda b, n, x, step: [b.sub(n, 1), b.add(x, step)])
    return list(b.apply("while", n, x, step, regions=[condition, body], states=2))


def test_while() -> None:
    """States are passed on until the condition is false; no step is run when it is false at once."""
    p = program(["i64", "f32", "f32"], count_down)
    assert evaluated(p, 5, 1.0, 0.5) == [0, 3.5]
    assert evaluated(p, 0, 1.0, 0.5) == [0, 1.0]


def accumulate(axis: int) -> Any:
    def body(b: Builder, h: Value, x: Value, factor: Value) -> list[Value]:
        def step(b: Builder, h: Value, x: Value, factor: Value) -> list[Value]:
            total = b.add(b.mul(h, factor), x)
            return [total, b.mul(total, 10.0), x]
        inner = region(["f32[B]", "f32[B]", "f32"], step)
        return list(b.apply("scan", h, x, factor, regions=[inner], states=1, sequences=1, axis=axis))
    return body


@pytest.mark.parametrize(("axis", "shape"), [(0, "f32[T, B]"), (1, "f32[B, T]"), (-1, "f32[B, T]")])
def test_scan(axis: int, shape: str) -> None:
    """The state goes from step to step along the axis, the outputs of the steps are stacked along it."""
    p = program(["f32[B]", shape, "f32"], accumulate(axis))
    x = np.arange(6, dtype=np.float32).reshape((3, 2) if axis == 0 else (2, 3))
    h, totals = np.zeros(2, np.float32), []
    for row in np.moveaxis(x, axis, 0):
        h = h * np.float32(0.5) + row
        totals.append(h * 10)
    found = evaluated(p, np.zeros(2), x, 0.5)
    np.testing.assert_array_equal(found[0], h)
    np.testing.assert_array_equal(found[1], np.stack(totals, axis))
    np.testing.assert_array_equal(found[2], x)
    assert [str(v.type) for v in p.entry.outputs] == ["f32[B]", shape, shape]


def test_calls_in_regions_keep_their_weights() -> None:
    """A block called inside a region uses the weights of its instance, before and after inlining."""
    block = Graph("Scale")
    x = block.add_input("x", typed("f32[N]"))
    weight = block.add_weight(Weight(typed("f32"), path="scale", initializer=Initializer("ones")))
    block.add_output("y", Builder(block).mul(x, weight))

    def body(b: Builder, p: Value, x: Value) -> list[Value]:
        then = region(["f32[N]"], lambda b, x: b.call(block, "inner.a", x))
        otherwise = region(["f32[N]"], lambda b, x: b.call(block, "inner.b", x))
        return [b.apply("cond", p, x, regions=[then, otherwise])]

    p = program(["bool", "f32[N]"], body)
    weights = {"inner.a.scale": np.float32(3), "inner.b.scale": np.float32(5)}
    flat = inline(p)
    verify(flat)
    assert sorted(flat.weights()) == sorted(p.weights()) == ["inner.a.scale", "inner.b.scale"]
    for predicate, expected in ((True, 3), (False, 5)):
        for model in (p, flat):
            np.testing.assert_array_equal(evaluated(model, predicate, [1.0, 2.0], **weights)[0],
                                          [expected, 2 * expected])


def wrong_cond(b: Builder, p: Value, x: Value) -> list[Value]:
    then, otherwise = region(["f32[N]"], lambda b, x: [x]), region(["f32[N]"], lambda b, x: [b.sum(x)])
    return [b.apply("cond", p, x, regions=[then, otherwise])]


def wrong_predicate(b: Builder, p: Value, x: Value) -> list[Value]:
    same = region(["f32[N]"], lambda b, x: [x])
    return [b.apply("cond", x, x, regions=[same, same])]


def growing_state(b: Builder, p: Value, x: Value) -> list[Value]:
    condition = region(["f32[N]"], lambda b, x: [b.greater(b.sum(x), 0.0)])
    body = region(["f32[N]"], lambda b, x: [b.concat(x, x)])
    return [b.apply("while", x, regions=[condition, body], states=1)]


def wrong_axis(b: Builder, p: Value, x: Value) -> list[Value]:
    body = region(["f32"], lambda b, x: [x])
    return [b.apply("scan", x, regions=[body], states=0, sequences=1, axis=1)]


@pytest.mark.parametrize(("body", "words"), [
    (wrong_cond, "bodies of `cond` give different types"), (wrong_predicate, "condition of `cond` is one bool"),
    (growing_state, "changes the type of `v0`"), (wrong_axis, "goes over axis 1"),
])
def test_refusals(body: Any, words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        program(["bool", "f32[N]"], body)


def test_no_gradient_through_control_flow() -> None:
    """Differentiating a loop is refused, with what to do instead."""
    with pytest.raises(Problem, match="gradient through `while`") as caught:
        program(["i64", "f32", "f32"], lambda b, n, x, step: [grad(b, count_down(b, n, x, step)[1], step)])
    assert "repeat" in (caught.value.hint or "")
