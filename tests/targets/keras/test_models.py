"""Whole models: their source, their weights, and what the loaded model takes and gives."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from targets.keras.written import assert_agrees, assert_close, program, random_inputs, weights, written

from dlc.targets.keras import TARGET
from dlc.targets.target import Options

keras = pytest.importorskip("keras")

MODELS: dict[str, tuple[str, dict[str, int]]] = {
    "cnn": ("""layout NCHW
model Net {
  input image: f32[N, 3, 8, 8]
  x = image |> conv2d(8, kernel=3, stride=2, pad=1) @a |> batch_norm @n |> relu |> max_pool(3, stride=2, pad=1)
  output y: f32[N, 5] = x |> flatten |> dropout(0.5) |> linear(5) @b
}""", {"N": 2}),
    "shared_and_several": ("""
model Net {
  input left: f32[N, 4]
  input right: f32[N, 4]
  layer tower = linear(3)
  a = left |> tower |> tanh
  b = right |> tower |> tanh
  output near: f32[N, 3] = a * b
  output far: f32[N] = (a - b) |> abs |> sum(axis=1)
}""", {"N": 2}),
    "encoder_decoder": ("""
model Net {
  input source: i64[N, S]
  input target: i64[N, T]
  input start: f32[2, N, 6] = zeros
  layer embed = embedding(9, 6)
  code, last = gru(embed(source), start, size=6, layers=2) @encoder
  y, state = gru(embed(target), last, size=6, layers=2, dropout=0.2) @decoder
  output logits: f32[N, T, 9] = y |> linear(9, weight=embed.weight, bias=false) @head
  output state: f32[2, N, 6] = state
}""", {"N": 2, "S": 3, "T": 4}),
    "parameters": ("""
model Net {
  input x: f32[N, 4, D]
  param gain: f32[4, 1] = ones
  state calls: i64[3] = zeros
  output y: f32[N, 4, D] = x * gain
  output n: i64[3] = calls + 1
}""", {"N": 2, "D": 3}),
    "choice_and_loop": ("""
model Net {
  input x: f32[N, 3]
  input deep: bool
  h = x |> linear(3) @a
  y = cond deep { h |> linear(3) @b |> relu } else { h }
  z, count = while (s = y, i = 0) i < 3 { s * 0.5, i + 1 }
  total, steps = scan (t = z[:, 0]) over (column = x) axis=1 { t * column, t }
  output z: f32[N, 3] = z
  output total: f32[N] = total
  output steps: f32[N, 3] = steps
}""", {"N": 4}),
    "names_that_keras_has": ("""
block Stack(layers: int, dtype: int) (x: f32[N, D]) -> f32[N, layers] {
  return x |> linear(layers) @input |> dropout(0.1) |> linear(dtype) @"weights" |> linear(layers) @losses
}
model class_ {
  input layers: f32[N, 3]
  a = layers |> Stack(4, 5) @call |> Stack(6, 7) @"build"
  output self: f32[N, 3] = a |> linear(3) @"x.y.z" |> linear(3) @"1.0" |> linear(3) @name
}""", {"N": 2}),
    "unet": ("""layout NCHW
block Conv(c: int) (x: f32[N, Cin, H, W]) -> f32[N, c, H, W] {
  return x |> conv2d(c, kernel=3, pad=1) @conv |> relu
}
block Up(c: int) (x: f32[N, Cin, H, W], skip: f32[N, Cs, 2 * H, 2 * W]) -> f32[N, c, 2 * H, 2 * W] {
  up = x |> conv_transpose2d(c, kernel=3, stride=2, pad=1, output_pad=1) @up
  return concat(skip, up, axis=1) |> Conv(c) @conv
}
model Net {
  input image: f32[N, 3, H, W]
  assume H % 4 == 0
  assume W % 4 == 0
  a = image |> Conv(4) @a
  b = a |> max_pool(2) |> Conv(6) @b
  c = b |> max_pool(2) |> Conv(8) @c
  output mask: f32[N, 2, H, W] = Up(Up(c, b, 6) @up2, a, 4) @up1 |> conv2d(2, kernel=1) @head
}""", {"N": 1, "H": 8, "W": 4}),
    "experts": ("""
block Expert(inner: int) (x: f32[N, D]) -> f32[N, D] {
  return x |> linear(inner) @up |> relu |> linear(D) @down
}
model Net {
  input x: f32[N, 4]
  score = x |> linear(1) @gate |> mean
  output y: f32[N, 4] = cond score > 0 { x |> Expert(3) @small } else { x |> Expert(9) @large }
}""", {"N": 3}),
    "image_in_image_out": ("""layout NCHW
model Net {
  input image: f32[N, 3, H, W]
  x = image |> conv2d(4, kernel=3, pad=1, pad_mode="reflect") @a |> silu
  output y: f32[N, 2, H, W] = x |> conv2d(2, kernel=1) @b
}""", {"N": 1, "H": 5, "W": 6}),
}


@pytest.mark.parametrize("io_layout", ["keep", "native"])
@pytest.mark.parametrize("name", MODELS)
def test_written_model(name: str, io_layout: str, tmp_path: Path) -> None:
    """The folder's `load()` gives a model that agrees with the reference."""
    text, sizes = MODELS[name]
    of = program(tmp_path, text)
    written(of, tmp_path / "out", io_layout=io_layout)
    assert_agrees(of, tmp_path / "out", random_inputs(of, **sizes))


@pytest.mark.parametrize("name", MODELS)
def test_one_file(name: str, tmp_path: Path) -> None:
    """The `.keras` file holds the same model."""
    text, sizes = MODELS[name]
    of = program(tmp_path, text)
    where = tmp_path / "net.keras"
    TARGET.write(of, weights(of), where, options=Options())
    assert_agrees(of, where, random_inputs(of, **sizes))


def test_one_file_needs_nothing_but_keras(tmp_path: Path) -> None:
    """A CNN's `.keras` file is loaded in a fresh process that knows none of its classes."""
    import sys
    of = program(tmp_path, MODELS["cnn"][0])
    where = tmp_path / "net.keras"
    notes = TARGET.write(of, weights(of), where, options=Options())
    assert not any("import model.py" in note for note in notes)
    code = f"import keras; m = keras.models.load_model({str(where)!r}); print(len(m.weights), m.input_shape)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["8", "(None,", "3,", "8,", "8)"], done.stderr


@pytest.mark.parametrize("name", MODELS)
def test_source_is_clean(name: str, tmp_path: Path) -> None:
    """`ruff check` and `ruff format` have nothing to say about model.py, and it does not mention dlc."""
    if shutil.which("ruff") is None:
        pytest.skip("ruff is not installed")
    text = written(program(tmp_path, MODELS[name][0]), tmp_path / "out")
    for command in (["check", "--select", "E,F,I,B,UP"], ["format", "--check"]):
        done = subprocess.run(["ruff", *command, "--isolated", "--line-length", "120", tmp_path / "out" / "model.py"],
                              capture_output=True, text=True, check=False)
        assert not done.returncode, f"{done.stdout}{done.stderr}\n{text}"
    assert "dlc" not in text


def test_inputs_by_position_and_by_name(tmp_path: Path) -> None:
    """Several inputs are given as a list in declared order or as a dict by name."""
    of = program(tmp_path, MODELS["shared_and_several"][0])
    written(of, tmp_path / "out")
    from dlc.targets.keras.modules import load_module
    model = load_module(tmp_path / "out" / "model.py").load()
    given = random_inputs(of, N=2)
    by_position = model([given["left"], given["right"]])
    by_name = model({"right": given["right"], "left": given["left"]})
    for a, b in zip(by_position, by_name, strict=True):
        np.testing.assert_array_equal(a, b)
    assert_close(of, {n: np.asarray(r) for n, r in zip(of.entry.output_names, by_position, strict=True)}, given,
                 weights(of))


def test_optional_input_may_be_left_out(tmp_path: Path) -> None:
    """Without its initial state the recurrent model starts from zeros."""
    text, sizes = MODELS["encoder_decoder"]
    of = program(tmp_path, text)
    written(of, tmp_path / "out")
    inputs = random_inputs(of, **sizes)
    del inputs["start"]
    assert_agrees(of, tmp_path / "out", inputs)


def test_training_meaning(tmp_path: Path) -> None:
    """Momentum and epsilon of batch norm, dropout rates and initialisers are carried over."""
    text = written(program(tmp_path, """layout NCHW
model Net {
  input x: f32[N, 3, 4, 4]
  y = x |> conv2d(4, kernel=1, init=kaiming_normal(mode="fan_out"), bias=false) @a |> batch_norm(momentum=0.2) @n
  output z: f32[N, 64] = y |> dropout(0.3) |> flatten |> linear(64, trainable=false) @b
}"""), tmp_path / "out")
    assert "layers.BatchNormalization(epsilon=1e-5, momentum=0.8)" in text
    assert "layers.Dropout(0.3)" in text
    assert 'scale=2.0, mode="fan_out", distribution="untruncated_normal"' in text
    assert "layers.Dense(64, trainable=False)" in text


BACKENDS = """
import sys, numpy as np
sys.path.insert(0, {folder!r})
from model import load
model = load()
given = dict(np.load({inputs!r}))
arrays = [given[i.name] for i in model.inputs]
found = model(arrays if len(arrays) > 1 else arrays[0], training=False)
from keras import ops
found = found if isinstance(found, (list, tuple)) else [found]
np.savez({outputs!r}, *[ops.convert_to_numpy(f) for f in found])
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch", "jax"])
@pytest.mark.parametrize("name", MODELS)
def test_backends(name: str, backend: str, tmp_path: Path) -> None:
    """The written folder runs by itself on every backend of Keras, and agrees with the reference there."""
    import os
    import sys
    pytest.importorskip(backend)
    text, sizes = MODELS[name]
    of = program(tmp_path, text)
    out = tmp_path / "out"
    written(of, out)
    inputs = random_inputs(of, **sizes)
    np.savez(tmp_path / "in.npz", **inputs)
    code = BACKENDS.format(folder=str(out), inputs=str(tmp_path / "in.npz"), outputs=str(tmp_path / "out.npz"))
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "KERAS_BACKEND": backend},
                          capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    with np.load(tmp_path / "out.npz") as arrays:
        found = {n: arrays[k].astype(v.type.dtype.numpy)
                 for n, k, v in zip(of.entry.output_names, arrays.files, of.entry.outputs, strict=True)}
    assert_close(of, found, inputs, weights(of))
