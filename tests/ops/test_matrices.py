"""The identity and triangles, against numpy."""

from typing import Any

import numpy as np
import pytest
from op_oracle import draw, infer, reference, samples

from dlc.ir.dim import name
from dlc.ir.op import Problem


@pytest.mark.parametrize("attributes", [s.attributes for s in samples("eye")])
def test_eye(attributes: dict[str, Any]) -> None:
    """The identity matrix is numpy's, rectangular and shifted too."""
    expected = np.eye(attributes["n"], attributes.get("m"), attributes.get("diagonal", 0))
    np.testing.assert_array_equal(reference("eye", **attributes), expected)


@pytest.mark.parametrize("operation", ["triu", "tril"])
def test_triangles(operation: str) -> None:
    """Triangles are numpy's for every sample."""
    for sample in samples(operation):
        (x,) = draw(sample)
        expected = getattr(np, operation)(x, sample.attributes.get("diagonal", 0))
        np.testing.assert_array_equal(reference(operation, x, **sample.attributes), expected)


def test_symbolic_sizes() -> None:
    """Sizes may be symbolic."""
    assert str(infer("eye", n=name("T"))) == "f32[T, T]"
    assert str(infer("tril", "f32[B, T, T]")) == "f32[B, T, T]"


def test_vectors_have_no_triangle() -> None:
    """A triangle needs two axes."""
    with pytest.raises(Problem, match="takes matrices"):
        infer("triu", "f32[3]")
