"""Run-time control flow, gradients, and decisions at compile time, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from language.programs import normal, outputs, program, tensors, weights_of

from dlc.ir.graph import Apply, Call


def test_scan_accumulates_and_stacks() -> None:
    """`scan` passes states on and stacks what each step gives, along the axis it goes over."""
    model = program("""
model M {
  input x: f32[B, T, D]
  h, ys = scan (h = zeros([B, D])) over (xt = x) axis=1 { h * 0.5 + xt, h * 2.0 }
  output last: f32[B, D] = h
  output all: f32[B, T, D] = ys
}
""")
    x = normal(2, 4, 3)
    h, steps = np.zeros((2, 3)), []
    for t in range(4):
        steps.append(h * 2.0)
        h = h * 0.5 + x[:, t]
    found = outputs(model, x=x)
    np.testing.assert_allclose(found["last"], h)
    np.testing.assert_allclose(found["all"], np.stack(steps, 1))


def test_while_runs_until_its_condition_fails() -> None:
    """Newton's method for the root of 2, twenty steps at most."""
    model = program("""
model M {
  input a: f32
  x, i = while (x = a, i = 0) i < 20 { 0.5 * (x + a / x), i + 1 }
  output root = x
  output steps = i
}
""")
    found = outputs(model, a=np.float32(2))
    assert found["root"] == pytest.approx(np.sqrt(2), abs=1e-12)
    assert found["steps"] == 20


def test_cond_captures_what_it_reads() -> None:
    """Both bodies read the same values from around them, weights of layers included."""
    model = program("""
model M {
  input x: f32[4]
  layer left = linear(2)
  y = cond sum(x) > 0.0 { left(x) } else {
    z = x |> linear(2) @right
    z * 2.0
  }
  output y = y
}
""")
    weights = weights_of(model)
    assert sorted(weights) == ["left.bias", "left.weight", "right.bias", "right.weight"]
    w = {k: v.numpy() for k, v in tensors(weights).items()}
    for sign in (1.0, -1.0):
        x = sign * np.abs(normal(4))
        name, factor = ("left", 1.0) if sign > 0 else ("right", 2.0)
        expected = (w[f"{name}.weight"] @ x + w[f"{name}.bias"]) * factor
        np.testing.assert_allclose(outputs(model, weights, x=x)["y"], expected)


def test_nested_regions() -> None:
    """A body inside a body reads values of both graphs around it."""
    model = program("""
model M {
  input x: f32[T, 3]
  input k: f32
  total, ys = scan (s = 0.0) over (xt = x) {
    y = cond s > k { xt * k } else { xt + s }
    s + sum(y), y
  }
  output total = total
  output ys = ys
}
""")
    x, k = normal(5, 3), np.float32(0.25)
    s, rows = 0.0, []
    for row in x:
        rows.append(row * k if s > k else row + s)
        s = s + rows[-1].sum()
    found = outputs(model, x=x, k=k)
    np.testing.assert_allclose(found["total"], s)
    np.testing.assert_allclose(found["ys"], rows)


def test_gradient_of_a_mean_of_squares() -> None:
    """d mean(x**2) / dx is 2 x / n."""
    model = program("""
model M {
  input x: f32[3]
  output g = grad(mean(x ** 2), wrt=x)
}
""")
    np.testing.assert_allclose(outputs(model, x=np.array([1.0, 2.0, 3.0]))["g"], [2 / 3, 4 / 3, 2.0])


def test_gradients_of_several_tensors() -> None:
    """`wrt` may be a list; weights of layers count."""
    model = program("""
model M {
  input x: f32[2, 3]
  layer fc = linear(1)
  y = sum(fc(x))
  gx, gw = grad(y, wrt=[x, fc.weight])
  output gx = gx
  output gw = gw
}
""")
    weights, x = weights_of(model), normal(2, 3)
    found = outputs(model, weights, x=x)
    np.testing.assert_allclose(found["gx"], np.repeat(weights["fc.weight"].astype(float), 2, 0))
    np.testing.assert_allclose(found["gw"], x.sum(0, keepdims=True))


def test_repeat_builds_a_block_once() -> None:
    """A thousand instances of a block are a thousand calls of one graph."""
    model = program("""
block Step (x: f32[N, D]) -> f32[N, D] {
  return x + (x |> linear(D) @fc |> tanh)
}
model M {
  input x: f32[N, 4]
  output y = x |> repeat 1000 Step @h
}
""")
    calls = list(model.entry.nodes)
    assert all(isinstance(c, Call) for c in calls)
    assert len(calls) == 1000
    assert len(model.blocks()) == 1
    assert "h.999.fc.weight" in model.weights()


def test_repeat_follows_changing_types() -> None:
    """A repeated block is specialised again where its input changes, and a count of 0 changes nothing."""
    model = program("""
layout NCHW
block Half (x: f32[N, C, H, W]) -> f32[N, C, H2, W2] {
  return x |> conv2d(C, kernel=2, stride=2) @conv
}
model M(depth: int = 3) {
  input x: f32[N, 2, 16, 16]
  y = x |> repeat depth Half @down
  output y: f32[N, 2, 2, 2] = y |> repeat 0 Half @never
}
""")
    assert [b.name for b in model.blocks()] == ["Half", "Half_2", "Half_3"]
    assert {b.template for b in model.blocks()} == {"Half"}


def test_decisions_at_compile_time() -> None:
    """`if` chooses by hyper-parameters and sizes; the branch not taken leaves no trace."""
    text = """
fn activate(x: f32[...], kind: str) -> f32[...] {
  return if kind == "relu" { relu(x) } else if kind == "none" { x } else { gelu(x) }
}
model M(kind: str = "relu", deep: bool = false) {
  input x: f32[N, 4]
  if deep and x.shape[1] == 4 {
    x = x |> linear(4) @extra
  }
  output y = x |> activate(kind)
}
"""
    names = [
        [n.op.name for n in program(text, **a).entry.nodes if isinstance(n, Apply)]
        for a in ({}, {"kind": "none"}, {"kind": "gelu", "deep": True})
    ]
    assert names == [["relu"], [], ["linear", "gelu"]]


def test_blocks_and_operations_as_parameters() -> None:
    """A hyper-parameter of the kind `block` takes a block or an operation, by default or from outside."""
    text = """
block Wide(c: int) (x: f32[N, D]) -> f32[N, c] {
  return x |> linear(2 * c) @up |> relu |> linear(c) @down
}
block Narrow(c: int) (x: f32[N, D]) -> f32[N, c] {
  return x |> linear(c) @only
}
model M(unit: block = Wide, act: block = tanh) {
  input x: f32[N, 4]
  output y = x |> unit(3) @u |> act
}
"""
    assert sorted(program(text).weights()) == ["u.down.bias", "u.down.weight", "u.up.bias", "u.up.weight"]
    other = program(text, unit="Narrow", act="relu")
    assert sorted(other.weights()) == ["u.only.bias", "u.only.weight"]
    assert [n.label for n in other.entry.nodes] == ["Narrow", "relu"]


def test_recursion_that_ends() -> None:
    """A block may call itself with other hyper-parameters."""
    model = program("""
block Tree(depth: int) (x: f32[N, D]) -> f32[N, D] {
  y = x |> linear(D) @fc
  return if depth == 0 { y } else { y + (x |> Tree(depth - 1) @inner) }
}
model M {
  input x: f32[N, 2]
  output y = x |> Tree(2) @tree
}
""")
    assert [p for p in model.weights() if p.endswith("weight")] == [
        "tree.fc.weight",
        "tree.inner.fc.weight",
        "tree.inner.inner.fc.weight",
    ]
