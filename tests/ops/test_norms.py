"""Normalisations against PyTorch in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, torch_gradients

from dlc.ir.op import Problem, Sample, op
from dlc.ir.types import F32, TensorType


def channels_first(function: Callable[..., Any]) -> Callable[..., Any]:
    """The PyTorch function for both layouts."""
    def call(x: Any, *parameters: Any, layout: str, **attributes: Any) -> Any:
        if layout == "NCHW":
            return function(x, *parameters, **attributes)
        return function(x.movedim(-1, 1), *parameters, **attributes).movedim(1, -1)
    return call


def batch(x: Any, mean: Any, variance: Any, weight: Any, bias: Any, *, eps: float, momentum: float) -> Any:
    return F.batch_norm(x, mean, variance, weight, bias, eps=eps, momentum=momentum)


def layer(x: Any, weight: Any, bias: Any, *, axes: int, eps: float) -> Any:
    return F.layer_norm(x, x.shape[x.ndim - axes:], weight, bias, eps)


def rms(x: Any, weight: Any, *, axes: int, eps: float) -> Any:
    return F.rms_norm(x, x.shape[x.ndim - axes:], weight, eps)


def group(x: Any, weight: Any, bias: Any, *, groups: int, eps: float) -> Any:
    return F.group_norm(x, groups, weight, bias, eps)


def instance(x: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    return F.instance_norm(x, weight=weight, bias=bias, eps=eps)


def normalize(x: Any, *, axis: int, p: float, eps: float) -> Any:
    return F.normalize(x, p, axis, eps)


TORCH: dict[str, Callable[..., Any]] = {
    "batch_norm": channels_first(batch), "layer_norm": layer, "rms_norm": rms, "group_norm": channels_first(group),
    "instance_norm": channels_first(instance), "local_response_norm": channels_first(F.local_response_norm),
    "normalize": normalize,
}
CASES = [(n, s) for n in TORCH for s in samples(n)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values_and_gradients(operation: str, sample: Sample) -> None:
    """Every sample has PyTorch's value and gradients in float64."""
    arrays = draw(sample)
    function = lambda *a: TORCH[operation](*a, **attributes_of(operation, sample))  # noqa: E731
    y = function(*[None if a is None else torch.tensor(a) for a in arrays])
    close(reference(operation, *arrays, **sample.attributes), y)
    if operation == "batch_norm":  # PyTorch has no gradient for running statistics
        return
    g = np.random.default_rng(1).standard_normal(y.shape)
    for found, wanted in zip(gradients(operation, arrays, g, **sample.attributes),
                             torch_gradients(function, arrays, g), strict=True):
        assert (found is None) == (wanted is None)
        if found is not None:
            close(found, wanted)


def test_batch_norm_gradients() -> None:
    """The gradients for x, weight and bias are those of autograd; running statistics count as constants there."""
    arrays = draw(samples("batch_norm")[0])
    g = np.random.default_rng(1).standard_normal(arrays[0].shape)
    x, mean, variance, weight, bias = arrays
    found = gradients("batch_norm", arrays, g)
    wanted = torch_gradients(lambda a, w, c: F.batch_norm(a, torch.tensor(mean), torch.tensor(variance), w, c),
                             [x, weight, bias], g)
    for i, right in zip((0, 3, 4), wanted, strict=True):
        close(found[i], right)


@pytest.mark.parametrize(("operation", "arguments", "module"), [
    ("batch_norm", {}, torch.nn.BatchNorm2d(4)),
    ("batch_norm", {"affine": False}, torch.nn.BatchNorm2d(4, affine=False)),
    ("layer_norm", {}, torch.nn.LayerNorm(6)),
    ("layer_norm", {"axes": 2, "bias": False}, torch.nn.LayerNorm((6, 6), bias=False)),
    ("rms_norm", {}, torch.nn.RMSNorm(6)),
    ("group_norm", {}, torch.nn.GroupNorm(2, 4)),
    ("group_norm", {"affine": False}, torch.nn.GroupNorm(2, 4, affine=False)),
    ("instance_norm", {}, torch.nn.InstanceNorm2d(4)),
    ("instance_norm", {"affine": True}, torch.nn.InstanceNorm2d(4, affine=True)),
])
def test_layer(operation: str, arguments: dict[str, Any], module: torch.nn.Module) -> None:
    """Weights have the names, order, shapes and first values of the PyTorch module; buffers are states."""
    declared: Any = op(operation)
    weights = declared.layer(TensorType(F32, (2, 4, 6, 6)), **arguments)
    state = {k: v for k, v in module.state_dict().items() if k != "num_batches_tracked"}
    assert list(weights) == list(state)
    buffers = {k for k, _ in module.named_buffers()}
    for name, spec in weights.items():
        assert spec.type.shape == tuple(state[name].shape)
        assert spec.state == (name in buffers)
        assert spec.initializer.name == ("ones" if state[name].all() else "zeros")
    sizes = declared.sizes(**{k: v.type for k, v in weights.items() if k in ("weight", "bias")}
                           if operation in ("layer_norm",) else
                           {k: v.type for k, v in weights.items() if k == "weight"})
    assert all(arguments.get(k, v) == v for k, v in sizes.items())


@pytest.mark.parametrize(("operation", "operands", "attributes", "message"), [
    ("batch_norm", ("f32[3]", "f32[3]", "f32[3]", None, None), {}, "with channels"),
    ("batch_norm", ("f32[2, 3]", "f32[3]", "f32[4]", None, None), {}, "`running_var` differ"),
    ("batch_norm", ("f32[2, 3]", "f32[3]", "f32[3]", "f64[3]", None), {}, "element types"),
    ("batch_norm", ("f32[2, 3]", "f32[3]", "f32[3]", None, None), {"momentum": 1.5}, "`momentum`"),
    *((n, ("f32[2, 4, 5]", None, None), {"eps": -1, **a}, "`eps`")
      for n, a in (("layer_norm", {}), ("instance_norm", {}), ("group_norm", {"groups": 2}))),
    ("rms_norm", ("f32[2, 4, 5]", None), {"eps": -1}, "`eps`"),
    ("batch_norm", ("f32[2, 3]", "f32[3]", "f32[3]", None, None), {"eps": -1}, "`eps`"),
    ("layer_norm", ("f32[2, 3]", "f32[2]", None), {}, "`weight` differ"),
    ("layer_norm", ("f32[2, 3]", None, None), {"axes": 3}, "3 axes"),
    ("layer_norm", ("f32", None, None), {}, "1 axes"),
    ("group_norm", ("f32[2, 4, 5]", None, None), {"groups": 3}, "cannot be divided"),
    ("group_norm", ("f32[2, 4, 5]", None, None), {"groups": 0}, "`groups`"),
    ("instance_norm", ("f32[2, 4]", None, None), {}, "spatial axes"),
    ("local_response_norm", ("f32[2, 4, 5]",), {"size": 0}, "`size`"),
    ("normalize", ("f32[2, 4]",), {"p": 0}, "positive"),
])
def test_refusals(operation: str, operands: tuple[str | None, ...], attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer(operation, *operands, **attributes)
