"""Edges and refusals of activations."""

import numpy as np
import pytest
from op_oracle import gradients, infer, reference

from dlc.ir.op import Problem, op


def test_slopes_at_the_kink() -> None:
    """At 0 the slope of relu is 0, of leaky relu its own, of elu alpha: as in PyTorch."""
    zero = np.zeros(1)
    assert gradients("relu", [zero], np.ones(1))[0] == [0]
    assert gradients("leaky_relu", [zero], np.ones(1), slope=0.3)[0] == [0.3]
    assert gradients("elu", [zero], np.ones(1), alpha=0.5)[0] == [0.5]
    assert gradients("softplus", [zero], np.ones(1))[0] == [0.5]


@pytest.mark.parametrize("operation", ["sigmoid", "silu", "softplus", "log_sigmoid", "elu", "selu", "celu", "gelu",
                                       "mish", "tanh", "softsign", "hard_swish"])
def test_nothing_overflows(operation: str) -> None:
    """Values and slopes are finite far from 0, on both sides."""
    x = np.array([-1000.0, 1000.0])
    assert np.isfinite(reference(operation, x)).all()
    assert np.isfinite(gradients(operation, [x], np.ones(2))[0]).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_glu_halves(axis: int) -> None:
    """The gated axis is halved, and must be even."""
    shape = ["N", "N"]
    shape[axis] = "6"
    expected = list(shape)
    expected[axis] = "3"
    assert str(infer("glu", f"f32[{', '.join(shape)}]", axis=axis)) == f"f32[{', '.join(expected)}]"
    with pytest.raises(Problem, match="even size differ"):
        infer("glu", "f32[5, 5]", axis=axis)
    with pytest.raises(Problem, match="cannot be proved equal"):
        infer("glu", "f32[N, N]", axis=axis)


def test_prelu_counts_channels() -> None:
    """The slopes are one, or as many as there are channels in the layout."""
    assert str(infer("prelu", "f32[N, 3, H, W]", "f32[3]")) == "f32[N, 3, H, W]"
    assert str(infer("prelu", "f32[N, H, W, 3]", "f32[3]", layout="NHWC")) == "f32[N, H, W, 3]"
    with pytest.raises(Problem, match="the channels of `x`"):
        infer("prelu", "f32[N, 4, H, W]", "f32[3]")


@pytest.mark.parametrize(("attributes", "message"), [
    ({}, "needs a bound"), ({"min": 0.5}, "whole numbers of that type"), ({"max": 300}, "whole numbers of that type"),
    ({"min": 3, "max": 2}, "bounds in order")])
def test_clamp_of_integers(attributes: dict[str, float], message: str) -> None:
    """The bounds of integers are whole and fit their type."""
    with pytest.raises(Problem, match=message):
        infer("clamp", "u8[2]", **attributes)


def test_unknown_approximation() -> None:
    """gelu knows two forms; another word is refused with both."""
    with pytest.raises(Problem) as refusal:
        infer("gelu", "f32[2]", approximate="fast")
    assert refusal.value.expected == '"none" or "tanh"'


def test_aliases() -> None:
    """Other names that people know lead to the same operation."""
    assert op("swish") is op("silu")
    assert op("hard_silu") is op("hard_swish")
    assert op("swish").name == "silu"


def test_sparsemax_is_a_distribution() -> None:
    """The weights are not negative, add up to 1, and small scores get exactly 0."""
    y = reference("sparsemax", np.array([2.0, 1.9, -3.0]))
    assert y.sum() == pytest.approx(1)
    assert y[2] == 0
    assert (y[:2] > 0).all()
