"""Element types, optional inputs, sizes, control flow: what a model means stays what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from targets.torch.written import assert_agrees, program, written


def test_element_types(tmp_path: Path) -> None:
    """bf16, f64, i32 and bool stay what they are; an optional input may be left out."""
    model = program(tmp_path, """
model Types {
  input x: bf16[N, 8]
  input y: f64[N, 8]
  input i: i32[N]
  input m: bool[N, 8] = true
  a = x |> linear(4) @fc |> relu
  b = y |> linear(4) @fd |> layer_norm @ln
  output a: bf16[N, 4] = a * 0.5
  output b: f64[N, 4] = b
  output c: i32[N] = i * 3 + 1
  output d: f64[N, 8] = where(m, y, -y)
}
""")
    import ml_dtypes
    text = written(model, tmp_path / "out")
    assert "nn.Linear(8, 4, dtype=torch.bfloat16)" in text
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(3, 8)).astype(ml_dtypes.bfloat16), "y": rng.normal(size=(3, 8)),
              "i": np.arange(3, dtype=np.int32)}
    without = assert_agrees(model, tmp_path / "out", inputs)
    np.testing.assert_array_equal(without["d"], inputs["y"])
    inputs["m"] = np.zeros((3, 8), bool)
    np.testing.assert_array_equal(assert_agrees(model, tmp_path / "out", inputs)["d"], -inputs["y"])


@pytest.mark.parametrize(("n", "t"), [(1, 4), (3, 8)])
def test_named_sizes(tmp_path: Path, n: int, t: int) -> None:
    """One written model serves every size: products, exact quotients and sums of sizes are computed from shapes."""
    model = program(tmp_path, """
model Sizes {
  input x: f32[N, T, 6]
  assume T % 4 == 0
  y = x |> reshape(shape=[N, T // 4, 24]) |> linear(12) @fc
  output y: f32[N, T, 3] = y |> reshape(shape=[N * (T // 4), 12]) |> reshape(shape=[N, T, 3])
  output p: f32[N] = x |> reshape(shape=[N, 6 * T]) |> sum(axis=1)
  output places: f32[T, 2 * N] = zeros(shape=[T, 2 * N])
}
""")
    written(model, tmp_path / "out")
    x = np.random.default_rng(0).normal(size=(n, t, 6)).astype(np.float32)
    assert_agrees(model, tmp_path / "out", {"x": x})


CONTROL = """
model Control {
  input x: f32[N, 8]
  input xs: f32[T, N, 8]
  input flag: bool
  h0 = x |> linear(8) @init |> tanh
  param w: f32[8, 8] = normal(std=0.1)
  h, ys = scan (h = h0) over (xt = xs) {
    n = tanh(matmul(h, w) + xt)
    n, n * 2.0
  }
  z = cond flag { h + x } else { h * x }
  r = while (r = z) max(abs(r)) > 0.5 { r * 0.5 }
  output last: f32[N, 8] = h
  output all: f32[T, N, 8] = ys
  output chosen: f32[N, 8] = z
  output small: f32[N, 8] = r
}
"""


@pytest.mark.parametrize("flag", [False, True])
def test_control_flow(tmp_path: Path, flag: bool) -> None:
    """scan, cond and while are a for, an if and a while, with the reference's results."""
    model = program(tmp_path, CONTROL)
    text = written(model, tmp_path / "out")
    for words in ("for xt in xs.unbind(0):", "if flag:", "while "):
        assert words in text
    rng = np.random.default_rng(0)
    assert_agrees(model, tmp_path / "out", {
        "x": rng.normal(size=(2, 8)).astype(np.float32), "xs": rng.normal(size=(3, 2, 8)).astype(np.float32),
        "flag": np.array(flag)})


def test_several_states_and_outputs(tmp_path: Path) -> None:
    """Recurrent layers with initial and final states, both directions and several layers."""
    model = program(tmp_path, """
model Recurrent {
  input x: f32[B, T, 5]
  input h0: f32[4, B, 6] = zeros
  input c0: f32[4, B, 6]
  y, h, c = lstm(x, h0, c0, size=6, layers=2, bidirectional=true) @lstm
  z, g = gru(y, size=3, bias=false) @gru
  w, r = rnn(z, size=2, nonlinearity="relu") @rnn
  output w: f32[B, T, 2] = w
  output h: f32[4, B, 6] = h
  output g: f32[1, B, 3] = g
}
""")
    text = written(model, tmp_path / "out")
    assert "nn.LSTM(5, 6, num_layers=2, batch_first=True, bidirectional=True)" in text
    rng = np.random.default_rng(0)
    assert_agrees(model, tmp_path / "out", {"x": rng.normal(size=(2, 3, 5)).astype(np.float32),
                                            "c0": rng.normal(size=(4, 2, 6)).astype(np.float32)})


def test_layers_inside_regions(tmp_path: Path) -> None:
    """Layers inside a branch or a loop are modules of the class, batch norms with their counters."""
    model = program(tmp_path, """
layout NCHW
model Branches {
  input x: f32[N, 6]
  y = cond mean(x) > 0.0 { x |> linear(6) @yes |> batch_norm @bn } else { x |> linear(6) @no |> tanh }
  z = while (z = y) max(abs(z)) > 0.5 { (z |> linear(6) @step |> tanh) * 0.1 }
  output y: f32[N, 6] = y
  output z: f32[N, 6] = z
}
""")
    text = written(model, tmp_path / "out")
    for name in ("yes", "no", "step"):
        assert f"self.{name} = nn.Linear(6, 6)" in text
    x = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    for sign in (1, -1):
        assert_agrees(model, tmp_path / "out", {"x": (np.abs(x) * sign).astype(np.float32)})
