"""Random numbers in a given floating-point type."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, prod, sqrt
from typing import Any

import numpy as np

from dlc.ir.types import Array

Rng = np.random.Generator


def between(shape: tuple[int, ...], rng: Rng, dtype: np.dtype[Any], low: float, high: float) -> Array:
    """Evenly distributed numbers from low up to high."""
    values: Array = rng.random(shape, dtype=dtype.type)
    values *= dtype.type(high - low)
    values += dtype.type(low)
    return np.clip(values, low, high, out=values)


def standard_normal(shape: tuple[int, ...], rng: Rng, dtype: np.dtype[Any]) -> Array:
    """Normally distributed numbers with mean 0 and standard deviation 1."""
    values: Array = rng.standard_normal(shape, dtype=dtype.type)
    return values


def truncated_normal(shape: tuple[int, ...], rng: Rng, dtype: np.dtype[Any], mean: float, std: float, low: float,
                     high: float) -> Array:
    """Normally distributed numbers, those outside of low to high drawn again.

    Where the interval holds little of the distribution, numbers are proposed evenly from the part of it that matters
    and accepted in proportion to their density; the result is the same distribution.
    """
    if std == 0:
        return np.full(shape, min(max(mean, low), high), dtype)
    a, b = (low - mean) / std, (high - mean) / std
    share = 0.5 * (erf(b / sqrt(2)) - erf(a / sqrt(2)))
    propose = _from_normal(a, b) if share > 0.25 else _from_even(a, b)
    values = _accepted(prod(shape), rng, propose).reshape(shape)
    return np.clip(values * std + mean, low, high).astype(dtype)


Propose = Callable[[Rng, int], Array]


def _from_normal(a: float, b: float) -> Propose:
    def propose(rng: Rng, count: int) -> Array:
        values: Array = rng.standard_normal(count)
        return values[(values >= a) & (values <= b)]
    return propose


def _from_even(a: float, b: float) -> Propose:
    """Beyond 40 / |mode| from the mode, the density is less than exp(-40) of its maximum."""
    mode = min(max(0.0, a), b)
    reach = 40 / max(abs(mode), 4.0)
    a, b = max(a, mode - reach), min(b, mode + reach)

    def propose(rng: Rng, count: int) -> Array:
        values: Array = rng.uniform(a, b, count)
        return values[rng.random(count) < np.exp((mode * mode - values * values) / 2)]
    return propose


def _accepted(count: int, rng: Rng, propose: Propose) -> Array:
    parts: list[Array] = []
    missing = count
    while missing > 0:
        found = propose(rng, missing + missing // 2 + 16)[:missing]
        parts.append(found)
        missing -= len(found)
    return np.concatenate(parts) if parts else np.zeros(0)
