"""Dropout and noise: what training adds at random. In evaluation, which is the meaning here, all of them are x itself.

Targets carry the attributes over, so that a model that is trained there trains as it was meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from dlc.ir.attributes import Layout, Real
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Float, Sample, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import need
from dlc.ops.spatial import need_spatial


def need_probability(operation: str, p: float, name: str = "p") -> None:
    """p is the probability of being dropped. Not 1: what is left is divided by 1 - p."""
    need(0 <= p < 1, f"`{operation}` cannot take this as `{name}`", at=[name], found=str(p), code="E0213",
         expected="a probability from 0 to less than 1")


class Noise(Composite):
    """Base: the identity in evaluation."""

    ulps = 0
    random = True
    elementwise: ClassVar[bool] = True

    def body(self, b: Builder, x: Value, **attributes: object) -> Value:
        return x


@operation
class Dropout(Noise):
    """x in evaluation; in training, elements are zeroed with probability `p` and the others divided by 1 - p."""

    positional = ("p",)

    def infer(self, x: Float, *, p: Real = 0.5) -> TensorType:
        need_probability(self.name, p)
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]")
        yield sample("f32[2, 3, 4]", p=0.1)
        yield sample("f32[5]", p=0.0)


class ChannelDropout(Noise):
    """Base: whole channels are dropped together."""

    spatial = True
    positional = ("p",)
    axes: ClassVar[int]

    def infer(self, x: Float, *, p: Real = 0.5, layout: Layout = "NCHW") -> TensorType:
        need_spatial(self.name, x, self.axes)
        need_probability(self.name, p)
        return x

    def samples(self) -> Iterable[Sample]:
        sizes = ", ".join("456"[:self.axes])
        yield sample(f"f32[2, 3, {sizes}]")
        yield sample(f"f32[2, {sizes}, 3]", p=0.25, layout="NHWC")


@operation
class Dropout1d(ChannelDropout):
    """x in evaluation; in training, whole channels of [N, C, W] are zeroed with probability `p`, others scaled up."""

    axes = 1


@operation
class Dropout2d(ChannelDropout):
    """x in evaluation; in training, whole channels of [N, C, H, W] are zeroed with probability `p`, others scaled
    up."""

    axes = 2


@operation
class Dropout3d(ChannelDropout):
    """x in evaluation; in training, whole channels of [N, C, D, H, W] are zeroed with probability `p`, others scaled
    up."""

    axes = 3


@operation
class AlphaDropout(Noise):
    """x in evaluation; in training, elements are set to SELU's negative limit with probability `p`, and the result is
    scaled and shifted so that mean and variance stay (Klambauer et al., 2017)."""

    positional = ("p",)

    def infer(self, x: Float, *, p: Real = 0.5) -> TensorType:
        need_probability(self.name, p)
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]")
        yield sample("f32[2, 3]", p=0.2)


@operation
class GaussianNoise(Noise):
    """x in evaluation; in training, normal noise with standard deviation `std` is added."""

    positional = ("std",)

    def infer(self, x: Float, *, std: Real) -> TensorType:
        need(std >= 0, "`gaussian_noise` cannot take this as `std`", expected="0 or more", found=str(std), at=["std"],
             code="E0213")
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", std=0.1)


@operation
class GaussianDropout(Noise):
    """x in evaluation; in training, x times normal noise of mean 1 and standard deviation sqrt(p / (1 - p))."""

    positional = ("p",)

    def infer(self, x: Float, *, p: Real) -> TensorType:
        need_probability(self.name, p)
        return x

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", p=0.3)
