"""Control flow, with captured values, weights inside and nesting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from targets.onnx.programs import write


def test_cond(tmp_path: Path) -> None:
    """One body or the other runs; both read values from around, and layers in them keep their weights."""
    written = write("""
model M {
  input x: f32[N, 3]
  total = sum(x)
  output y: f32[N, 4] = cond total > 0 { x |> linear(4) @up } else { x |> relu |> linear(4) @down }
}""", tmp_path)
    assert [n.op_type for n in written.nodes()].count("If") == 1
    written.agrees(x=np.ones((2, 3)))
    written.agrees(x=-np.ones((5, 3)))


def test_while(tmp_path: Path) -> None:
    """The condition is asked before the first step; states of several types."""
    written = write("""
model M {
  input x: f32[N]
  input limit: f32
  y, n = while (s = x, count = 0) sum(s) < limit { s * 2.0, count + 1 }
  output last: f32[N] = y
  output steps: i64 = n
}""", tmp_path)
    assert written.agrees(x=[1.0, 2.0], limit=20.0)["steps"] == 3
    assert written.agrees(x=[1.0, 2.0], limit=1.0)["steps"] == 0


def test_scan(tmp_path: Path) -> None:
    """States are passed on, outputs are stacked, and weights are read from around."""
    written = write("""
model M {
  input x: f32[T, B, 3]
  input h0: f32[B, 4]
  last, ys = scan (h = h0) over (xt = x) {
    new = tanh((xt |> linear(4) @ih) + (h |> linear(4) @hh))
    new, new * 2.0
  }
  output h: f32[B, 4] = last
  output y: f32[T, B, 4] = ys
}""", tmp_path)
    rng = np.random.default_rng(0)
    for t in (1, 5):
        written.agrees(x=rng.normal(size=(t, 2, 3)), h0=rng.normal(size=(2, 4)))
