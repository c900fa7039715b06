"""The model around the nodes: names, docs, types, defaults, notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from targets.onnx.programs import attribute, write

from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program, Weight
from dlc.ir.op import Initializer
from dlc.ir.types import F32, TensorType
from dlc.language import load
from dlc.ops.initializers import draw
from dlc.targets.onnx import TARGET
from dlc.targets.onnx.session import execute
from dlc.targets.target import Options

BLOCKS = """layout NCHW
## A small residual net.
block Unit(c: int) (x: f32[N, C, H, W]) -> f32[N, c, H, W] {
  return x |> conv2d(c, kernel=3, pad=1) @conv |> batch_norm(momentum=0.2, eps=0.001) @bn |> relu
}
model Net {
  ## a picture
  input image: f32[N, 3, H, W]
  x = image |> Unit(4) @stem |> repeat 2 Unit(4) @body
  ## one score for each class
  output logits: f32[N, 5] = x |> global_avg_pool |> dropout(0.3) |> linear(5) @head
}
"""


def test_names_tell_the_scope(tmp_path: Path) -> None:
    """Weights are called by their paths, nodes by the instance that they stand in, inputs and outputs as declared."""
    written = write(BLOCKS, tmp_path)
    graph = written.proto.graph
    assert {n.name for n in graph.node if n.op_type == "Conv"} == {"/stem/conv/Conv", "/body.0/conv/Conv",
                                                                   "/body.1/conv/Conv"}
    assert {i.name for i in graph.initializer} >= {"stem.conv.weight", "body.1.bn.running_var", "head.bias"}
    assert [i.name for i in graph.input] == ["image"]
    assert [o.name for o in graph.output] == ["logits"]
    rng = np.random.default_rng(0)
    written.agrees(image=rng.normal(size=(2, 3, 6, 5)))
    written.agrees(image=rng.normal(size=(1, 3, 4, 4)))


def test_types_keep_the_named_sizes(tmp_path: Path) -> None:
    """Named sizes stand in the file as text, for inputs, outputs and the tensors between."""
    graph = write(BLOCKS, tmp_path).proto.graph
    dims = [d.dim_param or d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["N", 3, "H", "W"]
    inner = {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.value_info}
    assert inner["/stem/conv/Conv_output_0"] == ["N", 4, "H", "W"]


def test_documentation_travels(tmp_path: Path) -> None:
    """Doc comments of the model, its inputs and outputs are the doc strings; the producer is dlc."""
    proto = write(BLOCKS, tmp_path).proto
    assert proto.graph.input[0].doc_string == "a picture"
    assert proto.graph.output[0].doc_string == "one score for each class"
    assert proto.producer_name == "dlc"


def test_training_meaning_stays(tmp_path: Path) -> None:
    """ONNX' momentum is 1 minus ours; dropout keeps its ratio and does nothing at inference."""
    written = write(BLOCKS, tmp_path)
    norm = next(n for n in written.nodes() if n.op_type == "BatchNormalization")
    assert attribute(norm, "momentum") == pytest.approx(0.8)
    assert attribute(norm, "epsilon") == pytest.approx(1e-3)
    ratio = written.node("Dropout").input[1]
    (held,) = [i for i in written.proto.graph.initializer if i.name == ratio]
    assert onnx.numpy_helper.to_array(held) == np.float32(0.3)


def test_a_default_of_known_size_may_be_left_out(tmp_path: Path) -> None:
    """An optional input of known size has an initializer of its name; it can still be given."""
    written = write("""
model M {
  input x: f32[N, 3]
  input scale: f32[3] = 1.0
  output y: f32[N, 3] = x * broadcast(scale, like=x)
}""", tmp_path)
    assert written.model.notes == ()
    written.agrees(x=np.ones((2, 3)))
    written.agrees(x=np.ones((2, 3)), scale=[1, 2, 3])


def test_a_default_of_open_size_becomes_required(tmp_path: Path) -> None:
    """The notes say so, with the type."""
    written = write("""
model M {
  input x: f32[N, 3]
  input h: f32[N, 3] = zeros
  output y: f32[N, 3] = x + h
}""", tmp_path)
    assert any("`h` must be given" in note and "f32[N, 3]" in note for note in written.model.notes)
    written.agrees(x=np.ones((2, 3)), h=np.ones((2, 3)))


def test_an_output_that_is_an_input(tmp_path: Path) -> None:
    """Inputs and values that are outputs twice are copied, so that every output has a tensor of its own."""
    written = write("""
model M {
  input x: f32[N]
  a = relu(x)
  output same: f32[N] = x
  output first: f32[N] = a
  output second: f32[N] = a
}""", tmp_path)
    written.agrees(x=[1.0, -2.0])


def test_shared_weights_are_stored_once(tmp_path: Path) -> None:
    """A tied weight is one initializer."""
    written = write("""
model M {
  input tokens: i64[T]
  layer table = embedding(11, 4)
  output logits: f32[T, 11] = table(tokens) |> linear(11, weight=table.weight, bias=false)
}""", tmp_path)
    large = [i.name for i in written.proto.graph.initializer if list(i.dims) == [11, 4]]
    assert large == ["table.weight"]
    written.agrees(tokens=[0, 10, 3])


def test_channels_last_takes_no_transpose_for_one_channel(tmp_path: Path) -> None:
    """A channels-last model becomes channels first inside, and keeps its inputs and outputs."""
    written = write("""
layout NHWC
model M {
  input image: f32[N, 8, 8, 1]
  output y: f32[N, 10] = image |> conv2d(4, kernel=3) @conv |> relu |> max_pool(2) |> flatten |> linear(10) @fc
}""", tmp_path)
    assert not [n for n in written.nodes() if n.op_type == "Transpose"]
    written.agrees(image=np.random.default_rng(0).normal(size=(2, 8, 8, 1)))


def test_an_output_called_like_a_weight(tmp_path: Path) -> None:
    """It gets another name in the file, the notes say so, and running the target gives it its own name back."""
    graph = Graph("m")
    x = graph.add_input("x", TensorType(F32, (3,)))
    weight = graph.add_weight(Weight(x.type, path="y", initializer=Initializer("ones")))
    graph.add_output("y", Builder(graph).mul(x, weight))
    weights = {"y": np.array([1, 2, 3], np.float32)}
    notes = TARGET.write(Program(graph), weights, tmp_path / "m.onnx", options=Options())
    assert notes == ["the output `y` is called `y_1`: in ONNX an input or weight has that name already"]
    got = TARGET.execute(Program(graph), tmp_path / "m.onnx", {"x": np.ones(3, np.float32)})
    np.testing.assert_array_equal(got["y"], [1, 2, 3])


def test_native_inputs_and_outputs(tmp_path: Path) -> None:
    """With the native layout no transpose is left; the file says which axes moved, and execute moves them."""
    path = tmp_path / "model.dl"
    path.write_text("""dl 1
layout NHWC
model M {
  input image: f32[N, H, W, 3]
  output y: f32[N, H, W, 5] = image |> conv2d(5, kernel=3, pad=1) @conv |> relu
}""")
    program = load(path)
    weights, x = draw(program, 0), np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)
    notes = TARGET.write(program, weights, tmp_path / "m.onnx", options=Options(io_layout="native"))
    proto = onnx.load(tmp_path / "m.onnx")
    assert [n.op_type for n in proto.graph.node] == ["Conv", "Relu"]
    assert [d.dim_param or d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim] == ["N", 3, "H", "W"]
    assert any("`image` has channels first" in note for note in notes)
    got = TARGET.execute(program, tmp_path / "m.onnx", {"image": x})
    exact = run(program, {"image": x}, weights=weights, precision="float64")
    np.testing.assert_allclose(got["y"], exact["y"], atol=1e-5)


def test_execute_says_what_the_runtime_says(tmp_path: Path) -> None:
    """A broken file, or a missing input, is a diagnostic with the runtime's own words."""
    from dlc.diagnostics import DlcError
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(DlcError, match=r"cannot run broken\.onnx"):
        execute(broken, {})
    written = write(BLOCKS, tmp_path)
    with pytest.raises(DlcError, match="image"):
        execute(written.path, {})


def test_what_cannot_be_unrolled_is_refused(tmp_path: Path) -> None:
    """A projected state over an unknown number of steps is refused with a sentence and a place."""
    from dlc.diagnostics import Unsupported
    path = tmp_path / "model.dl"
    path.write_text("""dl 1
model Net {
  input x: f32[N, T, 4]
  y, _, _ = x |> lstm(6, proj_size=3) @reader
  output y: f32[N, T, 3] = y
}""", encoding="utf-8")
    program = load(path)
    with pytest.raises(Unsupported, match="known number of steps") as caught:
        TARGET.write(program, draw(program, 0), tmp_path / "m.onnx", options=Options())
    assert caught.value.diagnostics[0].span is not None
