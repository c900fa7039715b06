"""Padding against numpy and PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from op_oracle import close, draw, gradients, infer, reference, samples, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample

NUMPY = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@settings(max_examples=150, deadline=None)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), mode=st.sampled_from(sorted(NUMPY)), data=st.data())
def test_is_numpys_pad(shape: list[int], mode: str, data: st.DataObject) -> None:
    """Every mode on every axis pads as numpy does."""
    largest = [s - 1 if mode == "reflect" else s for s in shape]
    widths = [(data.draw(st.integers(0, n)), data.draw(st.integers(0, n))) for n in largest]
    x = np.random.default_rng(0).standard_normal(shape)
    options = {"constant_values": 1.5} if mode == "constant" else {}
    expected = np.pad(x, widths, mode=NUMPY[mode], **options)  # type: ignore[call-overload]
    np.testing.assert_array_equal(reference("pad", x, widths=widths, mode=mode, value=1.5), expected)


@pytest.mark.parametrize("sample", [s for s in samples("pad") if len(s.attributes["widths"]) == 4])
def test_gradients(sample: Sample) -> None:
    """The gradients of all modes are those of autograd."""
    (x,) = draw(sample)
    flat = [w for pair in reversed(sample.attributes["widths"][2:]) for w in pair]
    mode = sample.attributes["mode"]
    g = np.random.default_rng(1).standard_normal(reference("pad", x, **sample.attributes).shape)
    expected = torch_gradients(lambda t: F.pad(t, flat, mode=mode), [x], g)
    close(gradients("pad", [x], g, **sample.attributes)[0], expected[0])


def test_chosen_axes() -> None:
    """Pairs belong to the axes that are named, in their order."""
    x = np.ones((2, 3))
    expected = F.pad(torch.ones(2, 3, dtype=torch.float64), (3, 0, 0, 1))
    close(reference("pad", x, widths=[(3, 0), (0, 1)], axes=[1, 0]), expected)


def test_symbolic_widths() -> None:
    """Widths and sizes may be symbolic."""
    assert str(infer("pad", "f32[N, T]", widths=[(0, 0), (name("K"), 1)])) == "f32[N, K + T + 1]"
    assert str(infer("pad", "f32[N, T]", widths=[(0, 0), (1, 1)], mode="reflect")) == "f32[N, T + 2]"


@pytest.mark.parametrize(("attributes", "words"), [
    ({"widths": [(1, 1)]}, "pair for each axis"),
    ({"widths": [(0, 0), (-1, 0)]}, "negative"),
    ({"widths": [(0, 0), (3, 0)], "mode": "reflect"}, "too small for reflect"),
    ({"widths": [(0, 0), (4, 0)], "mode": "circular"}, "too small for circular"),
    ({"widths": [(0, 0), (1, 0)], "mode": "mirror"}, "cannot take this as `mode`"),
    ({"widths": [(0, 0)], "axes": [2]}, "no such axes"),
])
def test_refusals(attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer("pad", "f32[2, 3]", **attributes)
