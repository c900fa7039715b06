"""Named sizes at run time: shapes that are computed, with every kind of expression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from targets.onnx.programs import write


@pytest.mark.parametrize(("expression", "shape"), [
    ("reshape(x, shape=[N * 2, W // 2])", "[2 * N, W // 2]"),
])
def test_expressions(expression: str, shape: str, tmp_path: Path) -> None:
    """A shape with two open sizes is computed from the shape of the input."""
    written = write(f"""
model M {{
  input x: f32[N, W]
  assume W % 2 == 0
  output y: f32{shape} = {expression}
}}""", tmp_path)
    for n, w in ((2, 4), (3, 6), (1, 2)):
        written.agrees(x=np.arange(n * w).reshape(n, w))


def test_ranges_slices_and_extremes(tmp_path: Path) -> None:
    """arange, min and max of sizes, and halves that are rounded down and up."""
    written = write("""layout NCHW
model M {
  input x: f32[N, W]
  input z: f32[T]
  left, right = split(x, sizes=[W // 2, -1], axis=1)
  output half: f32[N, W // 2] = left
  output rest: f32[N, W - W // 2] = right
  output least: i64[min(N, W)] = arange(min(N, W))
  output below: i64[max((N - W) // 2 + W, 0)] = arange((N - W) // 2 + W)
  output most: i64[max(N, W - N)] = arange(max(N, W - N))
  output numbers: i64[N + T] = arange(N + T)
  output pooled: f32[N, 1, ceil(W / 2)] = x |> unsqueeze(axis=1) |> max_pool(2, ceil_mode=true)
}""", tmp_path)
    for n, w, t in ((2, 4, 3), (1, 5, 1), (2, 7, 2)):
        written.agrees(x=np.random.default_rng(0).normal(size=(n, w)), z=np.ones(t))


def test_a_size_behind_a_convolution(tmp_path: Path) -> None:
    """What a stride makes of a named size is computed again where a shape needs it."""
    written = write("""layout NCHW
model M {
  input image: f32[N, 3, H, W]
  x = image |> conv2d(4, kernel=3, stride=2, pad=1) @conv
  output tokens: f32[N, ceil(H / 2) * ceil(W / 2), 4] = x |> rearrange("n c h w -> n (h w) c")
  output back: f32[N, 4, ceil(H / 2), ceil(W / 2)] = x |> rearrange("n c h w -> n (h w) c") \\
    |> rearrange("n (h w) c -> n c h w", h=ceil(H / 2))
}""".replace(" \\\n", ""), tmp_path)
    for h, w in ((4, 6), (5, 3)):
        written.agrees(image=np.random.default_rng(0).normal(size=(2, 3, h, w)))


def test_a_size_that_only_an_expression_shows(tmp_path: Path) -> None:
    """An input of size 2 N + 1 gives N."""
    written = write("""layout NCHW
model M {
  input x: f32[2 * N + 1]
  output y: i64[N] = arange(N)
}""", tmp_path)
    assert written.agrees(x=np.ones(7))["y"].tolist() == [0, 1, 2]
