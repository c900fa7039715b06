"""Shapes and refusals of matmul and einsum."""

import numpy as np
import pytest
from op_oracle import infer, reference

from dlc.ir.op import Problem


@pytest.mark.parametrize(("x", "y", "result"), [
    ("f32[N, K]", "f32[K, M]", "f32[N, M]"), ("f32[B, N, K]", "f32[K, M]", "f32[B, N, M]"),
    ("f32[K]", "f32[K]", "f32"), ("f32[K]", "f32[B, K, M]", "f32[B, M]"), ("f32[B, N, K]", "f32[K]", "f32[B, N]"),
    ("f32[B, 1, N, K]", "f32[H, K, M]", "f32[B, H, N, M]")])
def test_matmul_shapes(x: str, y: str, result: str) -> None:
    """The shapes of matrices, vectors and batches, with names."""
    assert str(infer("matmul", x, y)) == result


def test_matmul_inner_sizes() -> None:
    """The axes that are summed must agree."""
    with pytest.raises(Problem, match="the last axis of `x` and the rows of `y` differ"):
        infer("matmul", "f32[2, 3]", "f32[4, 5]")
    with pytest.raises(Problem, match="cannot be proved equal"):
        infer("matmul", "f32[2, K]", "f32[J, 5]")


def test_matmul_of_a_scalar() -> None:
    """A scalar is multiplied with `*`."""
    with pytest.raises(Problem) as refusal:
        infer("matmul", "f32", "f32[2]")
    assert refusal.value.hint == "multiply by a scalar with `*`"


@pytest.mark.parametrize(("equation", "shapes", "result"), [
    ("bij,bjk->bik", ("f32[B, I, J]", "f32[B, J, K]"), "f32[B, I, K]"),
    ("...ij,...jk->...ik", ("f32[A, B, I, J]", "f32[B, J, K]"), "f32[A, B, I, K]"),
    ("ij,jk", ("f32[I, J]", "f32[J, K]"), "f32[I, K]"), ("ba", ("f32[B, A]",), "f32[A, B]"),
    ("ii", ("f32[N, N]",), "f32"), ("i...->...", ("f32[N, A, B]",), "f32[A, B]")])
def test_einsum_shapes(equation: str, shapes: tuple[str, ...], result: str) -> None:
    """Labels, ellipses, and the implicit result."""
    assert str(infer("einsum", *shapes, equation=equation)) == result


@pytest.mark.parametrize(("equation", "shapes", "message"), [
    ("ij,jk->ik", ("f32[2, 3]",), "another number of tensors"), ("ij->ji", ("f32[2, 3, 4]",), "does not fit"),
    ("i1->i", ("f32[2, 3]",), "cannot be read"), ("ij->ik", ("f32[2, 3]",), "is in no term"),
    ("ij->ii", ("f32[2, 3]",), "occurs twice"), ("ij,jk->ik", ("f32[2, 3]", "f32[4, 5]"), "the sizes of `j`"),
    ("......->", ("f32[2]",), "cannot be read")])
def test_einsum_mistakes(equation: str, shapes: tuple[str, ...], message: str) -> None:
    """Every mistake in an equation is a sentence that names the term or label."""
    with pytest.raises(Problem, match=message):
        infer("einsum", *shapes, equation=equation)


def test_einsum_stretches_a_literal_one() -> None:
    """An axis of size 1 stretches to the size that its label has elsewhere."""
    x, y = np.ones((1, 3)), np.arange(8.0).reshape(2, 4)
    np.testing.assert_array_equal(reference("einsum", x, y, equation="ij,ik->jk"), np.tile(y.sum(0), (3, 1)))
