"""The layout pass: the same numbers, every spatial operation in the wanted layout, and few transposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlc.ir import evaluate
from dlc.ir.dim import Expr
from dlc.ir.graph import Apply, Program
from dlc.ir.types import Array
from dlc.ir.verify import verify
from dlc.language import load
from dlc.passes.layout import assign, moved_axes, transposes
from dlc.passes.lower import lower


def program(tmp_path: Path, body: str, blocks: str = "") -> Program:
    """A channels-first model from its statements."""
    path = tmp_path / "model.dl"
    path.write_text(f"dl 1\nlayout NCHW\n{blocks}\nmodel Net {{\n{body}\n}}\n")
    loaded = load(path)
    return lower(loaded, lambda node: node.op.family != "einops")


def numbers(program: Program, sizes: dict[str, int]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Weights and inputs, drawn in float64."""
    rng = np.random.default_rng(0)
    weights: dict[str, Array] = {path: rng.uniform(0.5, 1.5, [int(d) for d in w.type.shape])  # type: ignore[arg-type]
                                 for path, w in program.weights().items()}
    inputs: dict[str, Array] = {}
    for value in program.entry.inputs:
        shape = [sizes[str(d)] if isinstance(d, Expr) else d for d in value.type.shape]
        inputs[value.name] = rng.standard_normal(shape)
    return weights, inputs


def assert_same(before: Program, want: str, io: str, sizes: dict[str, int]) -> Program:
    """The program in a layout, after checking that it verifies and computes the same in float64."""
    weights, inputs = numbers(before, sizes)
    before.values = weights
    after = assign(before, want, io)
    verify(after)
    for graph in after.graphs():
        for node in graph.walk():
            if isinstance(node, Apply) and node.op.spatial and node.operands[0].type.rank > 2:  # type: ignore[union-attr]
                assert node.attributes["layout"] == want, node
    moved = moved_axes(before, want) if io == "native" else {}
    given = {name: a.transpose(moved[name]) if name in moved else a for name, a in inputs.items()}
    expected = evaluate.run(before, inputs, weights=weights, precision="float64")
    found = evaluate.run(after, given, weights=after.values, precision="float64")
    for name, exact in expected.items():
        exact = exact.transpose(moved[name]) if name in moved else exact
        np.testing.assert_allclose(found[name], exact, rtol=1e-11, atol=1e-11, err_msg=name)
    return after


MODELS: dict[str, tuple[str, int, int, dict[str, int]]] = {
    "cnn": ("""
  input image: f32[N, 3, 8, 8]
  x = image |> conv2d(8, kernel=3, pad=1) @a |> relu |> max_pool(2) |> dropout(0.5) |> flatten
  output y: f32[N, 10] = x |> linear(12) @b |> relu |> linear(10) @c
""", 1, 0, {"N": 2}),
    "batch_norm_and_residual": ("""
  input image: f32[N, 4, H, W]
  y = image |> conv2d(4, kernel=3, pad=1) @a |> batch_norm @n
  output y: f32[N, 4, H, W] = relu(y + image)
""", 2, 0, {"N": 2, "H": 5, "W": 3}),
    "squeeze_and_excite": ("""
  input image: f32[N, 3, H, W]
  x = image |> conv2d(8, kernel=3, pad=1) @a
  s = x |> mean(axis=[2, 3]) |> linear(2) @down |> relu |> linear(8) @up |> sigmoid |> reshape([N, 8, 1, 1])
  t = x |> global_avg_pool(keepdims=true) |> conv2d(8, kernel=1) @gate |> sigmoid
  param scale: f32[8, 1, 1] = ones
  output y: f32[N, 8, H, W] = x * s * t * scale
""", 2, 0, {"N": 2, "H": 5, "W": 4}),
    "concat_unet": ("""
  input image: f32[N, 3, 8, 8]
  a = image |> conv2d(4, kernel=3, pad=1) @a
  b = a |> max_pool(2) |> conv2d(8, kernel=3, pad=1) @b |> conv_transpose2d(4, kernel=2, stride=2) @up
  x = concat(b, a, axis=1) |> conv2d(2, kernel=1) @c
  output mask: f32[N, 2, 8, 8] = x |> softmax(axis=1)
  output label: i64[N, 8, 8] = x |> argmax(axis=1)
""", 2, 0, {"N": 2}),
    "channel_shuffle": ("""
  input image: f32[N, 4, 6, 6]
  x = image |> conv2d(8, kernel=3, pad=1, groups=2) @a |> reshape([N, 2, 4, 6, 6]) |> transpose([0, 2, 1, 3, 4])
  output y: f32[N, 8, 6, 6] = x |> reshape([N, 8, 6, 6]) |> conv2d(8, kernel=1) @b
""", 3, 1, {"N": 2}),
    "patches": ("""
  input image: f32[N, 3, 8, 8]
  x = image |> conv2d(16, kernel=4, stride=4) @patch |> rearrange("n d h w -> n (h w) d")
  output y: f32[N, 4, 6] = x |> layer_norm @n |> linear(6) @head
""", 1, 0, {"N": 2}),
    "convnext": ("""
  input image: f32[N, 6, 7, 7]
  x = image |> conv2d(6, kernel=3, pad=1, groups=6) @dw |> transpose([0, 2, 3, 1]) |> layer_norm @n
  x = x |> linear(12) @up |> gelu |> linear(6) @down |> transpose([0, 3, 1, 2])
  output y: f32[N, 6, 7, 7] = image + x
""", 2, 0, {"N": 2}),
    "generator": ("""
  input code: f32[N, 10]
  x = code |> linear(96) @a |> relu |> reshape([N, 6, 4, 4])
  output image: f32[N, 3, 8, 8] = x |> conv_transpose2d(3, kernel=4, stride=2, pad=1) @b |> tanh
""", 1, 0, {"N": 2}),
    "sequence": ("""
  input signal: f32[N, 3, 8]
  x = signal |> conv1d(4, kernel=3, pad=1) @a |> pad([(0, 0), (1, 0), (0, 2)]) |> conv1d(4, kernel=1) @b
  output y: f32[4, 8] = x[:, :, 1:9] |> flip(1) |> cumsum(axis=2) |> sum(axis=0)
""", 2, 1, {"N": 2}),
    "volume": ("""
  input volume: f32[N, 2, 4, 4, 4]
  x = volume |> conv3d(4, kernel=3, pad=1) @a |> avg_pool(2) |> flatten
  output y: f32[N, 3] = x |> linear(3) @b
""", 1, 0, {"N": 2}),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("io", ["keep", "native"])
def test_meaning_and_transposes(name: str, io: str, tmp_path: Path) -> None:
    """A model computes the same channels last, with one transpose at a spatial border or, natively, none there."""
    body, kept, native, sizes = MODELS[name]
    after = assert_same(program(tmp_path, body), "NHWC", io, sizes)
    assert transposes(after) == (kept if io == "keep" else native)


@pytest.mark.parametrize("name", MODELS)
def test_wanted_layout_is_kept(name: str, tmp_path: Path) -> None:
    """A program that is in the wanted layout already gets no transpose of its own."""
    body, _, _, sizes = MODELS[name]
    before = program(tmp_path, body)
    assert transposes(assert_same(before, "NCHW", "keep", sizes)) <= transposes(before)


def test_there_and_back(tmp_path: Path) -> None:
    """Channels last and then first again is the meaning, and the number of transposes, of the beginning."""
    before = program(tmp_path, MODELS["cnn"][0])
    last = assert_same(before, "NHWC", "native", {"N": 2})
    assert transposes(assert_same(last, "NCHW", "native", {"N": 2})) == 0


BLOCKS = """
block Residual(c: int) (x: f32[N, C, H, W]) -> f32[N, C, H, W] {
  return x + (x |> conv2d(c, kernel=3, pad=1) @conv |> relu)
}
"""


def test_blocks_change_with_the_program(tmp_path: Path) -> None:
    """A block that is called three times is rewritten once, and nothing is transposed between the calls."""
    after = assert_same(program(tmp_path, """
  input image: f32[N, 4, 8, 8]
  x = image |> repeat 3 Residual(4) @stage
  output y: f32[N, 3] = x |> flatten |> linear(3) @head
""", BLOCKS), "NHWC", "keep", {"N": 2})
    assert transposes(after) == 1
    assert len(after.blocks()) == 1
    assert str(after.blocks()[0].inputs[0].type) == "f32[N, 8, 8, 4]"


def test_weight_of_a_flattened_layer_is_reordered(tmp_path: Path) -> None:
    """The dense layer behind a flatten keeps path, shape and initialiser; its columns stand in the other order."""
    before = program(tmp_path, """
  input image: f32[N, 2, 1, 3]
  output y: f32[N, 4] = image |> conv2d(2, kernel=1) @a |> flatten |> linear(4) @b
""")
    weights, _ = numbers(before, {"N": 1})
    before.values = weights
    after = assign(before, "NHWC")
    expected = weights["b.weight"].reshape(4, 2, 3).transpose(0, 2, 1).reshape(4, 6)
    np.testing.assert_array_equal(after.values["b.weight"], expected)
    assert after.weights()["b.weight"].initializer == before.weights()["b.weight"].initializer
    assert after.values["a.weight"] is weights["a.weight"]


def test_weight_used_in_two_orders_is_reordered_in_the_graph(tmp_path: Path) -> None:
    """A dense layer shared by a flattened image and a plain vector keeps its weight."""
    before = program(tmp_path, """
  input image: f32[N, 2, 2, 2]
  input vector: f32[N, 8]
  layer head = linear(3)
  output a: f32[N, 3] = image |> conv2d(2, kernel=1) @c |> flatten |> head
  output b: f32[N, 3] = vector |> head
""")
    after = assert_same(before, "NHWC", "keep", {"N": 2})
    assert after.values["head.weight"] is before.values["head.weight"]


def test_program_without_spatial_operations_is_left_alone(tmp_path: Path) -> None:
    """The same object comes back."""
    before = program(tmp_path, "  input x: f32[N, 3, 4]\n  output y: f32[N, 4, 3] = x |> transpose([0, 2, 1])")
    assert assign(before, "NHWC") is before


def test_original_is_not_changed(tmp_path: Path) -> None:
    """The given program computes what it did."""
    before = program(tmp_path, MODELS["cnn"][0])
    kinds = [(type(n), n.label) for n in before.entry.nodes]
    assign(before, "NHWC", "native")
    verify(before)
    assert [(type(n), n.label) for n in before.entry.nodes] == kinds


def test_values_are_reordered_when_asked_for() -> None:
    """Nothing is read from the weights before somebody asks."""
    from dlc.passes.layout.arrays import Reordered, ReorderedValues

    class Untouchable(dict[str, Any]):
        def __getitem__(self, path: str) -> Any:
            raise AssertionError(f"{path} was read")
    values = ReorderedValues(Untouchable(a=np.zeros(6)), {"a": Reordered((2, 3), (1, 0), (6,))})
    assert list(values) == ["a"]
    with pytest.raises(AssertionError, match="a was read"):
        values["a"]
