"""rearrange, reduce and repeat against the same written with numpy's own operations, and what patterns may not say."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from op_oracle import close, gradients, infer, reference, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem
from dlc.ir.types import F32, TensorType

X = np.random.default_rng(0).standard_normal((2, 6, 4))


@pytest.mark.parametrize(("pattern", "sizes", "expected"), [
    ("a b c -> c a b", {}, X.transpose(2, 0, 1)),
    ("a (b1 b2) c -> a b1 b2 c", {"b1": 2}, X.reshape(2, 2, 3, 4)),
    ("a (b1 b2) c -> b2 a (c b1)", {"b2": 3}, X.reshape(2, 2, 3, 4).transpose(2, 0, 3, 1).reshape(3, 2, 8)),
    ("b t (three h) -> three b t h", {"three": 2}, X.reshape(2, 6, 2, 2).transpose(2, 0, 1, 3)),
    ("... c -> c ...", {}, np.moveaxis(X, -1, 0)),
    ("a ... -> (...) a", {}, X.reshape(2, 24).T),
    ("a b c -> (a b c)", {}, X.reshape(-1)),
    ("a b c -> a 1 b c 1", {}, X[:, None, :, :, None]),
    ("... -> ...", {}, X),
])
def test_rearrange(pattern: str, sizes: dict[str, int], expected: Any) -> None:
    """A pattern means the reshapes and transposes that it spells."""
    np.testing.assert_array_equal(reference("rearrange", X, pattern=pattern, **sizes), expected)


@pytest.mark.parametrize(("pattern", "op", "sizes", "expected"), [
    ("a b c -> a c", "mean", {}, X.mean(1)),
    ("a b c -> c a", "sum", {}, X.sum(1).T),
    ("a (b two) c -> a b c", "max", {"two": 2}, X.reshape(2, 3, 2, 4).max(2)),
    ("a ... -> a", "min", {}, X.min((1, 2))),
    ("a b c -> a 1 c", "prod", {}, X.prod(1, keepdims=True)),
    ("a b c ->", "sum", {}, X.sum()),
    ("a b c -> c b a", "sum", {}, X.T),
])
def test_reduce(pattern: str, op: str, sizes: dict[str, int], expected: Any) -> None:
    """Names that stand on the left only are reduced away."""
    close(reference("reduce", X, pattern=pattern, op=op, **sizes), expected)


@pytest.mark.parametrize(("pattern", "sizes", "expected"), [
    ("a b c -> a b c k", {"k": 3}, np.repeat(X[..., None], 3, -1)),
    ("a b c -> (k a) b c", {"k": 2}, np.concatenate([X, X])),
    ("a b c -> (a k) b c", {"k": 2}, np.repeat(X, 2, 0)),
    ("... -> n ...", {"n": 2}, np.stack([X, X])),
])
def test_repeat(pattern: str, sizes: dict[str, int], expected: Any) -> None:
    """Names that stand on the right only are repeated along."""
    np.testing.assert_array_equal(reference("repeat", X, pattern=pattern, **sizes), expected)


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(["a", "b", "c", "d"]), data=st.data())
def test_rearrange_is_undone_by_its_mirror(order: list[str], data: st.DataObject) -> None:
    """A pattern read backwards undoes it, whatever is grouped."""
    cut = data.draw(st.integers(0, 3))
    right = " ".join([*order[:cut], f"({' '.join(order[cut:])})"])
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    sizes = dict(zip("abcd", x.shape, strict=True))
    there = reference("rearrange", x, pattern=f"a b c d -> {right}", **sizes)
    back = reference("rearrange", there, pattern=f"{right} -> a b c d", **sizes)
    np.testing.assert_array_equal(back, x)


def test_gradients() -> None:
    """Gradients flow through patterns as through the operations that they mean."""
    g = np.random.default_rng(1).standard_normal((3, 2, 8))
    expected = torch_gradients(lambda t: t.reshape(2, 2, 3, 4).permute(2, 0, 3, 1).reshape(3, 2, 8), [X], g)
    close(gradients("rearrange", [X], g, pattern="a (b1 b2) c -> b2 a (c b1)", b1=2)[0], expected[0])
    close(gradients("reduce", [X], np.ones((2, 4)), pattern="a b c -> a c", op="mean")[0], np.full_like(X, 1 / 6))


def test_symbolic_sizes() -> None:
    """Named sizes go through; a symbolic axis may be split where that is provably whole."""
    b, t, h = name("B"), name("T"), name("H")
    x = TensorType(F32, (b, t, 3 * h * 64))
    y = infer("rearrange", x, pattern="b t (three h d) -> three b h t d", three=3, d=64)
    assert str(y) == "f32[3, B, H, T, 64]"
    with pytest.raises(Problem, match="cannot be proved divisible"):
        infer("rearrange", "f32[B, T]", pattern="b (t two) -> b t two", two=2)
