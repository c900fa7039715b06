"""Elements written at the places that indices name, against PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients

from dlc.ir.op import Problem, Sample

REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _wrapped(index: torch.Tensor, size: int) -> torch.Tensor:
    return torch.where(index < 0, index + size, index).long()


def _scatter(x: torch.Tensor, index: torch.Tensor, updates: torch.Tensor, axis: int, reduction: str) -> torch.Tensor:
    index = _wrapped(index, x.shape[axis])
    if reduction == "none":
        return x.scatter(axis, index, updates)
    return x.scatter_reduce(axis, index, updates, REDUCTIONS[reduction])


def _scatter_nd(x: torch.Tensor, index: torch.Tensor, updates: torch.Tensor, reduction: str) -> torch.Tensor:
    places = tuple(index.long().unbind(-1))
    if reduction == "max":
        return x.scatter_reduce(0, index[:, 0], updates, "amax")
    return x.index_put(places, updates, accumulate=reduction == "add")


TORCH: dict[str, Callable[..., Any]] = {
    "scatter": _scatter,
    "gather_nd": lambda x, index: x[tuple(index.long().unbind(-1))],
    "scatter_nd": _scatter_nd,
}
CASES = [(operation, s) for operation in TORCH for s in samples(operation)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values(operation: str, sample: Sample) -> None:
    """Every sample has the value that PyTorch computes."""
    arrays = draw(sample)
    expected = TORCH[operation](*tensors(arrays), **attributes_of(operation, sample))
    close(reference(operation, *arrays, **sample.attributes), expected.numpy())


def differentiable(sample: Sample) -> bool:
    return sample.gradient and any(a is not None and a.type.startswith("f") for a in sample.arguments)


@pytest.mark.parametrize(("operation", "sample"), [(n, s) for n, s in CASES if differentiable(s)])
def test_gradients(operation: str, sample: Sample) -> None:
    """The gradients of every sample are those of autograd."""
    arrays = draw(sample)
    attributes = attributes_of(operation, sample)
    g = np.random.default_rng(1).standard_normal(reference(operation, *arrays, **attributes).shape)
    expected = torch_gradients(lambda *a: TORCH[operation](*a, **attributes), arrays, g)
    for found, wanted in zip(gradients(operation, arrays, g, **attributes), expected, strict=True):
        assert (found is None) == (wanted is None)
        if wanted is not None:
            close(found, wanted)


@pytest.mark.parametrize(("operation", "types", "attributes", "words"), [
    ("scatter", ["f32[2, 3]", "i64[2, 2]", "f32[2, 3]"], {}, "axis 1 of `updates`"),
    ("scatter", ["f32[3]", "i64[3]", "f32[3]"], {"reduction": "sum"}, "cannot take this as `reduction`"),
    ("gather_nd", ["f32[3]", "i64[4, 2]"], {}, "length of the index tuples"),
    ("gather_nd", ["f32[3]", "i64[4, K]"], {}, "length of the index tuples"),
    ("scatter_nd", ["f32[3, 4]", "i64[2, 1]", "f32[2, 3]"], {}, "axis 1 of `updates`"),
])
def test_refusals(operation: str, types: list[str], attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer(operation, *types, **attributes)


def test_maximum_has_no_gradient_through_scatter() -> None:
    """A scatter that takes the maximum says that it cannot be differentiated."""
    with pytest.raises(Problem, match="has no gradient"):
        gradients("scatter", [np.ones(3), np.array([0]), np.ones(1)], np.ones(3), reduction="max")
