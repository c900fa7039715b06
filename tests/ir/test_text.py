"""The text of graphs, where names and labels are delicate."""

from __future__ import annotations

from pathlib import Path

import pytest
from every_op import cases as samples

from dlc import language
from dlc.ir.compare import difference
from dlc.ir.graph import Program
from dlc.ir.text import print_program

NAMED_AS_OPERATIONS = """dl 1

block Shift(square: f32[N]) -> f32[N] {
  return square + 1.0
}

model M {
  input square: f32[N]
  input relu: f32[N]
  sin = Shift(square) + Shift(relu) + (relu |> relu |> Shift)
  root, _ = while (r = sin, n = 0) any(r * r < 2.0 * sin) and n < 50 {
    0.5 * (r + sin / r) + square, n + 1
  }
  output exp: f32[N] = root
}
"""


def read(folder: Path, text: str) -> Program:
    path = folder / "model.dl"
    path.write_text(text)
    return language.load(path)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return read(tmp_path, NAMED_AS_OPERATIONS)


def test_inputs_and_outputs_keep_their_names(program: Program, tmp_path: Path) -> None:
    """They are how the model is called, so the text has them as they are, were they names of operations."""
    again = read(tmp_path, print_program(program))
    assert [v.name for v in again.entry.inputs] == ["square", "relu"]
    assert again.entry.output_names == ["exp"]


def test_the_text_is_the_same_graph(program: Program, tmp_path: Path) -> None:
    """Blocks without weights need no label, and what a region captures may be called otherwise."""
    assert difference(program, read(tmp_path, print_program(program))) is None


def test_other_inputs_are_another_graph(program: Program, tmp_path: Path) -> None:
    """Names of the inputs of a model count."""
    other = read(tmp_path, NAMED_AS_OPERATIONS.replace("relu:", "x:").replace("(relu", "(x"))
    assert "inputs" in (difference(program, other) or "")


DELICATE = {
    "an output takes the name of another value": """
  input x: f32[N]
  y = tanh(x)
  t = y
  output y: f32[N] = x * 2.0
  output w: f32[N] = t
""",
    "an output takes the name of an input": """
  input h: f32[N]
  before = h
  output h: f32[N] = h * 2.0
  output old: f32[N] = before
""",
    "a layer called in a body first": """
  input x: f32[T, B, 4]
  layer f = linear(4)
  s = scan (h = zeros([B, 4])) over (row = x) {
    tanh(f(row) + h)
  }
  output s: f32[B, 4] = s
  output y: f32[T, B, 4] = f(x)
""",
    "a layer with the label of an output": """
  input x: f32[N, 4]
  layer f = linear(4) @y
  output y: f32[N, 4] = f(f(x))
  output z: f32[4, 4] = f.weight
""",
    "sizes that a block is given": """
  input x: f32[4]
  input ids: i64[T]
  layer places = Places(T)
  output p: f32[T, 4] = (x |> Outer(T) @outer) + places(x) + places(x * 2.0)
  output q: i64[T] = ids
""",
}
LAYERS = """dl 1
layout NCHW

model M {
  input x: f32[B, T, 4]
  input image: f32[N, 3, 4, 4]
  input which: bool
  y = cond which {
    a, _ = x |> gru(5) @gru
    b, _, _ = x |> lstm(5, bias=false) @lstm
    a + b
  } else {
    x |> multi_head_attention(2) @heads |> linear(5, bias=false) @fc
  }
  z = cond which {
    image |> prelu(parameters=3, init=0.1) @act |> instance_norm(affine=true) @one |> batch_norm @norm
  } else {
    image |> group_norm(3, affine=false) |> instance_norm |> conv2d(3, kernel=3, pad=1, bias=false) @conv
  }
  output y: f32[B, T, 5] = y |> prelu(init=normal(std=0.5)) @slope
  output z: f32[N, 3, 4, 4] = z
}
"""
BLOCKS = """dl 1

block Places(n: int) (x: f32[D]) -> f32[n, D] {
  rows = cast(arange(n), f32)
  return rows[:, none] * (x |> linear(D) @fc)[none]
}

block Outer(n: int) (x: f32[D]) -> f32[n, D] {
  return x |> Places(n) @places
}
"""


@pytest.mark.parametrize("body", DELICATE.values(), ids=DELICATE.keys())
def test_delicate_names(body: str, tmp_path: Path) -> None:
    """Whatever things are called, the text is the same graph."""
    blocks = BLOCKS if "Places" in body else "dl 1\n"
    program = read(tmp_path, f"{blocks}\nmodel M {{{body}}}\n")
    assert difference(program, read(tmp_path, print_program(program))) is None


def test_layers_in_bodies(tmp_path: Path) -> None:
    """The weights of a layer in a body belong to the model around it, and are given to the operation."""
    program = read(tmp_path, LAYERS)
    assert difference(program, read(tmp_path, print_program(program))) is None


@pytest.mark.parametrize("name", list(samples.testable()))
def test_every_operation(name: str, tmp_path: Path) -> None:
    """Each sample of each operation is the same graph again after printing, in a file that says no layout."""
    for case in samples.cases(samples.testable()[name]):
        program = samples.program_of(case.op, case.types, case.attributes)
        assert difference(program, read(tmp_path, print_program(program))) is None, print_program(program)
