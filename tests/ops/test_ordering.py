"""argsort, sort and top_k against numpy and PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients

from dlc.ir.op import Problem, Sample


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.integers(0, 3), min_size=0, max_size=9), descending=st.booleans())
def test_argsort_is_stable(values: list[int], descending: bool) -> None:
    """Equal elements keep their order in both directions."""
    expected = sorted(range(len(values)), key=lambda i: -values[i] if descending else values[i])
    np.testing.assert_array_equal(reference("argsort", np.array(values, np.int64), descending=descending), expected)


@pytest.mark.parametrize("sample", samples("sort"))
def test_sort(sample: Sample) -> None:
    """Sorted values are PyTorch's."""
    (x,) = tensors(draw(sample))
    attributes = attributes_of("sort", sample)
    expected = torch.sort(x, attributes["axis"], attributes["descending"])[0]
    close(reference("sort", x.numpy(), **attributes), expected)


@pytest.mark.parametrize("sample", samples("top_k"))
def test_top_k(sample: Sample) -> None:
    """The values are PyTorch's, and the indices lead to them."""
    (x,) = tensors(draw(sample))
    a = attributes_of("top_k", sample)
    values, indices = reference("top_k", x.numpy(), **a)
    close(values, torch.topk(x, a["k"], a["axis"], a["largest"])[0])
    np.testing.assert_array_equal(np.take_along_axis(x.numpy(), indices, a["axis"]), values)


def test_gradients() -> None:
    """Gradients flow back to the elements that were taken."""
    x = np.random.default_rng(0).standard_normal((3, 5))
    g = np.random.default_rng(1).standard_normal((3, 5))
    close(gradients("sort", [x], g)[0], torch_gradients(lambda t: torch.sort(t)[0], [x], g)[0])
    close(gradients("top_k", [x], g[:, :2], np.zeros((3, 2)), k=2)[0],
          torch_gradients(lambda t: torch.topk(t, 2)[0], [x], g[:, :2])[0])


@pytest.mark.parametrize(("given_", "attributes", "words"), [
    ("f32[3]", {"k": 4}, "fewer than 4"), ("f32[3]", {"k": -1}, "negative"), ("f32", {"k": 1}, "`axis`"),
])
def test_refusals(given_: str, attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer("top_k", given_, **attributes)
