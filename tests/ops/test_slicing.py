"""Slices, selections, concatenations and splits against Python's own slicing and PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients

from dlc.ir.dim import evaluate, name
from dlc.ir.op import Problem, Sample
from dlc.ops.bounds import resolve_range

BOUND = st.one_of(st.none(), st.integers(-9, 9))
STEP = st.integers(-4, 4).filter(bool)

TORCH: dict[str, Callable[..., Any]] = {
    "select": lambda x, index, axis: x.select(axis, index),
    "flip": lambda x, axis: torch.flip(x, axis),
    "roll": lambda x, shift, axis: torch.roll(x, shift, axis),
}
CASES = [(operation, s) for operation in TORCH for s in samples(operation)]


def as_list(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else [values]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values(operation: str, sample: Sample) -> None:
    """Every sample has the values that PyTorch computes."""
    arrays = draw(sample)
    expected = as_list(TORCH[operation](*tensors(arrays), **attributes_of(operation, sample)))
    for found, wanted in zip(as_list(reference(operation, *arrays, **sample.attributes)), expected, strict=True):
        np.testing.assert_array_equal(found, wanted.numpy())


@pytest.mark.parametrize(("operation", "sample"), [(n, s) for n, s in CASES if s.operands[0].startswith("f32")])
def test_gradients(operation: str, sample: Sample) -> None:
    """The gradients of every sample are those of autograd."""
    arrays = draw(sample)
    attributes = attributes_of(operation, sample)
    rng = np.random.default_rng(1)
    cotangents = [rng.standard_normal(y.shape) for y in as_list(reference(operation, *arrays, **attributes))]
    expected = torch_gradients(lambda *a: TORCH[operation](*a, **attributes), arrays, *cotangents)
    for found, wanted in zip(gradients(operation, arrays, *cotangents, **attributes), expected, strict=True):
        close(found, wanted)


@settings(max_examples=300, deadline=None)
@given(size=st.integers(0, 7), start=BOUND, stop=BOUND, step=STEP)
def test_slice_is_pythons(size: int, start: int | None, stop: int | None, step: int) -> None:
    """Any slice of any axis has the type, the value and the gradient that Python's slicing gives."""
    x = np.arange(2.0 * size).reshape(2, size)
    expected = x[:, start:stop:step]
    attributes: dict[str, Any] = {"starts": [start], "stops": [stop], "steps": [step], "axes": [1]}
    np.testing.assert_array_equal(reference("slice", x, **attributes), expected)
    g = np.random.default_rng(0).standard_normal(expected.shape)
    placed = np.zeros_like(x)
    placed[:, start:stop:step] = g
    np.testing.assert_array_equal(gradients("slice", [x], g, **attributes)[0], placed)


@settings(max_examples=300, deadline=None)
@given(size=st.integers(1, 9), start=BOUND, stop=BOUND, step=STEP)
def test_symbolic_slice(size: int, start: int | None, stop: int | None, step: int) -> None:
    """The size of a slice of a symbolic axis is Python's for every value of the name from 1 on."""
    found = resolve_range(name("T"), start, stop, step)
    assert evaluate(found.count, {"T": size}) == len(range(size)[start:stop:step])


@pytest.mark.parametrize(("start", "stop", "expected"), [
    (1, None, "T - 1"), (None, -1, "T - 1"), (1, -1, "max(0, T - 2)"), (-1, None, "1"), (None, 5, "min(5, T)"),
    (None, None, "T"), (None, name("T"), "T"), (name("T") - 1, None, "1"), (-3, None, "min(3, T)"),
])
def test_symbolic_slices_are_simple(start: Any, stop: Any, expected: str) -> None:
    """The slices that models are full of have the sizes that people write."""
    assert str(infer("slice", "f32[T]", starts=[start], stops=[stop])) == f"f32[{expected}]"


@pytest.mark.parametrize(("operation", "types", "attributes", "words"), [
    ("slice", ["f32[3]"], {"starts": [0], "stops": [1], "steps": [0]}, "step of a slice is 0"),
    ("slice", ["f32[3]"], {"starts": [0, 0], "stops": [1, 1]}, "no such axes"),
    ("slice", ["f32[3]"], {"starts": [0], "stops": []}, "bounds for every axis"),
    ("select", ["f32[3]"], {"index": 3}, "out of range"),
    ("select", ["f32[3]"], {"index": -4}, "out of range"),
    ("roll", ["f32[2]"], {"shift": [1, 2]}, "shift for each axis"),
])
def test_refusals(operation: str, types: list[str], attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer(operation, *types, **attributes)
