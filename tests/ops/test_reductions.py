"""Shapes, refusals and edges of reductions and statistics."""

import numpy as np
import pytest
from op_oracle import gradients, infer, reference

from dlc.ir.op import Problem


@pytest.mark.parametrize(("attributes", "result"), [
    ({}, "f32"), ({"keepdims": True}, "f32[1, 1, 1]"), ({"axis": 1}, "f32[A, C]"), ({"axis": [0, -1]}, "f32[B]"),
    ({"axis": [-1, 0], "keepdims": True}, "f32[1, B, 1]"), ({"axis": []}, "f32[A, B, C]")])
@pytest.mark.parametrize("operation", ["sum", "mean", "max", "variance", "norm", "logsumexp"])
def test_shapes(operation: str, attributes: dict[str, object], result: str) -> None:
    """One axis, several, negative ones, none and all."""
    assert str(infer(operation, "f32[A, B, C]", **attributes)) == result


def test_axis_outside() -> None:
    """An axis that does not exist is refused with the ones that do."""
    with pytest.raises(Problem) as refusal:
        infer("sum", "f32[2, 3]", axis=2)
    assert refusal.value.expected == "an axis from -2 to 1 (the tensor has rank 2)"


def test_axis_twice() -> None:
    """The same axis twice, also by different names, is refused."""
    with pytest.raises(Problem) as refusal:
        infer("sum", "f32[2, 3]", axis=[1, -1])
    assert refusal.value.expected == "axes that are all different"


@pytest.mark.parametrize("operation", ["max", "min", "argmax", "logsumexp", "softmax"])
def test_nothing_to_choose_from(operation: str) -> None:
    """The greatest of no elements does not exist."""
    with pytest.raises(Problem, match="of no elements"):
        infer(operation, "f32[0]")


def test_sum_of_nothing() -> None:
    """The sum of no elements is 0, the product 1."""
    assert reference("sum", np.zeros((0, 2)), axis=0).tolist() == [0, 0]
    assert reference("prod", np.zeros((0, 2)), axis=0).tolist() == [1, 1]


def test_product_with_zeros() -> None:
    """The gradient of a product is the product of the others, with one zero and with two."""
    (slopes,) = gradients("prod", [np.array([[2.0, 0.0, 3.0], [0.0, 5.0, 0.0]])], np.ones(2), axis=1)
    np.testing.assert_array_equal(slopes, [[0, 6, 0], [0, 0, 0]])


def test_ties_share() -> None:
    """Equal greatest elements share the gradient."""
    (slopes,) = gradients("max", [np.array([1.0, 3.0, 3.0])], np.array(1.0))
    np.testing.assert_array_equal(slopes, [0, 0.5, 0.5])


def test_first_of_equals() -> None:
    """argmax is the first index of the greatest."""
    assert reference("argmax", np.array([1.0, 3.0, 3.0])) == 1


def test_variance_far_from_zero() -> None:
    """The mean is taken out before squaring: no digits are lost at a large offset."""
    x = (np.arange(10) + 1e6).astype(np.float32)
    np.testing.assert_allclose(reference("variance", x), 8.25, rtol=1e-6)


def test_any_takes_bool() -> None:
    """`any` of numbers is refused: compare first."""
    with pytest.raises(Problem, match="takes bool"):
        infer("any", "f32[2]")


def test_norm_of_power_zero() -> None:
    """Counting what is not zero is no norm."""
    with pytest.raises(Problem, match="needs a power"):
        infer("norm", "f32[2]", p=0)
