"""model.py reads as if written by hand, is clean, needs no dlc, and gives the reference's results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from targets.torch.written import assert_agrees, program, weights, written

from dlc import language
from dlc.journeys.samples import sample_inputs, sample_sizes

EXAMPLES = Path(__file__).parents[3] / "examples"
SMALL = ["add", "autoencoder", "charrnn", "cifar_net", "dlrm", "elman", "experts", "functional", "gradient", "mlp",
         "mnist", "newton", "ranks", "regression", "residual", "siamese", "squeeze_excite", "tagger", "vae"]
LARGE = ["bert", "convnext", "gpt", "mobilenetv2", "resnet", "unet", "vit"]


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(n, marks=pytest.mark.slow) for n in LARGE)])
def test_example(name: str, tmp_path: Path) -> None:
    """An example is written with its paths as state_dict keys, formatted, and agrees with the reference."""
    model = language.load(EXAMPLES / f"{name}.dl")
    text = written(model, tmp_path / "out")
    assert "dlc" not in text
    clean(tmp_path / "out" / "model.py")
    if model.weights():
        keys = {k for k in load_file(tmp_path / "out" / "weights.safetensors") if "num_batches_tracked" not in k}
        assert keys == set(model.weights())
    assert_agrees(model, tmp_path / "out", sample_inputs(model, sample_sizes(model, {})), factor=16)


def clean(path: Path) -> None:
    """ruff has nothing to say and nothing to format."""
    for command in (["check", "--select", "E,F,I,B,UP", "--isolated"], ["format", "--check", "--isolated"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, "--line-length", "120", str(path)],
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}{path.read_text()}"


def test_runs_without_dlc(tmp_path: Path) -> None:
    """A fresh interpreter in which dlc cannot be imported loads the folder and runs the model."""
    model = program(tmp_path, "model M {\n  input x: f32[N, 3]\n  output y: f32[N, 2] = x |> linear(2) @fc\n}\n")
    written(model, tmp_path / "out")
    script = ("import sys; sys.modules['dlc'] = None; sys.path.insert(0, sys.argv[1]); import torch, model; "
              "print(tuple(model.load()(torch.zeros(5, 3)).shape))")
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "out")], capture_output=True, text=True)
    assert done.stdout.strip() == "(5, 2)", done.stderr


RESNET = (Path(__file__).parents[3] / "examples" / "resnet.dl").read_text().partition("\n")[2]


def test_specialisations_are_one_class(tmp_path: Path) -> None:
    """ResNet-18 has four classes, as a person would write it: strides, an optional activation, an optional skip."""
    text = written(program(tmp_path, RESNET), tmp_path / "out")
    classes = [line.split("(")[0].removeprefix("class ") for line in text.splitlines() if line.startswith("class ")]
    assert classes == ["ConvNorm", "BasicBlock", "Stage", "ResNet"]
    assert "padding=kernel // 2" in text
    assert "F.relu(y) if self.act else y" in text
    assert "if with_down else nn.Identity()" in text


def test_repeats_are_loops(tmp_path: Path) -> None:
    """A repeat is an nn.Sequential of a comprehension; with further arguments, a loop over an nn.ModuleList."""
    model = program(tmp_path, """
block Plain (x: f32[N, D]) -> f32[N, D] {
  return x |> linear(D) @fc |> relu
}
block Mixed (x: f32[N, D], y: f32[N, D]) -> f32[N, D] {
  return (x |> linear(D) @fc) + y
}
model M {
  input x: f32[N, 4]
  a = x |> repeat 5 Plain @plain
  b = a
  for i in 0..3 {
    b = Mixed(b, x) @mixed
  }
  output y: f32[N, 4] = b
}
""")
    text = written(model, tmp_path / "out")
    assert "nn.Sequential(*[Plain() for _ in range(5)])" in text
    assert "nn.ModuleList([Mixed() for _ in range(3)])" in text
    assert "for block in self.mixed:" in text
    clean(tmp_path / "out" / "model.py")
    assert_agrees(model, tmp_path / "out", {"x": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)})


def test_shared_and_tied_weights(tmp_path: Path) -> None:
    """A shared layer is one module called twice; a tied weight is read from the module that owns it."""
    model = program(tmp_path, """
model M {
  input a: i64[N, T]
  input b: i64[N, T]
  layer table = embedding(10, 6)
  layer fc = linear(6)
  x = (table(a) |> fc) * (table(b) |> fc)
  output logits: f32[N, T, 10] = x |> linear(10, weight=table.weight, bias=false) @out
}
""")
    text = written(model, tmp_path / "out")
    assert text.count("nn.Embedding") == 1
    assert text.count("self.fc(") == 2
    assert "F.linear(x, self.table.weight)" in text
    rng = np.random.default_rng(0)
    assert_agrees(model, tmp_path / "out", {n: rng.integers(0, 10, (2, 3)) for n in "ab"})


def test_awkward_names(tmp_path: Path) -> None:
    """Labels and inputs that are keywords, methods of modules or no identifiers keep their paths as keys."""
    model = program(tmp_path, """
layout NCHW
block Inner (x: f32[N, C, H, W]) -> f32[N, C, H, W] {
  param scale: f32[C, 1, 1] = ones
  state count: f32[C, 1, 1] = zeros
  return x * scale + count
}
model Odd {
  input input: f32[N, 3, H, W]
  input lambda: f32[N, 3, H, W]
  x = input + lambda
  x = x |> conv2d(3, kernel=1) @"type" |> Inner @"forward" |> conv2d(3, kernel=1) @"a.b.0"
  x = x |> conv2d(3, kernel=1) @"a.b.2" |> Inner @"0" |> conv2d(3, kernel=1) @"train"
  x = x |> conv2d(3, kernel=1) @"keys.pop" |> conv2d(4, kernel=1) @"class" |> conv2d(2, kernel=1) @"conv-1"
  output class: f32[N, 2, H, W] = x
}
""")
    written(model, tmp_path / "out")
    assert set(load_file(tmp_path / "out" / "weights.safetensors")) == set(model.weights())
    rng = np.random.default_rng(0)
    shape = (2, 3, 4, 5)
    assert_agrees(model, tmp_path / "out", {n: rng.normal(size=shape).astype(np.float32) for n in ("input", "lambda")})


def test_docs_travel(tmp_path: Path) -> None:
    """The doc of the model is the docstring of the file, that of an input a comment; neither can break out."""
    model = program(tmp_path, '## says """hello""" \\ there\nmodel M {\n  ## the picture\n  input x: f32[N]\n'
                              "  output y: f32[N] = -x\n}\n")
    text = written(model, tmp_path / "out")
    assert text.startswith('"""says \'\'\'hello\'\'\' / there"""')
    assert "x,  # f32[N]: the picture" in text


def test_channels_last_models_are_channels_first_inside(tmp_path: Path) -> None:
    """io_layout "keep" turns axes only at the borders, "native" not at all; both agree with the reference."""
    model = program(tmp_path, """
layout NHWC
model M {
  input image: f32[N, 8, 8, 3]
  x = image |> conv2d(4, kernel=3, pad=1) @a |> batch_norm @bn |> relu |> max_pool(2) |> conv2d(5, kernel=3) @b
  output features: f32[N, 2, 2, 5] = x
  output logits: f32[N, 7] = x |> flatten |> linear(7) @fc
}
""")
    image = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    for io_layout, count in (("keep", 2), ("native", 0)):
        text = written(model, tmp_path / io_layout, io_layout=io_layout)
        assert text.count(".permute(") == count, text
        assert_agrees(model, tmp_path / io_layout, {"image": image})


def test_weights_are_not_changed(tmp_path: Path) -> None:
    """The arrays in the file are the given ones."""
    model = program(tmp_path, "model M {\n  input x: f32[N, 3]\n  output y: f32[N, 2] = x |> linear(2) @fc\n}\n")
    given = weights(model)
    written(model, tmp_path / "out", given)
    found = load_file(tmp_path / "out" / "weights.safetensors")
    for path, array in given.items():
        np.testing.assert_array_equal(found[path], array)


def test_one_instance_for_inputs_of_several_sizes(tmp_path: Path) -> None:
    """A shared block that must do different things for different sizes keeps one set of weights; else one module."""
    model = program(tmp_path, """
block Placed (x: f32[N, T, D]) -> f32[N, D] {
  pos = arange(T) |> embedding(32, D) @pos
  y = (x + broadcast(pos, like=x)) |> linear(D) @"fc.0" |> relu |> linear(D) @"fc.1"
  return mean(y, axis=1)
}
block Plain (x: f32[N, T, D]) -> f32[N, D] {
  return x |> linear(D) @a |> relu |> mean(axis=1)
}
model Two {
  input a: f32[N, 4, 8]
  input b: f32[N, 6, 8]
  input c: f32[N, S, 8]
  layer placed = Placed
  layer plain = Plain
  output y: f32[N, 8] = placed(a) + placed(b) + plain(a) + plain(b) + plain(c)
}
""")
    text = written(model, tmp_path / "out")
    assert text.count("self.plain(") == 3
    assert text.count("nn.Embedding(") == 1
    rng = np.random.default_rng(0)
    assert_agrees(model, tmp_path / "out", {n: rng.normal(size=(2, t, 8)).astype(np.float32)
                                            for n, t in (("a", 4), ("b", 6), ("c", 3))})


def test_optional_steps_are_flags(tmp_path: Path) -> None:
    """What some instances of a block have and others lack is a flag: a norm, an activation, a dropout, a skip."""
    model = program(tmp_path, """
block Unit (size: int, norm: bool = true, act: bool = true, skip: bool = false) (x: f32[N, D]) -> f32[N, size] {
  y = x |> linear(size) @fc
  y = if norm { y |> layer_norm @ln } else { y }
  y = if act { relu(y) } else { y }
  return if skip { x + y } else { y }
}
model M {
  input x: f32[N, 6]
  x = x |> Unit(8, skip=false) @a |> Unit(8, skip=true) @b |> Unit(4, norm=false, act=false) @c
  output y: f32[N, 4] = x
}
""")
    text = written(model, tmp_path / "out")
    assert text.count("class ") == 2, text
    clean(tmp_path / "out" / "model.py")
    assert_agrees(model, tmp_path / "out", {"x": np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)})


def test_optional_steps_pass_on_the_right_operand(tmp_path: Path) -> None:
    """Without its skip a block gives what the skip would be added to, also where another instance has the skip."""
    model = program(tmp_path, """
block Unit (size: int) (x: f32[N, D]) -> f32[N, size] {
  y = x |> linear(size) @fc |> layer_norm @ln
  return if D == size { x + dropout(y, p=0.2) } else { y }
}
model M {
  input x: f32[N, 6]
  output y: f32[N, 8] = x |> Unit(6) @a |> Unit(8) @b |> Unit(8) @c
}
""")
    text = written(model, tmp_path / "out")
    assert text.count("class ") == 2, text
    assert_agrees(model, tmp_path / "out", {"x": np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)})


def test_blocks_without_weights_need_no_label(tmp_path: Path) -> None:
    """A block that is called without a label is a member with the name of the block."""
    model = program(tmp_path, """
block Twice (x: f32[N, D]) -> f32[N, D] {
  return x * 2.0 |> tanh
}
block SoftMin (x: f32[N, D]) -> f32[N, D] {
  return softmax(-x)
}
model M {
  input x: f32[N, 6]
  output y: f32[N, 6] = x |> Twice |> SoftMin |> Twice
}
""")
    text = written(model, tmp_path / "out")
    assert "self.soft_min = SoftMin()" in text
    assert text.count("self.twice(") == 2
    clean(tmp_path / "out" / "model.py")
    assert_agrees(model, tmp_path / "out", {"x": np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)})


def test_native_without_weights(tmp_path: Path) -> None:
    """Also the folder of a model without weights tells in which layout its inputs and outputs are."""
    model = program(tmp_path, """layout NHWC
model M {
  input x: f32[N, H, W, 4]
  output y = x |> max_pool(2)
}
""")
    written(model, tmp_path / "out", io_layout="native")
    assert_agrees(model, tmp_path / "out", {"x": np.random.default_rng(0).normal(size=(2, 4, 6, 4)).astype(np.float32)})


def test_a_label_that_modules_need_themselves(tmp_path: Path) -> None:
    """Nothing in a module can be called `training`: every such label is refused with its place."""
    from dlc.diagnostics import Unsupported
    model = program(tmp_path, """
block Unit (x: f32[N, D]) -> f32[N, D] {
  return x |> linear(D) @fc
}
model M {
  input x: f32[N, 4]
  output y: f32[N, 4] = x |> linear(4, bias=false) @training |> Unit @"units.training"
}
""")
    with pytest.raises(Unsupported) as caught:
        written(model, tmp_path / "out")
    assert len(caught.value.diagnostics) == 2
    assert all(d.span is not None for d in caught.value.diagnostics)
