"""Pixel and channel shuffling against PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample

TORCH: dict[str, Any] = {"pixel_shuffle": F.pixel_shuffle, "pixel_unshuffle": F.pixel_unshuffle,
                         "channel_shuffle": F.channel_shuffle}


def torch_shuffle(operation: str, x: Any, layout: str, number: int) -> Any:
    if layout == "NCHW":
        return TORCH[operation](x, number)
    return TORCH[operation](x.movedim(-1, 1), number).movedim(1, -1)


@pytest.mark.parametrize(("operation", "sample"), [(n, s) for n in TORCH for s in samples(n)])
def test_values_and_gradients(operation: str, sample: Sample) -> None:
    """Every sample has PyTorch's value, in both layouts, and its gradient."""
    (x,) = draw(sample)
    attributes = attributes_of(operation, sample)
    number = next(v for k, v in attributes.items() if k != "layout")
    function = lambda t: torch_shuffle(operation, t, attributes["layout"], number)  # noqa: E731
    y = function(torch.tensor(x))
    close(reference(operation, x, **sample.attributes), y, 0)
    if x.dtype == np.float64:
        g = np.random.default_rng(1).standard_normal(y.shape)
        close(gradients(operation, [x], g, **sample.attributes)[0], torch_gradients(function, [x], g)[0], 0)


def test_named_sizes() -> None:
    """Named sizes are multiplied, and divided where that is known to be exact."""
    y = infer("pixel_shuffle", "f32[N, 8, H, W]", factor=2)
    assert y.shape == (name("N"), 2, 2 * name("H"), 2 * name("W"))
    assert infer("pixel_unshuffle", y, factor=2).shape == (name("N"), 8, name("H"), name("W"))


@pytest.mark.parametrize(("operation", "operand", "attributes", "message"), [
    ("pixel_shuffle", "f32[2, 3, 4]", {"factor": 2}, "takes images"),
    ("pixel_shuffle", "f32[2, 6, 4, 4]", {"factor": 2}, "divided into pixels"),
    ("pixel_shuffle", "f32[2, 6, 4, 4]", {"factor": 0}, "`factor`"),
    ("pixel_unshuffle", "f32[2, 6, 5, 4]", {"factor": 2}, "divided by the factor"),
    ("pixel_unshuffle", "f32[2, 6, H, 4]", {"factor": 2}, "divided by the factor"),
    ("channel_shuffle", "f32[2, 5, 4]", {"groups": 2}, "divided into groups"),
])
def test_refusals(operation: str, operand: str, attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer(operation, operand, **attributes)
