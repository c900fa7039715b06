"""Choosing and writing elements by masks and indices, against PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients

from dlc.ir.op import Problem, Sample


def _wrapped(index: torch.Tensor, size: int) -> torch.Tensor:
    return torch.where(index < 0, index + size, index).long()


def _take(x: torch.Tensor, index: torch.Tensor, axis: int) -> torch.Tensor:
    places = [slice(None)] * x.ndim
    places[axis] = _wrapped(index, x.shape[axis])  # type: ignore[call-overload]
    return x[tuple(places)]


def _index_update(x: torch.Tensor, index: torch.Tensor, updates: torch.Tensor, axis: int, reduction: str
                  ) -> torch.Tensor:
    flat = _wrapped(index, x.shape[axis]).reshape(-1)
    rows = updates.reshape([*x.shape[:axis], -1, *x.shape[axis + 1:]])
    return x.index_add(axis, flat, rows) if reduction == "add" else x.index_copy(axis, flat, rows)


TORCH: dict[str, Callable[..., Any]] = {
    "where": torch.where,
    "masked_fill": lambda x, mask, value: x.masked_fill(mask, value),
    "gather": _take,
    "index_update": _index_update,
    "take_along_axis": lambda x, index, axis: torch.take_along_dim(x, _wrapped(index, x.shape[axis]), axis),
    "one_hot": lambda x, classes, dtype: torch.nn.functional.one_hot(x.long(), classes),
    "diagonal": lambda x, offset, first, second: torch.diagonal(x, offset, first, second),
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
    ("where", ["f32[2]", "f32[2]", "f32[2]"], {}, "takes bool as `condition`"),
    ("where", ["bool[2]", "f32[2]", "i64[2]"], {}, "element types"),
    ("where", ["bool[3]", "f32[2]", "f32[2]"], {}, "differ on axis"),
    ("gather", ["f32[3]", "f32[2]"], {}, "i32 or i64"),
    ("gather", ["f32", "i64[2]"], {}, "cannot take this as `axis`"),
    ("take_along_axis", ["f32[2, 3]", "i64[3]"], {}, "needs the rank"),
    ("take_along_axis", ["f32[2, 3]", "i64[3, 3]"], {}, "axis 0 of `x` and of `index` differ"),
    ("index_update", ["f32[3, 4]", "i64[2]", "f32[2]"], {}, "`updates` has the wrong rank"),
    ("diagonal", ["f32[3, 3]"], {"first": 1, "second": -1}, "needs two axes"),
])
def test_refusals(operation: str, types: list[str], attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer(operation, *types, **attributes)


def test_symbolic_sizes() -> None:
    """Named sizes are carried through."""
    assert str(infer("gather", "f32[V, D]", "i64[B, T]")) == "f32[B, T, D]"
    assert str(infer("one_hot", "i64[B, T]", classes=10)) == "f32[B, T, 10]"
    assert str(infer("diagonal", "f32[B, N, N]")) == "f32[B, N]"
