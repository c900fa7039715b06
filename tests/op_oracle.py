"""Helpers for the tests of operations: sample arrays, the reference meaning in float64, and gradients by rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

import dlc.ops  # noqa: F401  (declares every operation)
from dlc.ir.build import Builder, resolve
from dlc.ir.dim import name
from dlc.ir.evaluate import apply as evaluate
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program, Value
from dlc.ir.op import Sample, op
from dlc.ir.types import DTYPES, F64, TensorType, dtype_of
from dlc.passes import autodiff


def typed(text: str) -> TensorType:
    """A type from its text, with numbers or names as sizes: `typed("f32[N, 3]")`."""
    dtype, _, shape = text.partition("[")
    dims = [d.strip() for d in shape.rstrip("]").split(",")] if shape else []
    return TensorType(DTYPES[dtype], tuple(int(d) if d.isdigit() else name(d) for d in dims))


def draw(sample: Sample, seed: int = 0) -> list[Any]:
    """Arrays for a sample's operands, floats in float64."""
    rng = np.random.default_rng(seed)
    arrays: list[Any] = []
    for arg in sample.arguments:
        if arg is None:
            arrays.append(None)
            continue
        t = typed(arg.type)
        shape = [int(d) for d in t.shape]  # type: ignore[call-overload]
        dtype = np.float64 if t.dtype.is_float else t.dtype.numpy
        if arg.values is not None:
            arrays.append(np.asarray(arg.values, dtype))
        elif t.dtype.kind == "bool":
            arrays.append(rng.random(shape) < 0.5)
        elif t.dtype.is_integer:
            arrays.append(rng.integers(int(arg.low), int(arg.high), shape).astype(dtype))
        else:
            arrays.append(rng.uniform(arg.low, arg.high, shape))
    return arrays


def types_of(arrays: Sequence[Any]) -> list[TensorType | None]:
    return [None if a is None else TensorType(dtype_of(a), a.shape) for a in arrays]


def infer(operation: str, *types: TensorType | str | None, **attributes: Any) -> Any:
    """The inferred type of a call, or a tuple of them."""
    given = [typed(t) if isinstance(t, str) else t for t in types]
    result = resolve(op(operation), given, attributes)[1]
    return result[0] if len(result) == 1 else result


def reference(operation: str, *arrays: Any, **attributes: Any) -> Any:
    """What the operation means for these arrays; the results have the inferred types."""
    canonical, types = resolve(op(operation), types_of(arrays), attributes)
    results = evaluate(op(operation), arrays, canonical)
    assert [(r.dtype, r.shape) for r in results] == [(t.dtype.numpy, t.shape) for t in types]
    return results[0] if len(results) == 1 else results


def gradients(operation: str, arrays: Sequence[Any], *cotangents: Any, **attributes: Any) -> list[Any]:
    """The gradients for all floating-point operands by automatic differentiation, evaluated; None for the others."""
    graph = Graph("gradient")
    values = [None if a is None else graph.add_input(f"x{i}", TensorType(dtype_of(a), a.shape))
              for i, a in enumerate(arrays)]
    seeds = [graph.add_input(f"g{i}", TensorType(F64, c.shape)) for i, c in enumerate(cotangents)]
    b = Builder(graph)
    results = b.apply(operation, *values, **attributes)
    wrt = [v for v in values if v is not None and v.type.dtype.is_float]
    found = autodiff.gradients(b, [results] if isinstance(results, Value) else results, wrt, seeds)
    for value, gradient in zip(wrt, found, strict=True):
        if gradient is not None:
            graph.add_output(f"d{value.name}", gradient)
    given = [*zip(values, arrays, strict=True), *zip(seeds, cotangents, strict=True)]
    evaluated = run(Program(graph), {v.name: a for v, a in given if v is not None}, weights={}, precision="float64")
    return [None if v is None else evaluated.get(f"d{v.name}") for v in values]


def torch_gradients(function: Callable[..., Any], arrays: Sequence[Any], *cotangents: Any) -> list[Any]:
    """The gradients that PyTorch's autograd finds."""
    tensors = [None if a is None else torch.tensor(a, requires_grad=a.dtype == np.float64) for a in arrays]
    results = function(*tensors)
    results = [results] if isinstance(results, torch.Tensor) else list(results)
    torch.autograd.backward(results, [torch.tensor(c) for c in cotangents])
    return [None if t is None or t.grad is None else t.grad.numpy() for t in tensors]


def tensors(arrays: Sequence[Any]) -> list[Any]:
    return [None if a is None else torch.tensor(a) for a in arrays]


def close(actual: Any, expected: Any, tolerance: float = 1e-10) -> None:
    """Equal up to float64 rounding."""
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def samples(operation: str) -> list[Any]:
    """The samples of an operation as test parameters."""
    return list(op(operation).samples())


def attributes_of(operation: str, sample: Sample) -> Mapping[str, Any]:
    """The canonical attributes of a sample."""
    types = [None if a is None else typed(a.type) for a in sample.arguments]
    return resolve(op(operation), types, sample.attributes)[0]
