"""Similarities and distances, and the losses that keep a margin between them."""

from __future__ import annotations

from collections.abc import Iterable

from dlc.ir.attributes import Axis, Bool, Real
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Sample, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.losses import PairLoss, Reduction, loss_type, reduced_loss, same_shape
from dlc.ops.rules import need, reduced, same_dtype

_SIGNS = [1.0, -1.0, 1.0, -1.0]


def _need_vectors(name: str, x: TensorType) -> None:
    need(x.rank >= 1, f"`{name}` needs vectors", expected="rank 1 or more", found=str(x), code="E0222")


@operation
class CosineSimilarity(Composite):
    """x · y / (max(|x|, eps) max(|y|, eps)) along `axis`: the cosine of the angle between two vectors."""

    axis_attributes = ("axis",)
    ulps = 16

    def infer(self, x: Float, y: Float, *, axis: Axis = -1, eps: Real = 1e-8) -> TensorType:
        _need_vectors("cosine_similarity", x)
        same_dtype(x=x, y=y)
        same_shape(x=x, y=y)
        return x.with_shape(*reduced(x.shape, [axis], False))

    def body(self, b: Builder, x: Value, y: Value, *, axis: int, eps: float) -> Value:
        lengths = [b.maximum(b.norm(v, axis=axis), eps) for v in (x, y)]
        return b.div(b.sum(b.mul(x, y), axis=axis), b.mul(*lengths))

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[4, 3]", "f32[4, 3]")
        yield sample("f32[4, 3, 2]", "f32[4, 3, 2]", axis=1)
        yield sample("f32[3]", "f32[3]")
        yield sample("f32[4, 3]", "f32[4, 3]", eps=3, gradient=False)


@operation
class PairwiseDistance(Composite):
    """The p-norm of x - y + eps along the last axis."""

    ulps = 16

    def infer(self, x: Float, y: Float, *, p: Real = 2.0, eps: Real = 1e-6, keepdims: Bool = False) -> TensorType:
        _need_vectors("pairwise_distance", x)
        same_dtype(x=x, y=y)
        same_shape(x=x, y=y)
        return x.with_shape(*reduced(x.shape, [x.rank - 1], keepdims))

    def body(self, b: Builder, x: Value, y: Value, *, p: float, eps: float, keepdims: bool) -> Value:
        return b.norm(b.add(b.sub(x, y), eps), p=p, axis=x.type.rank - 1, keepdims=keepdims)

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[4, 3]", "f32[4, 3]")
        yield sample("f32[3]", "f32[3]")
        yield sample("f32[4, 3]", "f32[4, 3]", p=1, keepdims=True)
        yield sample("f32[4, 3]", "f32[4, 3]", p=3, eps=0.5)


@operation
class CosineEmbeddingLoss(Composite):
    """1 - cos(x, y) where target is 1, max(cos(x, y) - margin, 0) where it is -1.

    x, y: [..., n]; target: [...].
    """

    ulps = 16

    def infer(self, x: Float, y: Float, target: Float, *, margin: Real = 0.0,
              reduction: Reduction = "mean") -> TensorType:
        _need_vectors("cosine_embedding_loss", x)
        same_dtype(x=x, y=y, target=target)
        same_shape(x=x, y=y)
        result = x.with_shape(*x.shape[:-1])
        same_shape(x=result, target=target)
        return loss_type(result, reduction)

    def body(self, b: Builder, x: Value, y: Value, target: Value, *, margin: float, reduction: str) -> Value:
        cosine = b.cosine_similarity(x, y)
        apart = b.relu(b.sub(cosine, margin))
        return reduced_loss(b, b.where(b.greater(target, 0.0), b.sub(1.0, cosine), apart), reduction)

    def samples(self) -> Iterable[Sample]:
        for reduction in ("mean", "sum", "none"):
            yield sample("f32[4, 3]", "f32[4, 3]", Arg("f32[4]", values=_SIGNS), reduction=reduction)
        yield sample("f32[4, 3]", "f32[4, 3]", Arg("f32[4]", values=_SIGNS), margin=-0.5)


@operation
class TripletMarginLoss(Composite):
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), where d is `pairwise_distance`.

    anchor, positive, negative: [..., n]. With `swap` the distance from positive to negative counts where it is less
    than that from anchor to negative (Balntas et al., Learning Shallow Convolutional Feature Descriptors with
    Triplet Losses, 2016).
    """

    ulps = 32

    def infer(self, anchor: Float, positive: Float, negative: Float, *, margin: Real = 1.0, p: Real = 2.0,
              eps: Real = 1e-6, swap: Bool = False, reduction: Reduction = "mean") -> TensorType:
        _need_vectors("triplet_margin_loss", anchor)
        same_dtype(anchor=anchor, positive=positive, negative=negative)
        same_shape(anchor=anchor, positive=positive, negative=negative)
        return loss_type(anchor.with_shape(*anchor.shape[:-1]), reduction)

    def body(self, b: Builder, anchor: Value, positive: Value, negative: Value, *, margin: float, p: float, eps: float,
             swap: bool, reduction: str) -> Value:
        near = b.pairwise_distance(anchor, positive, p=p, eps=eps)
        far = b.pairwise_distance(anchor, negative, p=p, eps=eps)
        if swap:
            far = b.minimum(far, b.pairwise_distance(positive, negative, p=p, eps=eps))
        return reduced_loss(b, b.relu(b.add(b.sub(near, far), margin)), reduction)

    def samples(self) -> Iterable[Sample]:
        x = "f32[4, 3]"
        for reduction in ("mean", "sum", "none"):
            yield sample(x, x, x, reduction=reduction)
        yield sample(x, x, x, margin=0.5, p=1, swap=True)
        yield sample("f32[3]", "f32[3]", "f32[3]", p=3, eps=0.1)


@operation
class MarginRankingLoss(Composite):
    """max(-target (x - y) + margin, 0): x should rank above y where target is 1, below where it is -1."""

    ulps = 16

    def infer(self, x: Float, y: Float, target: Float, *, margin: Real = 0.0,
              reduction: Reduction = "mean") -> TensorType:
        same_dtype(x=x, y=y, target=target)
        same_shape(x=x, y=y, target=target)
        return loss_type(x, reduction)

    def body(self, b: Builder, x: Value, y: Value, target: Value, *, margin: float, reduction: str) -> Value:
        lead = b.mul(target, b.sub(y, x))
        return reduced_loss(b, b.relu(b.add(lead, margin) if margin else lead), reduction)

    def samples(self) -> Iterable[Sample]:
        for reduction in ("mean", "sum", "none"):
            yield sample("f32[4]", "f32[4]", Arg("f32[4]", values=_SIGNS), reduction=reduction)
        yield sample("f32[4]", "f32[4]", Arg("f32[4]", values=_SIGNS), margin=0.5)


@operation
class HingeLoss(PairLoss):
    """max(1 - target x, 0), for targets of 1 and -1; its square with `squared`."""

    def infer(self, x: Float, target: Float, *, reduction: Reduction = "mean", squared: Bool = False) -> TensorType:
        return self._pair(x, target, reduction)

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str, squared: bool) -> Value:
        loss = b.relu(b.sub(1.0, b.mul(target, x)))
        return reduced_loss(b, b.square(loss) if squared else loss, reduction)

    def samples(self) -> Iterable[Sample]:
        for reduction in ("mean", "sum", "none"):
            yield sample("f32[4]", Arg("f32[4]", values=_SIGNS), reduction=reduction)
        yield sample("f32[4]", Arg("f32[4]", values=_SIGNS), squared=True)


@operation
class HingeEmbeddingLoss(PairLoss):
    """x where target is 1, max(margin - x, 0) where it is -1: distances that should be small or large."""

    def infer(self, x: Float, target: Float, *, reduction: Reduction = "mean", margin: Real = 1.0) -> TensorType:
        return self._pair(x, target, reduction)

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str, margin: float) -> Value:
        apart = b.relu(b.sub(margin, x))
        return reduced_loss(b, b.where(b.greater(target, 0.0), x, apart), reduction)

    def samples(self) -> Iterable[Sample]:
        for reduction in ("mean", "sum", "none"):
            yield sample("f32[4]", Arg("f32[4]", values=_SIGNS), reduction=reduction)
        yield sample("f32[4]", Arg("f32[4]", values=_SIGNS), margin=0.25)
