"""Calls, operators and subscripts: how arguments find their places, and what broadcasts."""

from __future__ import annotations

import numpy as np
import pytest
from language.programs import normal, outputs, program, weights_of

from dlc.diagnostics import Source
from dlc.ir.graph import Apply
from dlc.language import check


def codes(text: str) -> list[str]:
    """The codes of what is wrong."""
    return [d.code for d in check(Source("test.dl", f"dl 1\nlayout NCHW\n{text}"))]


def in_model(*lines: str) -> str:
    """A model around some lines, with the inputs x: f32[N, 8], image and i: i64[3], and the output y."""
    inputs = "  input x: f32[N, 8]\n  input image: f32[N, 3, 8, 8]\n  input i: i64[3]\n  input s: f32\n"
    return "model M {\n" + inputs + "".join(f"  {line}\n" for line in lines) + "  output y = y\n}\n"


@pytest.mark.parametrize(
    "index",
    [
        "0",
        "-1",
        ":",
        "1:3",
        "::2",
        "::-1",
        "-2:",
        "0, 1",
        "0, :, 1:3",
        "..., 0",
        "..., ::2",
        "1, ..., 2",
        "none, 0",
        ":, none, 1",
        "..., none",
        ":, 1, 2",
        "0:100",
        "3:1",
    ],
)
def test_subscripts(index: str) -> None:
    """A subscript of a tensor means what it means in numpy."""
    model = program(f"model M {{\n  input x: f32[4, 5, 3]\n  output y = x[{index}]\n}}\n")
    x = normal(4, 5, 3)
    expected = eval(f"x[{index.replace('none', 'None')}]", {"x": x})
    found = outputs(model, x=x)["y"]
    assert model.entry.outputs[0].type.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_subscripts_by_tensors() -> None:
    """A tensor of whole numbers, or a list, picks positions along its axis."""
    model = program(
        "model M {\n  input x: f32[4, 5]\n  input i: i64[2, 3]\n  output a = x[i]\n  output b = x[1:, [0, 2]]\n}\n"
    )
    x, i = normal(4, 5), np.array([[0, 1, 3], [2, 2, 0]])
    found = outputs(model, x=x, i=i)
    np.testing.assert_array_equal(found["a"], x[i])
    np.testing.assert_array_equal(found["b"], x[1:][:, [0, 2]])


def test_symbolic_subscripts() -> None:
    """Sizes can be positions."""
    model = program("model M {\n  input x: f32[T, 5]\n  output y = x[T - 1]\n  output z = x[:T // 2]\n}\n")
    x = normal(6, 5)
    found = outputs(model, x=x)
    np.testing.assert_array_equal(found["y"], x[-1])
    np.testing.assert_array_equal(found["z"], x[:3])


@pytest.mark.parametrize(
    "line",
    [
        "y = x + 1",
        "y = 2.5 * x",
        "y = x + s",
        "y = s / x",
        "y = x + mean(x, axis=1, keepdims=true)",
        "y = i + 1",
        "y = i // 2",
        "y = x > 0 and x < 1.0",
        "y = not (x == 0)",
        "y = -x ** 2",
        "y = x + N",
        "y = maximum(x, 0)",
        "y = where(x > 0, x, 0.0)",
        "y = add(image, ones([8, 8]))",
        "y = x + ones([N, 8])",
        "y = image + ones([1, 3, 1, 8])",
        "y = x * [1, 2, 3, 4, 5, 6, 7, 8][2]",
    ],
)
def test_what_operators_take(line: str) -> None:
    """Numbers take the element type of the tensor; scalars and literal ones stretch; functions broadcast freely."""
    assert codes(in_model(line)) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("y = x + cast(x, i64)", "E0221"),
        ("y = i + 0.5", "E0224"),
        ("y = image + ones([8, 8])", "E0237"),
        ("y = x + image", "E0237"),
        ("y = x + x[:, 0:4]", "E0230"),
        ("y = x + x[0:4]", "E0231"),
        ("y = x and x", "E0221"),
        ("y = x + true", "E0206"),
        ("y = x + none", "E0206"),
        ("y = x + relu", "E0206"),
        ('y = x == "a"', "E0206"),
    ],
)
def test_what_operators_refuse(line: str, code: str) -> None:
    """Element types never mix, and nothing broadcasts that is not written."""
    assert codes(in_model(line)) == [code]


def test_weights_stretch_along_leading_axes() -> None:
    """A `param` may lack the leading axes of what it is added to."""
    model = program("model M {\n  input x: f32[N, T, 4]\n  param b: f32[4] = ones\n  output y = x * b + b\n}\n")
    x = normal(2, 3, 4)
    np.testing.assert_allclose(outputs(model, x=x)["y"], x + 1)


@pytest.mark.parametrize(
    ("written", "attributes"),
    [
        ("x |> softmax(axis=-1)", {"axis": 1}),
        ("image |> max_pool(2)", {"kernel": (2, 2), "stride": (2, 2)}),
        (
            "image |> max_pool([2, 3], stride=1, pad=[1, 0])",
            {"kernel": (2, 3), "stride": (1, 1), "pad": ((1, 1), (0, 0))},
        ),
        ("cast(x, i32)", {}),
        ('rearrange(image, "n c (h p) w -> n (p c) h w", p=2)', {"sizes": (("p", 2),)}),
        ("concat([x, x], axis=0)", {"axis": 0}),
        ("concat(x, x, axis=1)", {"axis": 1}),
        ("[x, x] |> concat(axis=1)", {"axis": 1}),
        ("sum(image, axis=[2, 3], keepdims=true)", {"axis": (2, 3), "keepdims": True}),
    ],
)
def test_ways_to_write_a_call(written: str, attributes: dict[str, object]) -> None:
    """Tensors by position or pipe, values by position where the operation says so, everything by name."""
    model = program("layout NCHW\n" + in_model(f"y = {written}"))
    node = model.entry.outputs[0].node
    assert isinstance(node, Apply)
    assert {k: node.attributes[k] for k in attributes} == attributes


def test_layers_given_their_weights() -> None:
    """An operation whose weights are all given as tensors needs no label, and sizes follow from them."""
    model = program("""
model M {
  input x: f32[N, 8]
  param w: f32[4, 8] = normal
  param b: f32[4] = zeros
  a = linear(x, w, b)
  c = x |> linear(4, weight=w, bias=b)
  d = x |> linear(weight=w) @own
  output y = a + c + d
}
""")
    assert sorted(model.weights()) == ["b", "own.bias", "w"]


def test_layer_options() -> None:
    """`init`, `bias_init` and `trainable` are options of every layer."""
    model = program("""
model M {
  input x: f32[N, 8]
  output y = x |> linear(4, init=kaiming_normal(mode="fan_out"), bias_init=0.5, trainable=false) @fc
}
""")
    weight, bias = model.weights()["fc.weight"], model.weights()["fc.bias"]
    assert str(weight.initializer) == "kaiming_normal(mode='fan_out')"
    assert str(bias.initializer) == "constant(value=0.5)"
    assert not weight.trainable
    np.testing.assert_array_equal(weights_of(model)["fc.bias"], np.full(4, 0.5, np.float32))


def test_repeated_layers() -> None:
    """`repeat n layer @h` makes n instances of an operation."""
    model = program("model M {\n  input x: f32[N, 8]\n  output y = x |> repeat 3 linear(8, bias=false) @fc\n}\n")
    assert sorted(model.weights()) == ["fc.0.weight", "fc.1.weight", "fc.2.weight"]


def test_blocks_with_optional_and_several_inputs() -> None:
    """Tensors fill the inputs of a block in order or by name; one declared `= none` may be left out."""
    text = """
block Mix(scale: float = 1.0) (x: f32[N, D], y: f32[N, D], mask: f32[N, D]? = none) -> (f32[N, D], f32[N, D]) {
  z = x + y * scale
  if mask != none {
    z = z * mask
  }
  return z, x
}
model M {
  input x: f32[N, 4]
  a, b = Mix(x, y=x)
  c, d = x |> Mix(2.0, x, mask=x)
  output y = a + c
}
"""
    x = normal(2, 4)
    np.testing.assert_allclose(outputs(program(text), x=x)["y"], 2 * x + 3 * x * x)


def test_functions_are_built_in_place() -> None:
    """A function leaves no call behind; it can take and return compile-time values."""
    model = program("""
fn half(n: int) -> int {
  return n // 2
}
fn swish(x: f32[...]) -> f32[...] {
  return x * sigmoid(x)
}
model M {
  input x: f32[N, 8]
  output y = x |> linear(half(8)) @fc |> swish
}
""")
    assert [n.label for n in model.entry.nodes] == ["linear", "sigmoid", "mul"]
