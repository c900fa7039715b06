"""Tensors from compile-time values, against numpy."""

from typing import Any

import numpy as np
import pytest
from op_oracle import infer, reference, samples

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample


@pytest.mark.parametrize("sample", samples("arange"))
def test_arange(sample: Sample) -> None:
    """A range is numpy's range, in the element type that is asked for."""
    a = sample.attributes
    bounds = (a["start"], a["stop"]) if "stop" in a else (0, a["start"])
    found = reference("arange", **a)
    np.testing.assert_array_equal(found, np.arange(*bounds, a.get("step", 1)))
    assert found.dtype == (np.float32 if a.get("dtype") == "f32" else np.int64)


@pytest.mark.parametrize(("value", "dtype", "expected"), [
    (1, None, "i64"), (1.5, None, "f32"), (True, None, "bool"), ([1, 2.0], None, "f32[2]"), ([], None, "f32[0]"),
    ([[1, 2], [3, 4]], "u8", "u8[2, 2]"), ([[[0.5]]], "bf16", "bf16[1, 1, 1]"), (3, "f64", "f64"),
])
def test_constant_types(value: Any, dtype: str | None, expected: str) -> None:
    """A constant has the shape of its nested lists and the element type that is given or natural."""
    assert str(infer("constant", value=value, dtype=dtype)) == expected
    np.testing.assert_array_equal(reference("constant", value=value, dtype=dtype).astype(np.float64), value)


def test_symbolic() -> None:
    """Shapes and bounds may be symbolic."""
    t = name("T")
    assert str(infer("arange", start=t)) == "i64[T]"
    assert str(infer("arange", start=1, stop=t + 1)) == "i64[T]"
    assert str(infer("full", shape=[t, 2], value=0.5)) == "f32[T, 2]"
    assert str(infer("zeros", shape=[t])) == "f32[T]"


@pytest.mark.parametrize(("operation", "attributes", "words"), [
    ("constant", {"value": [[1, 2], [3]]}, "different lengths"),
    ("constant", {"value": 1.5, "dtype": "i64"}, "is no i64"),
    ("constant", {"value": 300, "dtype": "u8"}, "does not fit u8"),
    ("constant", {"value": 2, "dtype": "bool"}, "is no bool"),
    ("constant", {"value": "text"}, "cannot take this as `value`"),
    ("arange", {"start": 3, "step": 0}, "step of `arange` is 0"),
    ("full", {"shape": [2], "value": [1, 2]}, "takes one number"),
])
def test_refusals(operation: str, attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer(operation, **attributes)


def test_filled() -> None:
    """full, zeros, ones and their likes are numpy's."""
    x = np.ones((2, 3))
    np.testing.assert_array_equal(reference("full", shape=[2, 3], value=-1, dtype="f64"), np.full((2, 3), -1.0))
    np.testing.assert_array_equal(reference("zeros", shape=[2], dtype="bool"), np.zeros(2, bool))
    np.testing.assert_array_equal(reference("ones", shape=[]), np.ones(()))
    np.testing.assert_array_equal(reference("zeros_like", x), np.zeros_like(x))
    np.testing.assert_array_equal(reference("ones_like", x), np.ones_like(x))
    assert reference("dimension", size=7) == 7
