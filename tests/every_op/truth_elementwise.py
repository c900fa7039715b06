"""Truths of arithmetic, comparison, logic and functions of one number."""

from __future__ import annotations

from typing import Any

import torch

from every_op.truth import torch_truth

SAME_NAME = """abs acos acosh add asin asinh atan atan2 atanh ceil cos cosh div erf erfc exp exp2 expm1 floor
    floor_divide fmod hypot
    log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor logit maximum minimum mul neg pow
    reciprocal remainder round rsqrt sigmoid sign sin sinh sqrt square sub tan tanh trunc greater greater_equal less
    less_equal not_equal where"""

for _name in SAME_NAME.split():
    torch_truth(_name)(getattr(torch, _name))
for _ours, _theirs in {"equal": "eq", "is_nan": "isnan", "is_inf": "isinf", "is_finite": "isfinite"}.items():
    torch_truth(_ours)(getattr(torch, _theirs))


@torch_truth("stop_gradient")
def _stop_gradient(x: Any) -> Any:
    return x.detach()


@torch_truth("identity")
def _identity(x: Any) -> Any:
    return x


@torch_truth("cast")
def _cast(x: Any, *, dtype: Any) -> Any:
    names = {"f32": "float64", "f64": "float64", "i64": "int64", "i32": "int32", "i8": "int8", "u8": "uint8",
             "bool": "bool"}
    return x.to(getattr(torch, names[str(dtype)]))


@torch_truth("clamp")
def _clamp(x: Any, *, min: float | None, max: float | None) -> Any:
    whole = not x.is_floating_point()
    return torch.clamp(x, *(None if v is None else int(v) if whole else v for v in (min, max)))


@torch_truth("matmul")
def _matmul(x: Any, y: Any) -> Any:
    return torch.matmul(x, y)


@torch_truth("einsum")
def _einsum(*xs: Any, equation: str) -> Any:
    return torch.einsum(equation, *xs)


@torch_truth("linear")
def _linear(x: Any, weight: Any, bias: Any) -> Any:
    return torch.nn.functional.linear(x, weight, bias)


@torch_truth("bilinear")
def _bilinear(x: Any, y: Any, weight: Any, bias: Any) -> Any:
    return torch.nn.functional.bilinear(x, y, weight, bias)
