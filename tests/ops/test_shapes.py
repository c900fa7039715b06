"""Shape operations against PyTorch and numpy in float64, and what their type rules say of symbolic sizes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients

from dlc.ir.op import Problem, Sample

TORCH: dict[str, Callable[..., Any]] = {
    "reshape": lambda x, shape: x.reshape(shape),
    "flatten": lambda x, start, end: torch.flatten(x, start, end),
    "unflatten": lambda x, shape, axis: torch.unflatten(x, axis, shape),
    "transpose": lambda x, axes: x.permute(axes),
    "swap_axes": lambda x, first, second: x.swapaxes(first, second),
    "squeeze": lambda x, axis: torch.squeeze(x, axis),
    "unsqueeze": lambda x, axis: np.expand_dims(x, axis) if isinstance(x, np.ndarray) else _unsqueeze(x, axis),
}


def _unsqueeze(x: torch.Tensor, axis: tuple[int, ...]) -> torch.Tensor:
    for place in axis:
        x = x.unsqueeze(place)
    return x


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


@pytest.mark.parametrize(("operation", "given", "attributes", "expected"), [
    ("reshape", "f32[N, 12]", {"shape": [-1, 3]}, "f32[4 * N, 3]"),
    ("reshape", "f32[N, C, H]", {"shape": [-1]}, "f32[C * H * N]"),
    ("flatten", "f32[N, 32, 7, 7]", {}, "f32[N, 1568]"),
    ("flatten", "f32[N, C, H, W]", {}, "f32[N, C * H * W]"),
    ("unflatten", "f32[N, 12]", {"shape": [3, -1]}, "f32[N, 3, 4]"),
    ("transpose", "f32[N, C, H]", {"axes": [0, 2, 1]}, "f32[N, H, C]"),
    ("squeeze", "f32[N, 1]", {}, "f32[N]"),
    ("unsqueeze", "f32[N]", {"axis": [0, 2]}, "f32[1, N, 1]"),
])
def test_symbolic_sizes(operation: str, given: str, attributes: dict[str, Any], expected: str) -> None:
    """Named sizes are carried through."""
    assert str(infer(operation, given, **attributes)) == expected


@pytest.mark.parametrize(("operation", "given", "attributes", "words"), [
    ("reshape", "f32[2, 3]", {"shape": [4]}, "numbers of elements before and after `reshape` differ"),
    ("reshape", "f32[2, 3]", {"shape": [-1, -1]}, "only one size"),
    ("reshape", "f32[2, 3]", {"shape": [-1, 4]}, "cannot be split"),
    ("reshape", "f32[N, 3]", {"shape": [-1, 2]}, "cannot be proved whole"),
    ("reshape", "f32[N, 3]", {"shape": [3, 3]}, "cannot be proved equal"),
    ("reshape", "f32[6]", {"shape": [-2, -3]}, "negative"),
    ("flatten", "f32[2, 3]", {"start": 2}, "no such axis"),
    ("flatten", "f32[2, 3]", {"start": 1, "end": 0}, "ends before"),
    ("transpose", "f32[2, 3]", {"axes": [0, 0]}, "every axis once"),
    ("transpose", "f32[2, 3]", {"axes": [0]}, "every axis once"),
    ("squeeze", "f32[2, 1]", {"axis": 0}, "is not 1"),
    ("squeeze", "f32[N, 1]", {"axis": 0}, "is not 1"),
    ("unsqueeze", "f32[2]", {"axis": 3}, "no such place"),
    ("unsqueeze", "f32[2]", {"axis": [0, 0]}, "no such place"),
])
def test_refusals(operation: str, given: str, attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer(operation, given, **attributes)


def test_negative_axes_of_flatten() -> None:
    """Axes counted from the end mean the same as axes counted from the start."""
    assert infer("flatten", "f32[2, 3, 4]", start=-2, end=-1) == infer("flatten", "f32[2, 3, 4]", start=1, end=2)
