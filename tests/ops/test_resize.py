"""Interpolation against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample

LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}


def torch_resize(x: Any, *, size: Any = None, scale: Any = None, mode: str, align_corners: bool, layout: str) -> Any:
    """The same by PyTorch, with the sizes written out: its own ratio of `scale` is another one."""
    x = x if layout == "NCHW" else x.movedim(-1, 1)
    size = size if scale is None else [int(n * s) for n, s in zip(x.shape[2:], scale, strict=True)]
    method = {"nearest_exact": "nearest-exact", "linear": LINEAR[x.ndim], "cubic": "bicubic"}.get(mode, mode)
    corners = None if mode.startswith("nearest") else align_corners
    y = F.interpolate(x, tuple(size), mode=method, align_corners=corners)
    return y if layout == "NCHW" else y.movedim(1, -1)


@pytest.mark.parametrize(("operation", "sample"), [(n, s) for n in ("resize", "upsample") for s in samples(n)])
def test_values_and_gradients(operation: str, sample: Sample) -> None:
    """Every sample has PyTorch's value and gradient in float64."""
    (x,) = draw(sample)
    attributes: Any = dict(attributes_of(operation, sample))
    attributes["mode"] = {"bilinear": "linear"}.get(attributes["mode"], attributes["mode"])
    function = lambda t: torch_resize(t, **attributes)  # noqa: E731
    y = function(torch.tensor(x))
    close(reference(operation, x, **sample.attributes), y, 1e-7)
    g = np.random.default_rng(1).standard_normal(y.shape)
    close(gradients(operation, [x], g, **sample.attributes)[0], torch_gradients(function, [x], g)[0], 1e-7)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 12), m=st.integers(1, 30), mode=st.sampled_from(["linear", "nearest_exact"]),
       corners=st.booleans())
def test_random_sizes(n: int, m: int, mode: str, corners: bool) -> None:
    """From any size to any size, the value is that of PyTorch."""
    x = np.random.default_rng(0).standard_normal((1, 1, n))
    corners = corners and mode == "linear"
    expected = torch_resize(torch.tensor(x), size=[m], mode=mode, align_corners=corners, layout="NCHW")
    close(reference("resize", x, size=m, mode=mode, align_corners=corners), expected, 1e-6)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 12), m=st.integers(1, 30))
def test_nearest_is_exact(n: int, m: int) -> None:
    """"nearest" takes element floor(i n / m), in whole numbers: no rounding moves it."""
    x = np.arange(n, dtype=np.float64).reshape(1, 1, n)
    np.testing.assert_array_equal(reference("resize", x, size=m)[0, 0], [i * n // m for i in range(m)])


def test_named_sizes() -> None:
    """A named size is multiplied, or replaced."""
    h, w = name("H"), name("W")
    assert infer("upsample", "f32[N, 3, H, W]", scale=2).shape[2:] == (2 * h, 2 * w)
    assert infer("resize", "f32[N, 3, H, W]", scale=0.5, mode="bilinear").shape[2:] == (h // 2, w // 2)
    assert infer("resize", "f32[N, H, W, 3]", size=[h, 7], layout="NHWC").shape[1:3] == (h, 7)


@pytest.mark.parametrize(("operand", "attributes", "message"), [
    ("f32[2, 3]", {"size": []}, "spatial axes"),
    ("f32[2, 3, 4]", {}, "either `size` or `scale`"),
    ("f32[2, 3, 4]", {"size": 2, "scale": 2}, "either `size` or `scale`"),
    ("f32[2, 3, 4]", {"size": 2, "mode": "bilinear"}, "2 spatial axes"),
    ("f32[2, 3, 4]", {"size": 2, "align_corners": True}, "no meaning"),
    ("f32[2, 3, 4]", {"size": 0}, "empty"),
    ("f32[2, 3, 4]", {"scale": 0.1}, "empty"),
    ("f32[2, 3, 4]", {"scale": -1}, "`scale`"),
    ("f32[2, 3, 4, 4]", {"size": [2]}, "`size`"),
])
def test_refusals(operand: str, attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer("resize", operand, **attributes)
