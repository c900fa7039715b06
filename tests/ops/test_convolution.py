"""Convolutions against PyTorch in float64."""

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

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
CONVOLUTIONS = [F.conv1d, F.conv2d, F.conv3d]


def torch_convolution(x: Any, weight: Any, bias: Any = None, *, stride: Any, pad: Any, dilation: Any, groups: int,
                      layout: str, pad_mode: str = "zeros") -> Any:
    """The same by PyTorch, which pads beforehand."""
    x = x if layout == "NCHW" else x.movedim(-1, 1)
    widths = [w for pair in reversed(pad) for w in pair]
    y = CONVOLUTIONS[len(stride) - 1](F.pad(x, widths, mode=MODES[pad_mode]), weight, bias, stride, 0, dilation, groups)
    return y if layout == "NCHW" else y.movedim(1, -1)


CASES = [(n, s) for n in ("convolution", "conv1d", "conv2d", "conv3d") for s in samples(n)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values(operation: str, sample: Sample) -> None:
    """Every sample has the value that PyTorch computes in float64."""
    arrays = draw(sample)
    expected = torch_convolution(*[None if a is None else torch.tensor(a) for a in arrays],
                                 **attributes_of(operation, sample))
    close(reference(operation, *arrays, **sample.attributes), expected)


@pytest.mark.parametrize("sample", samples("convolution") + [s for s in samples("conv2d") if not s.operands[2]
                                                            and "pad_mode" not in s.attributes])
def test_gradients(sample: Sample) -> None:
    """The gradients for input and weight, built from convolutions, are those of autograd."""
    arrays = draw(sample)[:2]
    attributes = attributes_of("convolution", Sample(sample.operands[:2], sample.attributes))
    g = np.random.default_rng(1).standard_normal(reference("convolution", *arrays, **attributes).shape)
    expected = torch_gradients(lambda *a: torch_convolution(*a, **attributes), arrays, g)
    for found, wanted in zip(gradients("convolution", arrays, g, **attributes), expected, strict=True):
        close(found, wanted)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_shapes(data: st.DataObject) -> None:
    """For random sizes, groups and attributes, type and value are those of PyTorch."""
    axes = data.draw(st.integers(1, 3))
    def per_axis(low: int, high: int) -> list[int]:
        return data.draw(st.lists(st.integers(low, high), min_size=axes, max_size=axes))
    sizes, kernel, stride, dilation = per_axis(1, 7), per_axis(1, 3), per_axis(1, 3), per_axis(1, 3)
    pad = list(zip(per_axis(0, 2), per_axis(0, 2), strict=True))
    assume(all(n + a + b > d * (k - 1) for n, (a, b), d, k in zip(sizes, pad, dilation, kernel, strict=True)))
    groups = data.draw(st.integers(1, 3))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, groups * data.draw(st.integers(1, 2)), *sizes))
    weight = rng.standard_normal((groups * data.draw(st.integers(1, 2)), x.shape[1] // groups, *kernel))
    attributes = {"stride": stride, "pad": pad, "dilation": dilation, "groups": groups, "layout": "NCHW"}
    expected = torch_convolution(torch.tensor(x), torch.tensor(weight), **attributes)
    close(reference(f"conv{axes}d", x, weight, None, **attributes), expected)
    g = rng.standard_normal(expected.shape)
    wanted = torch_gradients(lambda *a: torch_convolution(*a, **attributes), [x, weight], g)
    for found, right in zip(gradients("convolution", [x, weight], g, **attributes), wanted, strict=True):
        close(found, right)


def test_named_sizes() -> None:
    """Named sizes give expressions in normal form: stride 2 with half padding halves, rounded up."""
    h, w = name("H"), name("W")
    y = infer("conv2d", "f32[N, 3, H, W]", "f32[8, 3, 3, 3]", None, stride=2, pad=1)
    assert y.shape == (name("N"), 8, -((-h) // 2), -((-w) // 2))
    assert infer("conv2d", "f32[N, 3, H, W]", "f32[8, 3, 5, 5]", None, pad="same").shape[2:] == (h, w)


@pytest.mark.parametrize(("operands", "attributes", "message"), [
    (("f32[2, 3, 8]", "f32[4, 3, 3, 3]", None), {}, "2 spatial axes"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3]", None), {}, "wrong rank"),
    (("f32[2, 3, 8, 8]", "f64[4, 3, 3, 3]", None), {}, "different element types"),
    (("f32[2, 3, 8, 8]", "f32[4, 5, 3, 3]", None), {}, "channels"),
    (("f32[2, C, 8, 8]", "f32[4, 5, 3, 3]", None), {}, "cannot be proved equal"),
    (("f32[2, 4, 8, 8]", "f32[5, 2, 3, 3]", None), {"groups": 2}, "cannot be divided"),
    (("f32[2, 3, 2, 8]", "f32[4, 3, 3, 3]", None), {}, "larger than its input"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3, 3]", "f32[5]"), {}, "size of `bias`"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3, 3]", None), {"stride": 0}, "`stride`"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3, 3]", None), {"dilation": [1, 0]}, "`dilation`"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3, 3]", None), {"groups": 0}, "`groups`"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3, 3]", None), {"pad": "same", "stride": 2}, "ambiguous"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 2, 3]", None), {"pad": "same"}, "ambiguous"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3, 3]", None), {"pad": 8, "pad_mode": "reflect"}, "pad this much"),
    (("f32[2, 3, 8, 8]", "f32[4, 3, 3, 3]", None), {"pad": [1, 1, 1]}, "`pad`"),
])
def test_refusals(operands: tuple[str | None, ...], attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer("conv2d", *operands, **attributes)


def test_same_hint_gives_pairs() -> None:
    """The refusal of an ambiguous "same" offers the explicit pairs."""
    with pytest.raises(Problem) as caught:
        infer("conv2d", "f32[2, 3, 8, 8]", "f32[4, 3, 4, 3]", None, pad="same")
    assert caught.value.hint is not None
    assert "pad=[[1, 2], [1, 1]]" in caught.value.hint


@pytest.mark.parametrize(("kernel", "groups", "layout", "bias"), [(3, 1, "NCHW", True), ([3, 2], 2, "NHWC", False)])
def test_layer(kernel: Any, groups: int, layout: str, bias: bool) -> None:
    """The weights of a layer have the names, order and shapes of nn.Conv2d, and `sizes` finds the arguments again."""
    shape = (2, 4, 8, 8) if layout == "NCHW" else (2, 8, 8, 4)
    operation: Any = op("conv2d")
    weights = operation.layer(TensorType(F32, shape), channels=6, kernel=kernel, groups=groups, layout=layout,
                              bias=bias)
    module = torch.nn.Conv2d(4, 6, kernel, groups=groups, bias=bias)
    assert {k: w.type.shape for k, w in weights.items()} == {k: tuple(v.shape) for k, v in module.state_dict().items()}
    bound = dict(weights["weight"].initializer.arguments)["high"]
    assert bound == pytest.approx(1 / np.sqrt(module.weight[0].numel()))
    sizes = operation.sizes(*[w.type for w in weights.values()])
    assert sizes == {"channels": 6, "kernel": tuple(module.kernel_size), "bias": bias}


@pytest.mark.parametrize(("arguments", "message"), [
    ({"groups": 2}, "cannot be divided"), ({"kernel": 0}, "`kernel`"), ({"kernel": [3, 3, 3]}, "`kernel`"),
    ({"channels": 0}, "`channels`"),
])
def test_layer_refusals(arguments: dict[str, Any], message: str) -> None:
    """What makes no weight is refused by name."""
    operation: Any = op("conv2d")
    with pytest.raises(Problem, match=message):
        operation.layer(TensorType(F32, (2, 3, 8, 8)), **{"channels": 6, "kernel": 3, **arguments})


def test_float16_accumulates_in_float32() -> None:
    """Half-precision sums do not saturate: 4096 ones add up exactly."""
    x = np.ones((1, 4096, 1), np.float16)
    assert reference("conv1d", x, np.ones((1, 4096, 1), np.float16), None)[0, 0, 0] == 4096
