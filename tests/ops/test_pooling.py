"""Pooling against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample

MAX = [F.max_pool1d, F.max_pool2d, F.max_pool3d]
AVERAGE = [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d]


def first(x: Any, layout: str) -> Any:
    return x if layout == "NCHW" else x.movedim(-1, 1)


def back(x: Any, layout: str) -> Any:
    return x if layout == "NCHW" else x.movedim(1, -1)


def torch_max(x: Any, *, kernel: Any, stride: Any, pad: Any, dilation: Any, ceil_mode: bool, layout: str) -> Any:
    """The same by PyTorch, padded beforehand."""
    x = F.pad(first(x, layout), [w for pair in reversed(pad) for w in pair], value=-np.inf)
    return back(MAX[len(kernel) - 1](x, kernel, stride, 0, dilation, ceil_mode), layout)


def torch_average(x: Any, *, kernel: Any, stride: Any, pad: Any, ceil_mode: bool, count_include_pad: bool,
                  layout: str) -> Any:
    """The same by PyTorch; uneven padding that counts is put in beforehand."""
    x = first(x, layout)
    even = [a for a, _ in pad]
    if any(a != b for a, b in pad):
        assert count_include_pad
        x, even = F.pad(x, [w for pair in reversed(pad) for w in pair]), [0] * len(pad)
    return back(AVERAGE[len(kernel) - 1](x, kernel, stride, even, ceil_mode, count_include_pad), layout)


def torch_lp(x: Any, *, p: float, kernel: Any, stride: Any, ceil_mode: bool, layout: str) -> Any:
    """The same by PyTorch, with zeros where windows hang over: PyTorch scales those up."""
    x = first(x, layout).abs()
    if ceil_mode:
        over = [(k - n) % s for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
        x = F.pad(x, [w for o in reversed(over) for w in (0, o)])
    pool = F.lp_pool1d if len(kernel) == 1 else F.lp_pool2d
    if len(kernel) == 1:
        kernel, stride = kernel[0], stride[0]
    return back(pool(x, p, kernel, stride), layout)


TORCH = {"max_pool": torch_max, "avg_pool": torch_average, "lp_pool": torch_lp}
CASES = [(n, s) for n in TORCH for s in samples(n)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values_and_gradients(operation: str, sample: Sample) -> None:
    """Every sample has PyTorch's value and gradient in float64; "same" is what its pairs are."""
    (x,) = draw(sample)
    attributes: Any = attributes_of(operation, sample)
    if operation == "max_pool" and attributes["ceil_mode"] and any(map(any, attributes["pad"])):
        expected = F.max_pool2d(torch.tensor(x), attributes["kernel"], attributes["stride"],
                                [a for a, _ in attributes["pad"]], attributes["dilation"], ceil_mode=True)
        close(reference(operation, x, **sample.attributes), expected)
        return
    function = lambda t: TORCH[operation](t, **attributes)  # noqa: E731
    y = function(torch.tensor(x))
    close(reference(operation, x, **sample.attributes), y)
    g = np.random.default_rng(1).standard_normal(y.shape)
    close(gradients(operation, [x], g, **sample.attributes)[0], torch_gradients(function, [x], g)[0])


@settings(max_examples=100, deadline=None)
@given(data=st.data(), ceil_mode=st.booleans(), include=st.booleans(), average=st.booleans())
def test_random_shapes(data: st.DataObject, ceil_mode: bool, include: bool, average: bool) -> None:
    """For random sizes and attributes, type and value are those of PyTorch's own arguments."""
    axes = data.draw(st.integers(1, 3))
    def per_axis(low: int, high: int) -> list[int]:
        return data.draw(st.lists(st.integers(low, high), min_size=axes, max_size=axes))
    sizes, kernel, stride = per_axis(1, 8), per_axis(1, 4), per_axis(1, 4)
    dilation = [1] * axes if average else per_axis(1, 2)
    pad = [data.draw(st.integers(0, k // 2)) for k in kernel]
    assume(all(n + 2 * p > d * (k - 1) for n, p, d, k in zip(sizes, pad, dilation, kernel, strict=True)))
    assume(not average or all(n >= k for n, k in zip(sizes, kernel, strict=True)))  # avg_pool3d refuses less
    x = np.random.default_rng(0).standard_normal((2, 2, *sizes))
    common = {"kernel": kernel, "stride": stride, "pad": pad, "ceil_mode": ceil_mode}
    if average:
        expected = AVERAGE[axes - 1](torch.tensor(x), kernel, stride, pad, ceil_mode, include)
        close(reference("avg_pool", x, **common, count_include_pad=include), expected)
    else:
        expected = MAX[axes - 1](torch.tensor(x), kernel, stride, pad, dilation, ceil_mode)
        close(reference("max_pool", x, **common, dilation=dilation), expected)


def test_named_sizes() -> None:
    """Halving a named size: rounded down, or up in ceil mode; the usual padded 3x3 rounds up."""
    h = name("H")
    assert infer("max_pool", "f32[N, 3, H, H]", kernel=2).shape[2] == h // 2
    assert infer("max_pool", "f32[N, 3, H, H]", kernel=2, ceil_mode=True).shape[2] == -((-h) // 2)
    assert infer("avg_pool", "f32[N, 3, H, H]", kernel=3, stride=2, pad=1).shape[2] == -((-h) // 2)


@pytest.mark.parametrize(("operation", "operand", "attributes", "message"), [
    ("max_pool", "f32[2, 3]", {"kernel": 2}, "spatial axes"),
    ("max_pool", "f32[2, 3, 8, 8]", {}, "kernel"),
    ("max_pool", "f32[2, 3, 8, 8]", {"kernel": [2, 2, 2]}, "`kernel`"),
    ("max_pool", "f32[2, 3, 8, 8]", {"kernel": 0}, "`kernel`"),
    ("max_pool", "f32[2, 3, 8, 8]", {"kernel": 9}, "larger than its input"),
    ("max_pool", "f32[2, 3, 8, 8]", {"kernel": 2, "pad": 2}, "whole window"),
    ("max_pool", "f32[2, 3, 8, 8]", {"kernel": 2, "pad": "same"}, "ambiguous"),
    ("max_pool", "i64[2, 3, 8, 8]", {"kernel": 2}, "floating-point"),
    ("avg_pool", "f32[2, 3, 8, 8]", {"kernel": 2, "stride": 0}, "`stride`"),
    ("lp_pool", "f32[2, 3, 8, 8]", {"kernel": 2, "p": 0}, "positive"),
])
def test_refusals(operation: str, operand: str, attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer(operation, operand, **attributes)
