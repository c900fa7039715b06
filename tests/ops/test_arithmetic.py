"""What arithmetic refuses, and what it means at its edges."""

import numpy as np
import pytest
from op_oracle import gradients, infer, reference

from dlc.ir.op import Problem


def test_broadcast_is_literal() -> None:
    """A literal 1 or a missing leading axis stretches; the result keeps the names."""
    assert str(infer("add", "f32[N, 1, C]", "f32[H, C]")) == "f32[N, H, C]"
    assert str(infer("mul", "f32[1]", "f32[N]")) == "f32[N]"


def test_names_never_broadcast() -> None:
    """Two different names are not assumed to be equal, nor one of them to be 1; the hint says what to write."""
    with pytest.raises(Problem, match="cannot be proved equal") as refusal:
        infer("add", "f32[N]", "f32[M]")
    assert refusal.value.code == "E0231"
    assert refusal.value.hint == "if they are always equal, say so: `assume N == M`"


def test_numbers_differ() -> None:
    """Sizes that are known to differ are an error that names the axis."""
    with pytest.raises(Problem, match="differ on axis -2") as refusal:
        infer("sub", "f32[2, 3, 4]", "f32[2, 5, 4]")
    assert refusal.value.at == ("x", "y")


def test_element_types_must_agree() -> None:
    """Nothing is converted silently."""
    with pytest.raises(Problem) as refusal:
        infer("add", "f32[2]", "i64[2]")
    assert refusal.value.hint == "convert one: `cast(y, f32)`"


def test_integers_are_not_divided() -> None:
    """Division of integers is refused with both ways out."""
    with pytest.raises(Problem, match="does not divide integers") as refusal:
        infer("div", "i64[2]", "i64[2]")
    assert "floor_divide" in str(refusal.value.hint)
    assert "cast" in str(refusal.value.hint)


@pytest.mark.parametrize(("operation", "expected"), [
    ("floor_divide", [2, -3, -3, 2]), ("remainder", [1, 2, -2, -1]), ("fmod", [1, -1, 1, -1])])
def test_signs_of_integer_division(operation: str, expected: list[int]) -> None:
    """7 and -7 by 3 and -3: quotients round down, `remainder` has the sign of y, `fmod` that of x."""
    x, y = np.array([7, -7, 7, -7]), np.array([3, 3, -3, -3])
    np.testing.assert_array_equal(reference(operation, x, y), expected)


def test_powers_of_zero() -> None:
    """0**0 is 1, and the gradients at 0 are finite where the slope is."""
    x, y = np.array([0.0, 0.0, 2.0]), np.array([0.0, 2.0, 0.0])
    np.testing.assert_array_equal(reference("pow", x, y), [1, 0, 1])
    dx, _ = gradients("pow", [x, y], np.ones(3))
    np.testing.assert_array_equal(dx, [0, 0, 0])


def test_negative_powers_of_integers() -> None:
    """A negative power of an integer is rounded towards zero."""
    found = reference("pow", np.array([2, 1, -1, -1]), np.array([-1, -2, -3, -2]))
    np.testing.assert_array_equal(found, [0, 1, -1, 1])


def test_extremes_share_a_tie() -> None:
    """Where both are equal each receives half of the gradient."""
    dx, dy = gradients("maximum", [np.array([1.0, 2.0]), np.array([1.0, 3.0])], np.ones(2))
    np.testing.assert_array_equal(dx, [0.5, 0])
    np.testing.assert_array_equal(dy, [0.5, 1])


@pytest.mark.parametrize("operation", ["logical_and", "logical_or", "logical_xor"])
def test_logic_takes_bool(operation: str) -> None:
    """Numbers are not truth values."""
    with pytest.raises(Problem, match="takes bool"):
        infer(operation, "f32[2]", "bool[2]")


def test_comparison_gives_bool() -> None:
    """The result of a comparison is bool in the broadcast shape."""
    assert str(infer("less", "f32[N, 3]", "f32[3]")) == "bool[N, 3]"


def test_order_of_bool_is_refused() -> None:
    """true and false may be equal or not, but neither is less."""
    assert str(infer("equal", "bool[2]", "bool[2]")) == "bool[2]"
    with pytest.raises(Problem):
        infer("less", "bool[2]", "bool[2]")
