"""Truths of reductions and statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from every_op.truth import torch_truth

Axes = tuple[int, ...]


def _one_by_one(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction over many axes by one that takes a single axis."""
    def reduction(x: Any, *, axis: Axes, keepdims: bool) -> Any:
        for i in sorted(axis, reverse=True):
            x = reduce(x, dim=i, keepdim=keepdims)
        return x
    return reduction


torch_truth("prod")(_one_by_one(torch.prod))
torch_truth("any")(_one_by_one(torch.any))
torch_truth("all")(_one_by_one(torch.all))


@torch_truth("sum")
def _sum(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return torch.sum(x, axis, keepdim=keepdims) if axis else x


@torch_truth("mean")
def _mean(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return torch.mean(x, axis, keepdim=keepdims) if axis else x


@torch_truth("max")
def _max(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return torch.amax(x, axis, keepdim=keepdims)


@torch_truth("min")
def _min(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return torch.amin(x, axis, keepdim=keepdims)


@torch_truth("argmax")
def _argmax(x: Any, *, axis: int, keepdims: bool) -> Any:
    return torch.argmax(x, axis, keepdim=keepdims)


@torch_truth("argmin")
def _argmin(x: Any, *, axis: int, keepdims: bool) -> Any:
    return torch.argmin(x, axis, keepdim=keepdims)


@torch_truth("cumsum")
def _cumsum(x: Any, *, axis: int) -> Any:
    return torch.cumsum(x, axis)


@torch_truth("cumprod")
def _cumprod(x: Any, *, axis: int) -> Any:
    return torch.cumprod(x, axis)


@torch_truth("logsumexp")
def _logsumexp(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return torch.logsumexp(x, axis, keepdim=keepdims)


@torch_truth("variance")
def _variance(x: Any, *, axis: Axes, keepdims: bool, correction: float) -> Any:
    n = np.prod([x.shape[i] for i in axis])
    return torch.var(x, axis, correction=0, keepdim=keepdims) * n / (n - correction)


@torch_truth("std")
def _std(x: Any, *, axis: Axes, keepdims: bool, correction: float) -> Any:
    return torch.std(x, axis, correction=correction, keepdim=keepdims)


@torch_truth("norm")
def _norm(x: Any, *, p: float, axis: Axes, keepdims: bool) -> Any:
    return torch.linalg.vector_norm(x, p, axis, keepdims)
