"""Losses never broadcast, and say which axis or size is wrong."""

import numpy as np
import pytest
from op_oracle import infer as infer_all
from op_oracle import reference

from dlc.ir.op import Problem, op

PAIRS = ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "kl_div", "binary_cross_entropy",
         "binary_cross_entropy_with_logits", "poisson_nll_loss", "hinge_loss", "focal_loss", "log_cosh_loss"]


def infer(operation: str, *types: str | None, **attributes: object) -> object:
    """The inferred type of a loss; operands that are not named are left out."""
    missing = len(op(operation).operands) - len(types)
    return infer_all(operation, *types, *[None] * missing, **attributes)


@pytest.mark.parametrize("operation", PAIRS)
def test_no_broadcast(operation: str) -> None:
    """[N, 1] against [N] is the classic mistake: it would average over N² pairs."""
    with pytest.raises(Problem, match="does not broadcast"):
        infer(operation, "f32[N, 1]", "f32[N]")
    with pytest.raises(Problem, match="axis 1 of `x` and `target` differ"):
        infer(operation, "f32[N, 1]", "f32[N, 3]")


@pytest.mark.parametrize("operation", PAIRS)
def test_reductions(operation: str) -> None:
    """A loss is a scalar, or has the shape of the prediction."""
    assert str(infer(operation, "f32[N, 3]", "f32[N, 3]")) == "f32"
    assert str(infer(operation, "f32[N, 3]", "f32[N, 3]", reduction="sum")) == "f32"
    assert str(infer(operation, "f32[N, 3]", "f32[N, 3]", reduction="none")) == "f32[N, 3]"
    with pytest.raises(Problem) as refusal:
        infer(operation, "f32[N, 3]", "f32[N, 3]", reduction="average")
    assert '"mean"' in str(refusal.value.expected)


def test_cross_entropy_shapes() -> None:
    """Integer targets lack the axis of the classes, probabilities have it."""
    assert str(infer("cross_entropy", "f32[B, T, V]", "i64[B, T]", None, reduction="none")) == "f32[B, T]"
    assert str(infer("cross_entropy", "f32[B, C, H, W]", "i64[B, H, W]", None, axis=1)) == "f32"
    assert str(infer("cross_entropy", "f32[B, C]", "f32[B, C]", None)) == "f32"
    with pytest.raises(Problem, match="does not broadcast"):
        infer("cross_entropy", "f32[B, C]", "i64[B, 1]", None)
    with pytest.raises(Problem, match="the classes and the size of `weight`"):
        infer("cross_entropy", "f32[B, 3]", "i64[B]", "f32[4]")


def test_cross_entropy_options() -> None:
    """Smoothing is a part of the whole; what is ignored is an integer."""
    with pytest.raises(Problem, match="part of the whole"):
        infer("cross_entropy", "f32[B, 3]", "i64[B]", None, label_smoothing=1.5)
    with pytest.raises(Problem, match="needs integer targets"):
        infer("cross_entropy", "f32[B, 3]", "f32[B, 3]", None, ignore_index=-100)


def test_large_scores() -> None:
    """A cross-entropy of scores in the thousands neither overflows nor loses the difference."""
    loss = reference("cross_entropy", np.array([[1000.0, 1002.0]]), np.array([0]), None)
    assert loss == pytest.approx(2 + np.log1p(np.exp(-2)))


def test_everything_ignored() -> None:
    """The mean over no targets is not a number, as in PyTorch; the sum is 0."""
    x, target = np.zeros((2, 3)), np.array([-100, -100])
    assert np.isnan(reference("cross_entropy", x, target, None, ignore_index=-100))
    assert reference("cross_entropy", x, target, None, ignore_index=-100, reduction="sum") == 0


def test_weight_broadcasts_to_the_prediction_only() -> None:
    """A weight may stretch, but never makes the loss larger than the prediction."""
    assert str(infer("binary_cross_entropy", "f32[N, 3]", "f32[N, 3]", "f32[3]")) == "f32"
    with pytest.raises(Problem, match="larger than `x`"):
        infer("binary_cross_entropy", "f32[3]", "f32[3]", "f32[2, 3]")


def test_targets_of_distances() -> None:
    """The target of an embedding loss has the batch axes alone."""
    assert str(infer("cosine_embedding_loss", "f32[N, 8]", "f32[N, 8]", "f32[N]")) == "f32"
    with pytest.raises(Problem, match="does not broadcast"):
        infer("cosine_embedding_loss", "f32[N, 8]", "f32[N, 8]", "f32[N, 1]")
