"""Sizes read from the shapes of tensors at hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dlc.ir.dim import Dim, divisible, evaluate, maximum, minimum, name, substitute
from dlc.ir.types import F32, TensorType
from dlc.targets.source.code import plain
from dlc.targets.source.dims import Sizes, UnknownSize

N, H, W = name("N"), name("H"), name("W")


def _dims() -> st.SearchStrategy[Dim]:
    leaves = st.sampled_from([N, H, W]) | st.integers(0, 5)
    return st.recursive(leaves, lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda t: t[0] + t[1]),
        st.tuples(inner, inner).map(lambda t: t[0] - t[1]),
        st.tuples(inner, inner).map(lambda t: t[0] * t[1]),
        st.tuples(inner, st.integers(1, 4)).map(lambda t: t[0] // t[1]),
        st.tuples(inner, inner).map(lambda t: maximum(*t)),
        st.tuples(inner, inner).map(lambda t: minimum(*t))), max_leaves=6)


@given(_dims(), st.tuples(*[st.integers(1, 9)] * 3), st.booleans())
def test_expression_has_the_value_of_the_dim(dim: Dim, numbers: tuple[int, ...], shifted: bool) -> None:
    """Evaluated on real shapes, the expression is the number that the dim stands for."""
    shape: tuple[Dim, ...] = (N, 2 * H, W + 3) if shifted else (N * 4, H, W)
    sizes = dict(zip(("N", "H", "W"), numbers, strict=True))
    x = SimpleNamespace(shape=[evaluate(d, sizes) for d in shape])
    text = plain(Sizes([("x", TensorType(F32, shape))]).expression(dim))
    assert eval(text, {"x": x, "min": min, "max": max}) == evaluate(dim, sizes)


@pytest.mark.parametrize(("shape", "dim", "expected"), [
    ((N, 64), N, "x.shape[0]"),
    ((N, H * W), H * W, "x.shape[1]"),
    ((N, H), 2 * H, "2 * x.shape[1]"),
    ((2 * H,), H, "x.shape[0] // 2"),
    ((H,), H + 1, "x.shape[0] + 1"),
    ((N, H), N * H, "x.shape[1] * x.shape[0]"),
])
def test_as_people_write(shape: tuple[Dim, ...], dim: Dim, expected: str) -> None:
    """The nearest axis is used, without detours."""
    found = plain(Sizes([("x", TensorType(F32, shape))]).expression(dim))
    assert sorted(found.split()) == sorted(expected.split())


@given(st.integers(1, 5), st.integers(1, 9))
def test_exact_quotients(divisor: int, count: int) -> None:
    """A size that was assumed divisible is divided without rounding."""
    assume(divisor > 1)
    known = divisible(H, divisor)
    assert known is not None
    axis = substitute(H, known)
    text = plain(Sizes([("x", TensorType(F32, (axis,)))]).expression(axis // divisor))
    assert eval(text, {"x": SimpleNamespace(shape=[divisor * count])}) == count


def test_unknown_size_is_reported() -> None:
    """A size that no tensor has raises, naming it."""
    with pytest.raises(UnknownSize, match="H"):
        Sizes([("x", TensorType(F32, (N,)))]).expression(N * H)
