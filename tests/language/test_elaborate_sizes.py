"""Sizes: names that bind on first use, arithmetic, assertions, assumptions."""

from __future__ import annotations

import numpy as np
import pytest
from language.programs import normal, outputs, program

from dlc.diagnostics import Source
from dlc.ir.evaluate import SizeMismatch
from dlc.language import check

ONE = "model M {\n  input a: f32[n, 8]\n  input b: f32[m, 8]\n"


def codes(text: str) -> list[str]:
    """The codes of what is wrong."""
    return [d.code for d in check(Source("test.dl", f"dl 1\n{text}"))]


def types(text: str) -> list[str]:
    """The types of the outputs."""
    return [str(v.type) for v in program(text).entry.outputs]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("H // 2", "H // 2"),
        ("ceil(H / 2)", "(H + 1) // 2"),
        ("floor(H / 2)", "H // 2"),
        ("2 * H / 2", "H"),
        ("(H - 3) / 1 + 1", "H - 2"),
        ("ceil((H - 1) / 2) * 2", "2 * (H // 2)"),
        ("max(H, 4)", "max(4, H)"),
        ("min(H, H + 1)", "H"),
        ("H % 3", "H - 3 * (H // 3)"),
        ("sum([H, 2, H])", "2 * H + 2"),
        ("H ** 2", "H * H"),
        ("pow(2, 3)", "8"),
        ("abs(2 - 5)", "3"),
        ("len([1, 2, 3]) * H", "3 * H"),
        ("int(7 / 2)", "3"),
        ("round(7 / 4)", "2"),
    ],
)
def test_arithmetic_of_sizes(size: str, expected: str) -> None:
    """Sizes are brought to one form by arithmetic at compile time."""
    assert types(f"model M {{\n  input x: f32[H]\n  output y = zeros([{size}])\n}}\n") == [f"f32[{expected}]"]


def test_names_bind_on_first_use_and_are_checked() -> None:
    """A new name in a written type takes the size it meets; later it must be that size."""
    text = "model M {\n  input x: f32[N, 6]\n  y: f32[B, 2 * K] = x\n  output z: f32[N, K] = y[:, 0:3]\n}\n"
    assert types(text) == ["f32[N, 3]"]
    assert codes(text.replace("f32[N, K]", "f32[K, N]")) == ["E0231"]
    assert codes(text.replace("0:3", "0:4")) == ["E0230"]


def test_names_of_blocks_are_local() -> None:
    """The H of a block is whatever it is given; the caller's H stays what it was."""
    text = """
layout NCHW
block Half (x: f32[N, C, H, W]) -> f32[N, C, H // 2, W // 2] {
  return max_pool(x, 2)
}
model M {
  input x: f32[N, 3, H, W]
  y = x |> Half |> Half
  output y: f32[N, 3, H // 4, W // 4] = y
}
"""
    assert types(text) == ["f32[N, 3, H // 4, W // 4]"]


def test_result_names_bind_from_the_result() -> None:
    """A name that only the result has takes the size that the body makes."""
    text = """
block Any (x: f32[N, D]) -> f32[N, E] {
  y = x |> linear(3 * D) @fc
  assert E == 12
  return y
}
"""
    assert codes(text) == ["E0200"]
    assert types(
        text.replace("  assert E == 12\n", "") + "model M {\n  input x: f32[N, 4]\n  output y = x |> Any @a\n}\n"
    ) == ["f32[N, 12]"]


@pytest.mark.parametrize(
    "text", ["assume n == m", "assume m == n", "assume n == m and m == n", "assume n - m == 0", "assert n == m"]
)
def test_assumed_equal(text: str) -> None:
    """After `assume n == m` the sizes are one, before and after the line, and arrays that differ are refused."""
    model = program(f"{ONE}  {text}\n  output c = a + b\n}}\n")
    a = normal(3, 8)
    np.testing.assert_allclose(outputs(model, a=a, b=a)["c"], 2 * a)
    with pytest.raises(SizeMismatch):
        outputs(model, a=a, b=normal(4, 8))


def test_assumed_number() -> None:
    """A size may be assumed to be a number, or to follow from others."""
    assert types(f"{ONE}  assume n == 5\n  assume m == n + 2\n  output c = concat([a, b])\n}}\n") == ["f32[12, 8]"]


def test_assumed_divisible_in_a_block() -> None:
    """A block can assume that a size it is given is divisible; what is bound is checked."""
    model = program("""
block Split (x: f32[N, T, D]) -> f32[N, T, D] {
  assume T % 4 == 0
  y = reshape(x, [N, T // 4, 4 * D])
  return reshape(y, [N, T, D])
}
model M {
  input x: f32[N, T, 2]
  output y: f32[N, T, 2] = x |> Split
}
""")
    x = normal(1, 8, 2)
    np.testing.assert_allclose(outputs(model, x=x)["y"], x)
    with pytest.raises(SizeMismatch, match=r"T % 4 == 0, but T = 6"):
        outputs(model, x=normal(1, 6, 2))


def test_asserted_inequality_is_checked_when_bound() -> None:
    """What compile time cannot decide is checked with the sizes of the arrays, under the author's sentence."""
    model = program('model M {\n  input x: f32[T]\n  assert T <= 4, "too long"\n  output y = x\n}\n')
    assert [str(a) for a in model.assumptions] == ["T <= 4"]
    with pytest.raises(SizeMismatch, match="too long"):
        outputs(model, x=normal(5))


@pytest.mark.parametrize(
    ("known", "condition", "taken"),
    [
        ("T > 8", "T > 8", True),
        ("T > 8", "T >= 8", True),
        ("T > 8", "T <= 8", False),
        ("T == 8", "T < 9", True),
        ("T != 3", "T == 3", False),
    ],
)
def test_assumptions_decide(known: str, condition: str, taken: bool) -> None:
    """A condition that an assumption states, or the opposite of one, is decided."""
    choice = f"if {condition} {{ relu(x) }} else {{ tanh(x) }}"
    model = program(f"model M {{\n  input x: f32[T]\n  assume {known}\n  output y = {choice}\n}}\n")
    assert [n.label for n in model.entry.nodes] == ["relu" if taken else "tanh"]


def test_dots_and_element_types() -> None:
    """`...` matches any axes; a hyper-parameter of the kind dtype can be an element type."""
    text = """
block Cast(t: dtype) (x: f32[N, ..., C]) -> t[N, ..., C] {
  return cast(x, t)
}
model M(t: dtype = f16) {
  input x: f32[N, 2, 3, C]
  output y = x |> Cast(t)
}
"""
    assert types(text) == ["f16[N, 2, 3, C]"]
    assert [str(v.type) for v in program(text, t="i32").entry.outputs] == ["i32[N, 2, 3, C]"]


@pytest.mark.parametrize(
    ("said", "part", "expected"),
    [
        ("T <= 16", "places[:T]", "T"),
        ("16 >= T", "places[:T]", "T"),
        ("min(16, T) == T", "places[:T]", "T"),
        ("T >= 4", "x[-2:]", "2"),
        ("T > 1", "x[:2]", "2"),
        ("T - 2 >= 0", "x[T - 2:]", "2"),
        ("T >= 4", "x[2:-2]", "T - 4"),
        ("T >= 5", "x[1:-1:2]", "(T + 1) // 2 - 1"),
        ("T >= 1", "x[:2]", "min(2, T)"),
        ("T != 1", "x[:2]", "min(2, T)"),
        ("T >= 4", "x[::-2]", "(T + 1) // 2"),
    ],
)
def test_slices_on_axes_that_are_long_enough(said: str, part: str, expected: str) -> None:
    """What is assumed of the order of sizes says that a slice is not cut short, and only what is assumed."""
    text = f"model M {{\n  input x: f32[T]\n  assume {said}\n  param places: f32[16]\n  output y = {part}\n}}\n"
    assert types(text) == [f"f32[{expected}]"]


def test_slices_that_are_assumed_to_fit() -> None:
    """They give the same numbers, and gradients."""
    found = outputs(
        program(
            "model M {\n  input x: f32[T, 4]\n  assume T >= 3\n  part = x[1:3, 2:]\n"
            "  output part: f32[2, 2] = part\n  output g = grad(sum(part ** 2), wrt=x)\n}\n"
        ),
        x=normal(5, 4),
    )
    expected = np.zeros((5, 4))
    expected[1:3, 2:] = 2 * normal(5, 4)[1:3, 2:]
    np.testing.assert_allclose(found["part"], normal(5, 4)[1:3, 2:])
    np.testing.assert_allclose(found["g"], expected)


def test_a_size_where_a_tensor_is_meant() -> None:
    """Outputs, results and bodies take sizes as they take numbers: as scalars of i64."""
    text = (
        "fn area(x: f32[H, W]) -> i64 {\n  return H * W\n}\n"
        "model M {\n  input x: f32[H, W]\n  output rows: i64 = 2 * H\n  output all = area(x)\n"
        "  output longer = cond sum(x) > 0.0 {\n    H\n  } else {\n    W\n  }\n}\n"
    )
    found = outputs(program(text), x=np.ones((2, 3)))
    assert [int(found[name]) for name in ("rows", "all", "longer")] == [4, 6, 2]
