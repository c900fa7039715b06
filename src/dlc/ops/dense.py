"""Dense layers: linear, bilinear."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

from dlc.ir.attributes import Size
from dlc.ir.build import Builder
from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Initializer, Problem, Sample, WeightSpec, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import need, need_equal, need_rank, same_dtype


def fan_in_uniform(fan_in: Dim) -> Initializer:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)): what PyTorch's linear and convolution layers start from."""
    if not isinstance(fan_in, int):
        raise Problem("the number of inputs of a layer must be known", expected="a number", found=str(fan_in))
    bound = 1 / sqrt(fan_in) if fan_in else 0.0
    return Initializer("uniform", (("low", -bound), ("high", bound)))


@operation
class Linear(Composite):
    """y = x Wᵀ + b over the last axis: the dense layer.

    x: [..., in]; weight: [out, in]; bias: [out]; y: [..., out].
    As a layer: `linear(64)` owns `weight` and `bias`, drawn from U(-1/sqrt(in), 1/sqrt(in)); `bias=false` leaves
    the bias out.
    """

    ulps = 32

    def infer(self, x: Float, weight: Float, bias: Float | None = None) -> TensorType:
        need(x.rank >= 1, "`linear` needs a tensor with a last axis", expected="rank 1 or more", found=str(x), at=["x"],
             code="E0222")
        need_rank("weight", weight, 2)
        same_dtype(x=x, weight=weight)
        need_equal("the last axis of `x` and the inputs of `weight`", x.shape[-1], weight.shape[1], at=["x", "weight"])
        if bias is not None:
            need_rank("bias", bias, 1)
            need_equal("the outputs of `weight` and the size of `bias`", weight.shape[0], bias.shape[0], at=["bias"])
        return x.with_shape(*x.shape[:-1], weight.shape[0])

    def layer(self, x: TensorType, *, features: Size, bias: bool = True) -> dict[str, WeightSpec]:
        need(x.rank >= 1, "`linear` needs a tensor with a last axis", expected="rank 1 or more", found=str(x), at=["x"],
             code="E0222")
        init = fan_in_uniform(x.shape[-1])
        weights = {"weight": WeightSpec(TensorType(x.dtype, (features, x.shape[-1])), init)}
        if bias:
            weights["bias"] = WeightSpec(TensorType(x.dtype, (features,)), init)
        return weights

    def sizes(self, weight: TensorType, bias: TensorType | None = None) -> dict[str, Any]:
        return {"features": weight.shape[0], "bias": bias is not None}

    def body(self, b: Builder, x: Value, weight: Value, bias: Value | None) -> Value:
        y: Value = b.matmul(x, b.transpose(weight, axes=[1, 0]))
        return y if bias is None else b.add(y, bias)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[4, 3]", "f32[5, 3]", "f32[5]")
        yield sample("f32[2, 4, 3]", "f32[5, 3]", None)
        yield sample("f32[3]", "f32[1, 3]", "f32[1]")


@operation
class Bilinear(Composite):
    """z[o] = x W[o] y + b[o]: a form that is linear in each of two vectors.

    x: [..., n]; y: [..., m]; weight: [out, n, m]; bias: [out]; z: [..., out].
    As a layer: `bilinear(64)` owns `weight` and `bias`, drawn from U(-1/sqrt(n), 1/sqrt(n)).
    """

    ulps = 32

    def infer(self, x: Float, y: Float, weight: Float, bias: Float | None = None) -> TensorType:
        self._need_vectors(x, y)
        need_rank("weight", weight, 3)
        same_dtype(x=x, y=y, weight=weight)
        need(x.rank == y.rank, "`x` and `y` have different ranks", expected=str(x), found=str(y), at=["x", "y"],
             code="E0222")
        for axis in range(x.rank - 1):
            need_equal(f"axis {axis} of `x` and `y`", x.shape[axis], y.shape[axis], at=["x", "y"])
        need_equal("the last axis of `x` and axis 1 of `weight`", x.shape[-1], weight.shape[1], at=["x", "weight"])
        need_equal("the last axis of `y` and axis 2 of `weight`", y.shape[-1], weight.shape[2], at=["y", "weight"])
        if bias is not None:
            need_rank("bias", bias, 1)
            need_equal("the outputs of `weight` and the size of `bias`", weight.shape[0], bias.shape[0], at=["bias"])
        return x.with_shape(*x.shape[:-1], weight.shape[0])

    @staticmethod
    def _need_vectors(*types: TensorType) -> None:
        for t in types:
            need(t.rank >= 1, "`bilinear` needs tensors with a last axis", expected="rank 1 or more", found=str(t),
                 code="E0222")

    def layer(self, x: TensorType, y: TensorType, *, features: Size, bias: bool = True) -> dict[str, WeightSpec]:
        self._need_vectors(x, y)
        init = fan_in_uniform(x.shape[-1])
        weights = {"weight": WeightSpec(TensorType(x.dtype, (features, x.shape[-1], y.shape[-1])), init)}
        if bias:
            weights["bias"] = WeightSpec(TensorType(x.dtype, (features,)), init)
        return weights

    def sizes(self, weight: TensorType, bias: TensorType | None = None) -> dict[str, Any]:
        return {"features": weight.shape[0], "bias": bias is not None}

    def body(self, b: Builder, x: Value, y: Value, weight: Value, bias: Value | None) -> Value:
        z = b.einsum(x, weight, y, equation="...n,onm,...m->...o")
        return z if bias is None else b.add(z, bias)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[4, 3]", "f32[4, 2]", "f32[5, 3, 2]", "f32[5]")
        yield sample("f32[2, 4, 3]", "f32[2, 4, 2]", "f32[5, 3, 2]", None)
        yield sample(Arg("f32[3]", 0.5, 2), Arg("f32[2]", 0.5, 2), Arg("f32[1, 3, 2]", 0.5, 2), "f32[1]")
