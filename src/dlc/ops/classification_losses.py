"""Losses over classes: cross-entropy and its kin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from dlc.ir.attributes import INT, Axis, Real, optional
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Index, Number, Sample, operation, sample
from dlc.ir.types import I32, I64, TensorType
from dlc.ops.losses import PairLoss, Reduction, loss_type, reduced_loss, same_shape
from dlc.ops.rules import broadcast, need, need_equal, need_rank, same_dtype, size_value

OptionalInt = Annotated[int, optional(INT)]


def _need_classes(name: str, x: TensorType, axis: int, weight: TensorType | None) -> None:
    need(x.rank >= 1, f"`{name}` needs an axis of classes", expected="rank 1 or more", found=str(x), code="E0222")
    if weight is not None:
        same_dtype(x=x, weight=weight)
        need_rank("weight", weight, 1)
        need_equal("the classes and the size of `weight`", x.shape[axis], weight.shape[0], at=["weight"])


def _kept(b: Builder, target: Value, like: Value, ignore_index: int | None) -> Value | None:
    """1 where the target counts, 0 where it is to be ignored; None where all count."""
    if ignore_index is None:
        return None
    return b.cast(b.not_equal(target, ignore_index), dtype=like.type.dtype)


def _class_loss(b: Builder, scores: Value, target: Value, weight: Value | None, *, axis: int, reduction: str,
                ignore_index: int | None, smoothing: float) -> Value:
    """The weighted negative log-probability of the target class, from log-probabilities."""
    safe = target if ignore_index is None else b.where(b.equal(target, ignore_index), 0, target)
    chosen = b.squeeze(b.take_along_axis(scores, b.unsqueeze(safe, axis=axis), axis=axis), axis=axis)
    share = None if weight is None else b.gather(weight, safe, axis=0)
    kept = _kept(b, target, scores, ignore_index)
    loss = b.neg(chosen) if share is None else b.neg(b.mul(chosen, share))
    if smoothing:
        weighed = scores if weight is None else b.mul(scores, _along(b, weight, scores, axis))
        classes = size_value(b, scores.type.shape[axis], scores.type.dtype)
        spread = b.div(b.mul(b.sum(weighed, axis=axis), -smoothing), classes)
        loss = b.add(b.mul(loss, 1 - smoothing), spread)
    if kept is not None:
        loss = b.mul(loss, kept)
        share = kept if share is None else b.mul(share, kept)
    if reduction != "mean" or share is None:
        return reduced_loss(b, loss, reduction)
    return b.div(b.sum(loss), b.sum(share))


def _along(b: Builder, weight: Value, x: Value, axis: int) -> Value:
    """A weight for each class, shaped to broadcast along `axis` of x."""
    return b.reshape(weight, shape=[weight.type.shape[0], *[1] * (x.type.rank - 1 - axis)])


@operation
class NllLoss(Composite):
    """-x[target] * weight[target]: the negative log-likelihood of integer classes, from log-probabilities.

    x: [..., classes, ...] with the classes on `axis` (the last unless given); target: the shape of x without it;
    weight: [classes]. Targets equal to `ignore_index` cost nothing. "mean" divides by the sum of the weights that
    count.
    """

    axis_attributes = ("axis",)
    ulps = 16

    def infer(self, x: Float, target: Index, weight: Float | None = None, *, axis: Axis = -1,
              reduction: Reduction = "mean", ignore_index: OptionalInt = None) -> TensorType:  # type: ignore[assignment]
        _need_classes("nll_loss", x, axis, weight)
        result = x.with_shape(*x.shape[:axis], *x.shape[axis + 1:])
        same_shape(x=result, target=target)
        return loss_type(result, reduction)

    def body(self, b: Builder, x: Value, target: Value, weight: Value | None, *, axis: int, reduction: str,
             ignore_index: int | None) -> Value:
        return _class_loss(b, x, target, weight, axis=axis, reduction=reduction, ignore_index=ignore_index, smoothing=0)

    def samples(self) -> Iterable[Sample]:
        classes = Arg("i64[4]", 0, 3)
        for reduction in ("mean", "sum", "none"):
            yield sample(Arg("f32[4, 3]", -4, 0), classes, None, reduction=reduction)
            yield sample(Arg("f32[4, 3]", -4, 0), classes, Arg("f32[3]", 0.5, 2), reduction=reduction)
        yield sample(Arg("f32[2, 3, 4]", -4, 0), Arg("i64[2, 4]", 0, 3), Arg("f32[3]", 0.5, 2), axis=1,
                     ignore_index=1)
        yield sample(Arg("f32[4, 3]", -4, 0), Arg("i64[4]", values=[0, -100, 2, -100]), None, ignore_index=-100)


@operation
class CrossEntropy(Composite):
    """-log(softmax(logits))[target]: scores against integer classes, or against probabilities of classes.

    logits: [..., classes, ...] with the classes on `axis` (the last unless given).
    target: integers in the shape of the logits without that axis, or probabilities in the shape of the logits.
    weight: [classes], how much each class counts.
    label_smoothing: this part of every target is spread evenly over the classes.
    Integer targets equal to `ignore_index` cost nothing. "mean" divides by the sum of the weights of the targets that
    count; for probabilities by the number of targets.
    """

    axis_attributes = ("axis",)
    ulps = 32

    def infer(self, logits: Float, target: Number, weight: Float | None = None, *, axis: Axis = -1,
              reduction: Reduction = "mean", label_smoothing: Real = 0.0,
              ignore_index: OptionalInt = None) -> TensorType:  # type: ignore[assignment]
        _need_classes("cross_entropy", logits, axis, weight)
        need(0 <= label_smoothing <= 1, "`label_smoothing` is a part of the whole", expected="from 0 to 1",
             found=str(label_smoothing), at=["label_smoothing"])
        result = logits.with_shape(*logits.shape[:axis], *logits.shape[axis + 1:])
        if target.dtype.is_integer:
            need(target.dtype in (I32, I64), "`cross_entropy` takes classes as i32 or i64", expected="i32 or i64",
                 found=str(target), at=["target"], code="E0221", hint="convert it with `cast(target, i64)`")
            same_shape(logits=result, target=target)
        else:
            same_dtype(logits=logits, target=target)
            same_shape(logits=logits, target=target)
            need(ignore_index is None, "`ignore_index` needs integer targets", expected="integer classes",
                 found=str(target), at=["ignore_index", "target"])
        return loss_type(result, reduction)

    def body(self, b: Builder, logits: Value, target: Value, weight: Value | None, *, axis: int, reduction: str,
             label_smoothing: float, ignore_index: int | None) -> Value:
        scores = b.log_softmax(logits, axis=axis)
        if target.type.dtype.is_integer:
            return _class_loss(b, scores, target, weight, axis=axis, reduction=reduction, ignore_index=ignore_index,
                               smoothing=label_smoothing)
        shape, dtype = logits.type.shape, logits.type.dtype
        if label_smoothing:
            even = b.div(b.constant(label_smoothing, dtype), size_value(b, shape[axis], dtype))
            target = b.add(b.mul(target, 1 - label_smoothing), even)
        if weight is not None:
            target = b.mul(target, _along(b, weight, logits, axis))
        loss = b.neg(b.sum(b.mul(scores, target), axis=axis))
        return reduced_loss(b, loss, reduction)

    def samples(self) -> Iterable[Sample]:
        classes, parts, weight = Arg("i64[4]", 0, 3), Arg("f32[4, 3]", 0, 1), Arg("f32[3]", 0.5, 2)
        for reduction in ("mean", "sum", "none"):
            yield sample("f32[4, 3]", classes, None, reduction=reduction)
            yield sample("f32[4, 3]", parts, None, reduction=reduction)
            yield sample("f32[4, 3]", classes, weight, reduction=reduction, label_smoothing=0.25)
            yield sample("f32[4, 3]", parts, weight, reduction=reduction, label_smoothing=0.25)
        yield sample("f32[3]", Arg("i64", 0, 3), None)
        yield sample("f32[2, 3, 4, 5]", Arg("i64[2, 4, 5]", 0, 3), weight, axis=1, ignore_index=1)
        yield sample("f32[2, 3, 4]", Arg("f32[2, 3, 4]", 0, 1), weight, axis=1, label_smoothing=0.1)
        yield sample("f32[4, 3]", Arg("i64[4]", values=[0, -100, 2, -100]), weight, ignore_index=-100,
                     label_smoothing=0.1)
        yield sample("f32[4, 3]", Arg("i32[4]", values=[0, -1, 2, -1]), None, ignore_index=-1)


@operation
class BinaryCrossEntropy(Composite):
    """-(target log(x) + (1 - target) log(1 - x)) * weight, for probabilities x; the logarithms are at least -100.

    target: the shape of x; weight: broadcasts to it. For scores that are no probabilities yet,
    `binary_cross_entropy_with_logits` is more accurate.
    """

    ulps = 16

    def infer(self, x: Float, target: Float, weight: Float | None = None, *,
              reduction: Reduction = "mean") -> TensorType:
        same_dtype(x=x, target=target)
        same_shape(x=x, target=target)
        _need_stretches(x, weight, "weight")
        return loss_type(x, reduction)

    def body(self, b: Builder, x: Value, target: Value, weight: Value | None, *, reduction: str) -> Value:
        right = b.mul(target, b.maximum(b.log(x), -100.0))
        wrong = b.mul(b.sub(1.0, target), b.maximum(b.log1p(b.neg(x)), -100.0))
        loss = b.neg(b.add(right, wrong))
        return reduced_loss(b, loss if weight is None else b.mul(loss, weight), reduction)

    def samples(self) -> Iterable[Sample]:
        x, target = Arg("f32[4, 3]", 0.05, 0.95), Arg("f32[4, 3]", 0, 1)
        for reduction in ("mean", "sum", "none"):
            yield sample(x, target, None, reduction=reduction)
            yield sample(x, target, Arg("f32[3]", 0.5, 2), reduction=reduction)
        yield sample(Arg("f32[4]", values=[0.0, 1.0, 0.0, 1.0]), Arg("f32[4]", values=[0.0, 1.0, 1.0, 0.0]), None,
                     gradient=False)


def _need_stretches(x: TensorType, weight: TensorType | None, name: str) -> None:
    """The weight broadcasts to x, never the other way round."""
    if weight is not None:
        same_dtype(**{"x": x, name: weight})
        need(broadcast(x, weight, ("x", name)) == x.shape, f"`{name}` is larger than `x`", expected=str(x),
             found=str(weight), at=[name], code="E0230")


@operation
class BinaryCrossEntropyWithLogits(Composite):
    """The binary cross-entropy of sigmoid(x), computed from x without overflow.

    (1 - target) x + (1 + (pos_weight - 1) target) log(1 + exp(-x)), times weight. target: the shape of x; weight and
    pos_weight, how much positive targets count, broadcast to it.
    """

    ulps = 16

    def infer(self, x: Float, target: Float, weight: Float | None = None, pos_weight: Float | None = None, *,
              reduction: Reduction = "mean") -> TensorType:
        same_dtype(x=x, target=target)
        same_shape(x=x, target=target)
        _need_stretches(x, weight, "weight")
        _need_stretches(x, pos_weight, "pos_weight")
        return loss_type(x, reduction)

    def body(self, b: Builder, x: Value, target: Value, weight: Value | None, pos_weight: Value | None, *,
             reduction: str) -> Value:
        cost = b.neg(b.log_sigmoid(x))
        if pos_weight is not None:
            cost = b.mul(cost, b.add(b.mul(b.sub(pos_weight, 1.0), target), 1.0))
        loss = b.add(b.mul(b.sub(1.0, target), x), cost)
        return reduced_loss(b, loss if weight is None else b.mul(loss, weight), reduction)

    def samples(self) -> Iterable[Sample]:
        x, target, weight = Arg("f32[4, 3]", -4, 4), Arg("f32[4, 3]", 0, 1), Arg("f32[3]", 0.5, 2)
        for reduction in ("mean", "sum", "none"):
            yield sample(x, target, None, None, reduction=reduction)
            yield sample(x, target, weight, weight, reduction=reduction)
        yield sample(x, target, None, Arg("f32[1]", 0.5, 2))
        yield sample(x, target, Arg("f32[4, 1]", 0.5, 2), None)
        yield sample(Arg("f32[4]", values=[-100.0, 100.0, -100.0, 100.0]),
                     Arg("f32[4]", values=[0.0, 1.0, 1.0, 0.0]), None, None)


@operation
class FocalLoss(PairLoss):
    """alpha_t (1 - p_t)^gamma times the binary cross-entropy of sigmoid(x): easy examples weigh less.

    p_t = p target + (1 - p) (1 - target) with p = sigmoid(x); alpha_t likewise from alpha, and 1 for a negative alpha
    (Lin et al., Focal Loss for Dense Object Detection, 2017).
    """

    ulps = 32

    def infer(self, x: Float, target: Float, *, reduction: Reduction = "mean", alpha: Real = 0.25,
              gamma: Real = 2.0) -> TensorType:
        return self._pair(x, target, reduction)

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str, alpha: float, gamma: float) -> Value:
        p, other = b.sigmoid(x), b.sub(1.0, target)
        miss = b.add(b.mul(b.sigmoid(b.neg(x)), target), b.mul(p, other))
        loss = b.binary_cross_entropy_with_logits(x, target, None, None, reduction="none")
        loss = b.mul(loss, b.pow(miss, gamma))
        if alpha >= 0:
            loss = b.mul(loss, b.add(b.mul(target, alpha), b.mul(other, 1 - alpha)))
        return reduced_loss(b, loss, reduction)

    def samples(self) -> Iterable[Sample]:
        x, target = Arg("f32[4, 3]", -4, 4), Arg("f32[4, 3]", 0, 1)
        for reduction in ("mean", "sum", "none"):
            yield sample(x, target, reduction=reduction)
        yield sample(x, target, alpha=-1, gamma=1.5)
        yield sample(x, target, alpha=0.75, gamma=3)


@operation
class SoftMarginLoss(PairLoss):
    """log(1 + exp(-target x)), for targets of 1 and -1."""

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str) -> Value:
        return reduced_loss(b, b.neg(b.log_sigmoid(b.mul(target, x))), reduction)
