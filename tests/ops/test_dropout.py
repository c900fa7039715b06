"""Dropout and noise are the identity in evaluation and keep their attributes."""

import pytest
import torch
from op_oracle import close, draw, infer, reference, samples

from dlc.ir.op import Problem, Sample

MODULES = {
    "dropout": torch.nn.Dropout, "dropout1d": torch.nn.Dropout1d, "dropout2d": torch.nn.Dropout2d,
    "dropout3d": torch.nn.Dropout3d, "alpha_dropout": torch.nn.AlphaDropout,
}
CASES = [(n, s) for n in [*MODULES, "gaussian_noise", "gaussian_dropout"] for s in samples(n)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values(operation: str, sample: Sample) -> None:
    """Every sample gives back its operand, as PyTorch's modules do in evaluation."""
    (x,) = draw(sample)
    y = reference(operation, x, **sample.attributes)
    close(y, x, tolerance=0)
    if operation in MODULES:
        close(y, MODULES[operation]().eval()(torch.tensor(x)), tolerance=0)


@pytest.mark.parametrize(("operation", "operand", "p", "message"), [
    ("dropout", "f32[2]", 1.0, "`p`"), ("dropout", "f32[2]", -0.1, "`p`"), ("dropout", "i64[2]", 0.5, "floating-point"),
    ("dropout2d", "f32[2, 3, 4]", 0.5, "2 spatial axes"), ("alpha_dropout", "f32[2]", 1.5, "`p`"),
    ("gaussian_dropout", "f32[2]", 1.0, "`p`"),
])
def test_refusals(operation: str, operand: str, p: float, message: str) -> None:
    """A probability outside of [0, 1) and a wrong rank or element type are refused."""
    with pytest.raises(Problem, match=message):
        infer(operation, operand, p=p)


def test_noise_is_not_negative() -> None:
    """A negative standard deviation is refused."""
    with pytest.raises(Problem, match="`std`"):
        infer("gaussian_noise", "f32[2]", std=-1)
