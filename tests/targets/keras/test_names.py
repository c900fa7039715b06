"""Inputs and labels with names that Keras, or a backend of it, uses itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from targets.keras.written import assert_agrees, program, random_inputs, written

keras = pytest.importorskip("keras")


def test_optional_inputs_with_names_that_keras_fills_in(tmp_path: Path) -> None:
    """Keras gives an argument called `mask` or `<input>_mask` a value of its own; such inputs may be left out too."""
    of = program(tmp_path, """
model M {
  input x: f32[N, 4]
  input mask: bool[N, 4] = ones
  input x_mask: f32[N, 4] = zeros
  input training: f32 = 2.0
  output y: f32[N, 4] = where(mask, x * training, x_mask)
}
""")
    written(of, tmp_path / "out")
    given = random_inputs(of, N=3)
    assert_agrees(of, tmp_path / "out", {"x": given["x"]})
    assert_agrees(of, tmp_path / "out", given)


def test_labels_that_modules_of_the_torch_backend_have(tmp_path: Path) -> None:
    """On the PyTorch backend a layer is an `nn.Module`, so that its methods are no free names either."""
    of = program(tmp_path, """
model M {
  input x: f32[N, 4]
  output y: f32[N, 4] = x |> linear(4) @forward |> linear(4) @train |> linear(4) @head
}
""")
    text = written(of, tmp_path / "out")
    assert [name for name in ("forward_", "train_", "head") if f"self.{name} = layers.Dense(4)" in text] == [
        "forward_", "train_", "head"]
    assert_agrees(of, tmp_path / "out", random_inputs(of, N=3))
