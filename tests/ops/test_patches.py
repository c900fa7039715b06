"""Unfolding against PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample


def torch_unfold(x: Any, *, kernel: Any, stride: Any, pad: Any, dilation: Any) -> Any:
    """The same by PyTorch, which knows images only and pads evenly."""
    x = F.pad(x, [w for pair in reversed(pad) for w in pair])
    if len(kernel) == 1:
        x, kernel, stride, dilation = x.unsqueeze(2), (1, *kernel), (1, *stride), (1, *dilation)
    return F.unfold(x.double(), kernel, dilation, 0, stride).to(x.dtype)


@pytest.mark.parametrize("sample", samples("unfold"))
def test_values_and_gradients(sample: Sample) -> None:
    """Every sample has PyTorch's columns in their order, and its gradient."""
    (x,) = draw(sample)
    function = lambda t: torch_unfold(t, **attributes_of("unfold", sample))  # noqa: E731
    y = function(torch.tensor(x))
    close(reference("unfold", x, **sample.attributes), y, 0)
    if x.dtype == np.float64:
        g = np.random.default_rng(1).standard_normal(y.shape)
        close(gradients("unfold", [x], g, **sample.attributes)[0], torch_gradients(function, [x], g)[0])


def test_named_sizes() -> None:
    """The number of windows is the product of those along each axis."""
    h, w = name("H"), name("W")
    assert infer("unfold", "f32[N, 3, H, W]", kernel=3, pad=1).shape == (name("N"), 27, h * w)


@pytest.mark.parametrize(("operand", "attributes", "message"), [
    ("f32[2, 3]", {"kernel": []}, "spatial axes"), ("f32[2, 3, 4]", {"kernel": 5}, "larger than its input"),
    ("f32[2, 3, 4]", {"kernel": 0}, "`kernel`"), ("f32[2, 3, 4]", {"kernel": 2, "pad": "same"}, "ambiguous"),
])
def test_refusals(operand: str, attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer("unfold", operand, **attributes)
