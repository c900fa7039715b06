"""Attention against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample, op
from dlc.ir.types import F32, TensorType


def torch_attention(q: Any, k: Any, v: Any, mask: Any = None, *, causal: bool, scale: float | None,
                    dropout: float) -> Any:
    """The same by PyTorch; where causal and mask come together, as one mask."""
    if causal and mask is not None:
        past = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
        mask = mask.masked_fill(~past, -torch.inf) if mask.dtype != torch.bool else mask & past
        causal = False
    grouped = q.ndim > 3 and q.shape[-3] != k.shape[-3]
    return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=scale, enable_gqa=grouped)


@pytest.mark.parametrize("sample", samples("attention"))
def test_values_and_gradients(sample: Sample) -> None:
    """Every sample has PyTorch's value and gradients in float64, zeros for a query that may look nowhere included."""
    arrays = draw(sample)
    function = lambda *a: torch_attention(*a, **attributes_of("attention", sample))  # noqa: E731
    y = function(*tensors(arrays))
    close(reference("attention", *arrays, **sample.attributes), y)
    g = np.random.default_rng(1).standard_normal(y.shape)
    found = gradients("attention", arrays, g, **sample.attributes)
    for left, right in zip(found, torch_gradients(function, arrays, g), strict=True):
        if right is not None:
            close(left, right)


@pytest.mark.parametrize("sample", samples("multi_head_attention"))
def test_multi_head(sample: Sample) -> None:
    """Every sample has the value of nn.MultiheadAttention with these weights."""
    arrays = draw(sample)
    q, k, v, mask, *weights = tensors(arrays)
    heads, bias = sample.attributes["heads"], sample.attributes.get("bias", True)
    module = torch.nn.MultiheadAttention(q.shape[2], heads, bias=bias, batch_first=True, dtype=torch.float64).eval()
    module.load_state_dict(dict(zip(module.state_dict(), weights, strict=True)))
    k = q if k is None else k
    v = k if v is None else v
    if mask is not None:
        mask = ~mask if mask.dtype == torch.bool else mask
        mask = mask.expand(q.shape[0], heads, q.shape[1], k.shape[1]).flatten(0, 1)
    if sample.attributes.get("causal"):
        mask = ~torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril()
    close(reference("multi_head_attention", *arrays, **sample.attributes),
          module(q, k, v, attn_mask=mask, need_weights=False)[0])


@pytest.mark.parametrize("bias", [True, False])
def test_multi_head_layer(bias: bool) -> None:
    """The layer's weights have the names, order and shapes of nn.MultiheadAttention."""
    operation: Any = op("multi_head_attention")
    weights = operation.layer(TensorType(F32, (2, 5, 6)), bias=bias)
    state = torch.nn.MultiheadAttention(6, 2, bias=bias).state_dict()
    assert [(k, w.type.shape) for k, w in weights.items()] == [(k, tuple(v.shape)) for k, v in state.items()]


def test_named_sizes() -> None:
    """Named sizes of queries and keys are independent of each other."""
    y = infer("attention", "f32[B, 8, T, 64]", "f32[B, 2, S, 64]", "f32[B, 2, S, 32]", "bool[T, S]")
    assert y.shape == (name("B"), 8, name("T"), 32)


@pytest.mark.parametrize(("operands", "attributes", "message"), [
    (("f32[4]", "f32[4]", "f32[4]"), {}, "in rows"),
    (("f32[2, 3, 4]", "f32[3, 4]", "f32[3, 4]"), {}, "wrong rank"),
    (("f32[2, 3, 4]", "f32[2, 3, 5]", "f32[2, 3, 4]"), {}, "width"),
    (("f32[2, 3, 4]", "f32[2, 3, 4]", "f32[2, 5, 4]"), {}, "keys and of values"),
    (("f32[2, 6, 3, 4]", "f32[2, 4, 3, 4]", "f32[2, 4, 3, 4]"), {}, "cannot share"),
    (("f32[2, 6, 3, 4]", "f32[1, 6, 3, 4]", "f32[1, 6, 3, 4]"), {}, "axis 0"),
    (("f32[3, 4]", "f32[3, 4]", "f32[3, 4]", "i64[3, 3]"), {}, "element type"),
    (("f32[3, 4]", "f32[3, 4]", "f32[3, 4]", "bool[2, 3, 3]"), {}, "larger than the scores"),
    (("f32[3, 4]", "f32[3, 4]", "f32[3, 4]", "bool[3, 5]"), {}, "differ"),
    (("f32[3, 4]", "f64[3, 4]", "f64[3, 4]"), {}, "element types"),
    (("f32[3, 4]", "f32[3, 4]", "f32[3, 4]"), {"dropout": 1.0}, "`dropout`"),
])
def test_refusals(operands: tuple[str, ...], attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer("attention", *operands, *[None] * (4 - len(operands)), **attributes)


@pytest.mark.parametrize(("heads", "weights", "message"), [
    (3, ("f32[12, 4]", "f32[12]", "f32[4, 4]", "f32[4]"), "divided into heads"),
    (2, ("f32[12, 4]", "f32[12]", "f32[4, 4]"), "needs 4 weights"),
    (2, ("f32[8, 4]", "f32[12]", "f32[4, 4]", "f32[4]"), "in_proj_weight"),
])
def test_multi_head_refusals(heads: int, weights: tuple[str, ...], message: str) -> None:
    """Heads that do not divide the features, and missing or wrong weights, are refused."""
    with pytest.raises(Problem, match=message):
        infer("multi_head_attention", "f32[2, 3, 4]", None, None, None, *weights, heads=heads)
