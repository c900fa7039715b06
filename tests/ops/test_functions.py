"""Edges and refusals of functions of one number."""

import numpy as np
import pytest
from op_oracle import gradients, infer

from dlc.ir.op import Problem


def test_slope_of_logit_at_the_ends() -> None:
    """At 0 and 1, where the result is infinite, so is the slope: as in PyTorch."""
    assert gradients("logit", [np.array([0.0, 0.5, 1.0])], np.ones(3))[0].tolist() == [np.inf, 4, np.inf]


@pytest.mark.parametrize("eps", [-0.1, 0.6, float("nan")])
def test_logit_needs_an_interval(eps: float) -> None:
    """The bounds eps and 1 - eps are numbers from 0 to 1, in order."""
    with pytest.raises(Problem, match="leaves an interval"):
        infer("logit", "f32[2]", eps=eps)
