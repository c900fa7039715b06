"""Truths of layers: convolutions, pooling, normalisation, attention, embeddings, recurrent networks, dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from every_op.truth import formula_truth, torch_truth


def channels_second(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function for channels on axis 1 serve the layout NHWC too."""
    def serve(x: Any, *others: Any, layout: str, **attributes: Any) -> Any:
        if layout == "NCHW":
            return function(x, *others, **attributes)
        y = function(x.movedim(-1, 1), *others, **attributes)
        return y.movedim(1, -1) if y.ndim > 2 else y
    return serve


def padded(x: Any, pad: Any, mode: str = "constant", value: float = 0.0) -> Any:
    """The spatial axes padded by pairs."""
    flat = [width for pair in reversed(pad) for width in pair]
    return F.pad(x, flat, mode, **({"value": value} if mode == "constant" else {})) if any(flat) else x


@torch_truth("convolution", "conv1d", "conv2d", "conv3d")
@channels_second
def _convolution(x: Any, weight: Any, bias: Any = None, *, stride: Any, pad: Any, dilation: Any, groups: int,
                 pad_mode: str = "zeros") -> Any:
    convolve = [F.conv1d, F.conv2d, F.conv3d][x.ndim - 3]
    x = padded(x, pad, "constant" if pad_mode == "zeros" else pad_mode)
    return convolve(x, weight, bias, stride, 0, dilation, groups)


@torch_truth("transposed_convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
@channels_second
def _transposed(x: Any, weight: Any, bias: Any = None, *, stride: Any, pad: Any, output_pad: Any, dilation: Any,
                groups: int) -> Any:
    convolve = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][x.ndim - 3]
    before, after = [p[0] for p in pad], [p[1] for p in pad]
    full = convolve(x, weight, bias, stride, 0, 0, groups, dilation)
    full = padded(full, [(0, extra) for extra in output_pad])
    if bias is not None and any(output_pad):
        bare = padded(convolve(x, weight, None, stride, 0, 0, groups, dilation), [(0, extra) for extra in output_pad])
        full = bare + bias.reshape(-1, *[1] * (x.ndim - 2))
    for axis, (low, high) in enumerate(zip(before, after, strict=True), start=2):
        full = full.narrow(axis, low, full.shape[axis] - low - high)
    return full


@torch_truth("max_pool")
@channels_second
def _max_pool(x: Any, *, kernel: Any, stride: Any, pad: Any, dilation: Any, ceil_mode: bool) -> Any:
    pool = [F.max_pool1d, F.max_pool2d, F.max_pool3d][x.ndim - 3]
    if all(before == after for before, after in pad):
        return pool(x, kernel, stride, [p for p, _ in pad], dilation, ceil_mode)
    return pool(padded(x, pad, value=-float("inf")), kernel, stride, 0, dilation, ceil_mode)


@torch_truth("avg_pool")
@channels_second
def _avg_pool(x: Any, *, kernel: Any, stride: Any, pad: Any, ceil_mode: bool, count_include_pad: bool) -> Any:
    pool = [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d][x.ndim - 3]
    if all(before == after for before, after in pad):
        return pool(x, kernel, stride, [p for p, _ in pad], ceil_mode, count_include_pad)
    total = pool(padded(x, pad), kernel, stride, 0, ceil_mode)
    if count_include_pad:
        return total
    return total / pool(padded(torch.ones_like(x), pad), kernel, stride, 0, ceil_mode)


@torch_truth("adaptive_avg_pool")
@channels_second
def _adaptive_avg_pool(x: Any, *, size: Any) -> Any:
    return [F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d][x.ndim - 3](x, size)


@torch_truth("adaptive_max_pool")
@channels_second
def _adaptive_max_pool(x: Any, *, size: Any) -> Any:
    return [F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d][x.ndim - 3](x, size)


@torch_truth("global_avg_pool")
@channels_second
def _global_avg_pool(x: Any, *, keepdims: bool) -> Any:
    return x.mean(tuple(range(2, x.ndim)), keepdim=keepdims)


@torch_truth("global_max_pool")
@channels_second
def _global_max_pool(x: Any, *, keepdims: bool) -> Any:
    return x.amax(tuple(range(2, x.ndim)), keepdim=keepdims)


@formula_truth("lp_pool")
def _lp_pool(x: Any, *, p: float, kernel: Any, stride: Any, ceil_mode: bool, layout: str) -> Any:
    """Window by window; what hangs over the end is not there."""
    x = x if layout == "NCHW" else np.moveaxis(x, -1, 1)
    starts = []
    for size, k, s in zip(x.shape[2:], kernel, stride, strict=True):
        starts.append([i for i in range(0, size, s) if i + k <= size or (ceil_mode and i + k < size + s)])
    y = np.empty((*x.shape[:2], *(len(s) for s in starts)), x.dtype)
    for place in np.ndindex(*y.shape[2:]):
        window = tuple(slice(s[i], s[i] + k) for s, i, k in zip(starts, place, kernel, strict=True))
        part = np.abs(x[(slice(None), slice(None), *window)]) ** p
        y[(slice(None), slice(None), *place)] = part.reshape(*x.shape[:2], -1).sum(-1) ** (1 / p)
    return y if layout == "NCHW" else np.moveaxis(y, 1, -1)


@torch_truth("batch_norm")
@channels_second
def _batch_norm(x: Any, running_mean: Any, running_var: Any, weight: Any, bias: Any, *, eps: float,
                momentum: float) -> Any:
    return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)


@torch_truth("group_norm")
@channels_second
def _group_norm(x: Any, weight: Any, bias: Any, *, groups: int, eps: float) -> Any:
    return F.group_norm(x, groups, weight, bias, eps)


@torch_truth("instance_norm")
@channels_second
def _instance_norm(x: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    return F.instance_norm(x, None, None, weight, bias, True, 0.1, eps)


@torch_truth("layer_norm")
def _layer_norm(x: Any, weight: Any, bias: Any, *, axes: int, eps: float) -> Any:
    return F.layer_norm(x, x.shape[-axes:], weight, bias, eps)


@torch_truth("rms_norm")
def _rms_norm(x: Any, weight: Any, *, axes: int, eps: float) -> Any:
    return F.rms_norm(x, x.shape[-axes:], weight, eps)


@torch_truth("local_response_norm")
@channels_second
def _local_response_norm(x: Any, *, size: int, alpha: float, beta: float, k: float) -> Any:
    return F.local_response_norm(x, size, alpha, beta, k)


@torch_truth("normalize")
def _normalize(x: Any, *, axis: int, p: float, eps: float) -> Any:
    return F.normalize(x, p, axis, eps)


@torch_truth("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "gaussian_dropout", "gaussian_noise")
def _dropout(x: Any, **attributes: Any) -> Any:
    return x


@torch_truth("embedding")
def _embedding(tokens: Any, weight: Any, *, padding_idx: int | None) -> Any:
    return F.embedding(tokens, weight, padding_idx)


@torch_truth("embedding_bag")
def _embedding_bag(tokens: Any, weight: Any, *, mode: str) -> Any:
    return F.embedding_bag(tokens, weight, mode=mode)


@torch_truth("attention")
def _attention(q: Any, k: Any, v: Any, mask: Any = None, *, causal: bool, scale: float | None, dropout: float) -> Any:
    if causal and mask is not None:
        seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
        mask = mask & seen if mask.dtype == torch.bool else mask.masked_fill(~seen, -float("inf"))
        causal = False
    grouped = q.shape[-3:-2] != k.shape[-3:-2]
    return F.scaled_dot_product_attention(q, k, v, mask, 0.0, causal, scale=scale, enable_gqa=grouped)


@torch_truth("multi_head_attention")
def _multi_head_attention(q: Any, k: Any, v: Any, mask: Any, *weights: Any, heads: int, causal: bool, bias: bool,
                          dropout: float) -> Any:
    k = q if k is None else k
    v = k if v is None else v
    in_weight, in_bias, out_weight, out_bias = weights if bias else (weights[0], None, weights[1], None)
    if causal:
        unseen = ~torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril()
        mask = unseen if mask is None else (unseen | ~mask if mask.dtype == torch.bool
                                            else mask.masked_fill(unseen, -float("inf")))
    elif mask is not None and mask.dtype == torch.bool:
        mask = ~mask
    if mask is not None and mask.ndim > 2:
        full = (q.shape[0], heads, q.shape[1], k.shape[1])
        mask = mask.expand(full).reshape(-1, *full[2:])
    y, _ = F.multi_head_attention_forward(
        q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1), q.shape[-1], heads, in_weight, in_bias, None, None,
        False, 0.0, out_weight, out_bias, training=False, need_weights=False, attn_mask=mask)
    return y.transpose(0, 1)


def _recurrent(kind: type, x: Any, states: list[Any], weights: Any, *, size: int, layers: int, bidirectional: bool,
               bias: bool, **options: Any) -> Any:
    """A torch layer that uses these very tensors, so that autograd reaches them."""
    layer = kind(x.shape[-1], size, layers, bias=bias, batch_first=True, bidirectional=bidirectional, dtype=x.dtype,
                 **options)
    names = [name for name, _ in layer.named_parameters()]
    for name in names:
        delattr(layer, name)
    for name, weight in zip(names, weights, strict=True):
        setattr(layer, name, weight)
    layer._flat_weights = list(weights)
    h_size = options.get("proj_size") or size
    directions = layers * (2 if bidirectional else 1)
    sizes = [h_size, size]
    filled = [x.new_zeros(directions, x.shape[0], sizes[i]) if s is None else s for i, s in enumerate(states)]
    y, last = layer(x, filled[0] if len(filled) == 1 else tuple(filled))
    return (y, last) if len(filled) == 1 else (y, *last)


@torch_truth("rnn")
def _rnn(x: Any, h0: Any, *weights: Any, dropout: float, **options: Any) -> Any:
    return _recurrent(torch.nn.RNN, x, [h0], weights, **options)


@torch_truth("gru")
def _gru(x: Any, h0: Any, *weights: Any, dropout: float, **options: Any) -> Any:
    return _recurrent(torch.nn.GRU, x, [h0], weights, **options)


@torch_truth("lstm")
def _lstm(x: Any, h0: Any, c0: Any, *weights: Any, dropout: float, **options: Any) -> Any:
    return _recurrent(torch.nn.LSTM, x, [h0, c0], weights, **options)


def _zero(weight: Any, bias: Any) -> Any:
    return weight.new_zeros(weight.shape[0]) if bias is None else bias


@torch_truth("rnn_cell")
def _rnn_cell(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, nonlinearity: str) -> Any:
    cell = {"tanh": torch.rnn_tanh_cell, "relu": torch.rnn_relu_cell}[nonlinearity]
    return cell(x, h, w_ih, w_hh, _zero(w_ih, b_ih), _zero(w_hh, b_hh))


@torch_truth("gru_cell")
def _gru_cell(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
    return torch.gru_cell(x, h, w_ih, w_hh, _zero(w_ih, b_ih), _zero(w_hh, b_hh))


@torch_truth("lstm_cell")
def _lstm_cell(x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
    return torch.lstm_cell(x, (h, c), w_ih, w_hh, _zero(w_ih, b_ih), _zero(w_hh, b_hh))


@torch_truth("unfold")
def _unfold(x: Any, *, kernel: Any, stride: Any, pad: Any, dilation: Any) -> Any:
    """One spatial axis is unfolded as an image of one row; torch has images alone, without integers."""
    kernel, stride, pad, dilation = list(kernel), list(stride), list(pad), list(dilation)
    if x.ndim == 3:
        x, kernel, stride, pad, dilation = x[:, :, None], [1, *kernel], [1, *stride], [(0, 0), *pad], [1, *dilation]
    return F.unfold(padded(x, pad).double(), kernel, dilation, 0, stride).to(x.dtype)
