"""Sizes that are computed from shapes at run time."""

from __future__ import annotations

from pathlib import Path

import pytest
from targets.keras.written import assert_agrees, program, random_inputs, written

keras = pytest.importorskip("keras")


def test_sizes_of_what_is_returned(tmp_path: Path) -> None:
    """The returned expression may need a size of an input whose variable holds something else by then."""
    of = program(tmp_path, """
block Window(heads: int, w: int) (x: f32[N, H, W, C]) -> f32[N, H, W, C] {
  p = x |> rearrange("n (a p) (b q) c -> (n a b) (p q) c", p=w, q=w)
  y = p |> layer_norm @norm |> multi_head_attention(heads=heads) @attn
  return (p + y) |> rearrange("(n a b) (p q) c -> n (a p) (b q) c", a=H // w, b=W // w, p=w)
}
model M {
  input x: f32[N, H, W, 8]
  assume H % 2 == 0
  assume W % 2 == 0
  output y: f32[N, H, W, 8] = x |> Window(2, 2) @window
}
""")
    written(of, tmp_path / "out")
    assert_agrees(of, tmp_path / "out", random_inputs(of, N=3, H=4, W=6))
