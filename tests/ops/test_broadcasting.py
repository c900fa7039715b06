"""Stretched and repeated axes, against PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients

from dlc.ir.op import Problem, Sample

TORCH: dict[str, Callable[..., Any]] = {
    "broadcast_to": lambda x, shape: x.broadcast_to(shape),
    "broadcast": lambda x, like: x.broadcast_to(like.shape),
    "expand": lambda x, shape: x.expand(shape),
    "tile": lambda x, repeats: x.repeat(repeats),
    "repeat_interleave": lambda x, repeats, axis: torch.repeat_interleave(x, repeats, axis),
}
CASES = [(name, s) for name in TORCH for s in samples(name)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values(operation: str, sample: Sample) -> None:
    """Every sample has the value that PyTorch computes."""
    arrays = draw(sample)
    expected = TORCH[operation](*tensors(arrays), **attributes_of(operation, sample))
    np.testing.assert_array_equal(reference(operation, *arrays, **sample.attributes), expected.numpy())


@pytest.mark.parametrize(("operation", "sample"), [(n, s) for n, s in CASES if s.operands[0].startswith("f32")])
def test_gradients(operation: str, sample: Sample) -> None:
    """The gradient of every sample is that of autograd."""
    arrays = draw(sample)
    attributes = attributes_of(operation, sample)
    g = np.random.default_rng(1).standard_normal(reference(operation, *arrays, **attributes).shape)
    expected = torch_gradients(lambda *a: TORCH[operation](*a, **attributes), arrays, g)
    close(gradients(operation, arrays, g, **attributes)[0], expected[0])


@pytest.mark.parametrize("indexing", ["ij", "xy"])
def test_meshgrid(indexing: str) -> None:
    """The grids are PyTorch's, with their gradients."""
    arrays = [np.random.default_rng(i).standard_normal(n) for i, n in enumerate((2, 3, 4))]
    found = reference("meshgrid", *arrays, indexing=indexing)
    expected = torch.meshgrid(*tensors(arrays), indexing=indexing)
    for grid, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(grid, wanted.numpy())
    cotangents = [np.random.default_rng(9).standard_normal(grid.shape) for grid in found]
    wanted = torch_gradients(lambda *xs: torch.meshgrid(*xs, indexing=indexing), arrays, *cotangents)
    for gradient, other in zip(gradients("meshgrid", arrays, *cotangents, indexing=indexing), wanted, strict=True):
        close(gradient, other)


def test_symbolic_sizes() -> None:
    """Named sizes are carried through."""
    assert str(infer("tile", "f32[N, 2]", repeats=[2, 3])) == "f32[2 * N, 6]"
    assert str(infer("expand", "f32[N, 1]", shape=[4, -1, 3])) == "f32[4, N, 3]"


@pytest.mark.parametrize(("operation", "given", "attributes", "words"), [
    ("broadcast_to", "f32[2, 3]", {"shape": [3]}, "does not broadcast"),
    ("broadcast_to", "f32[2, 3]", {"shape": [2, 1]}, "does not broadcast"),
    ("broadcast_to", "f32[N]", {"shape": [3]}, "cannot be proved equal"),
    ("expand", "f32[3]", {"shape": [-1, 3]}, "-1 stands for an axis"),
    ("tile", "f32[2, 3]", {"repeats": [2]}, "a number of repeats for each axis"),
])
def test_refusals(operation: str, given: str, attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer(operation, given, **attributes)
