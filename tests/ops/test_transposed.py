"""Transposed convolutions against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample, op
from dlc.ir.types import F32, TensorType

TRANSPOSED = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d]


def torch_transposed(x: Any, weight: Any, bias: Any = None, *, stride: Any, pad: Any, output_pad: Any, dilation: Any,
                     groups: int, layout: str) -> Any:
    """The same by PyTorch: nothing is cut, zeros stand for the additional output, then both ends are cut."""
    x = x if layout == "NCHW" else x.movedim(-1, 1)
    full = TRANSPOSED[len(stride) - 1](x, weight, bias, stride, 0, 0, groups, dilation)
    outside = 0.0 if bias is None else bias.reshape(-1, *[1] * len(stride))
    larger = F.pad(full - outside, [w for o in reversed(output_pad) for w in (0, o)]) + outside
    for axis, (before, after) in enumerate(pad):
        larger = larger.narrow(axis + 2, before, larger.shape[axis + 2] - before - after)
    return larger if layout == "NCHW" else larger.movedim(1, -1)


CASES = [(n, s) for n in ("transposed_convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
         for s in samples(n)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values(operation: str, sample: Sample) -> None:
    """Every sample has the value that PyTorch computes in float64."""
    arrays = draw(sample)
    expected = torch_transposed(*[None if a is None else torch.tensor(a) for a in arrays],
                                **attributes_of(operation, sample))
    close(reference(operation, *arrays, **sample.attributes), expected)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_shapes(data: st.DataObject) -> None:
    """With equal padding, type, value and gradients are those of F.conv_transpose with its own padding arguments."""
    axes = data.draw(st.integers(1, 3))
    def per_axis(low: int, high: int) -> list[int]:
        return data.draw(st.lists(st.integers(low, high), min_size=axes, max_size=axes))
    sizes, kernel, stride, dilation, pad = (per_axis(1, 4), per_axis(1, 3), per_axis(1, 3), per_axis(1, 3),
                                            per_axis(0, 2))
    output_pad = [data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)]
    result = [(n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, s, p, d, k, o in zip(
        sizes, stride, pad, dilation, kernel, output_pad, strict=True)]
    assume(min(result) > 0)
    groups = data.draw(st.integers(1, 2))
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((2, groups * data.draw(st.integers(1, 2)), *sizes))]
    arrays.append(rng.standard_normal((arrays[0].shape[1], data.draw(st.integers(1, 2)), *kernel)))
    attributes: dict[str, Any] = {"stride": stride, "pad": pad, "dilation": dilation, "groups": groups,
                                  "output_pad": output_pad}
    def expected(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return TRANSPOSED[axes - 1](x, weight, None, stride, pad, output_pad, groups, dilation)
    y = expected(*map(torch.tensor, arrays))
    close(reference(f"conv_transpose{axes}d", *arrays, None, **attributes), y)
    g = rng.standard_normal(y.shape)
    for found, wanted in zip(gradients("transposed_convolution", arrays, g, **attributes),
                             torch_gradients(expected, arrays, g), strict=True):
        close(found, wanted)


def test_named_sizes() -> None:
    """A stride of 2 with the usual padding doubles a named size."""
    y = infer("conv_transpose2d", "f32[N, 3, H, W]", "f32[3, 8, 4, 4]", None, stride=2, pad=1)
    assert y.shape == (name("N"), 8, 2 * name("H"), 2 * name("W"))


@pytest.mark.parametrize(("operands", "attributes", "message"), [
    (("f32[2, 3, 8]", "f32[3, 4, 3, 3]", None), {}, "2 spatial axes"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3, 3]", None), {}, "channels"),
    (("f32[2, 3, 8, 8]", "f32[3, 4, 3, 3]", None), {"output_pad": 1}, "output_pad"),
    (("f32[2, 3, 8, 8]", "f32[3, 4, 3, 3]", None), {"output_pad": -1}, "output_pad"),
    (("f32[2, 3, 1, 8]", "f32[3, 4, 3, 3]", None), {"pad": 2}, "empty"),
    (("f32[2, 3, 8, 8]", "f32[3, 4, 3, 3]", None), {"groups": 2}, "cannot be divided"),
    (("f32[2, 3, 8, 8]", "f32[3, 4, 3, 3]", "f32[3]"), {}, "size of `bias`"),
])
def test_refusals(operands: tuple[str | None, ...], attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer("conv_transpose2d", *operands, **attributes)


@pytest.mark.parametrize("groups", [1, 2])
def test_layer(groups: int) -> None:
    """The weights of a layer are those of nn.ConvTranspose2d, and `sizes` finds the arguments again."""
    operation: Any = op("conv_transpose2d")
    weights = operation.layer(TensorType(F32, (2, 4, 8, 8)), channels=6, kernel=[3, 2], groups=groups)
    module = torch.nn.ConvTranspose2d(4, 6, (3, 2), groups=groups)
    assert {k: w.type.shape for k, w in weights.items()} == {k: tuple(v.shape) for k, v in module.state_dict().items()}
    bound = dict(weights["weight"].initializer.arguments)["high"]
    assert bound == pytest.approx(1 / np.sqrt(module.weight[0].numel()))
    sizes = operation.sizes(*[w.type for w in weights.values()], groups=groups)
    assert sizes == {"channels": 6, "kernel": (3, 2), "bias": True}
