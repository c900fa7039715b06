"""Losses: what all have in common, and those that compare numbers with numbers. Losses never broadcast.

`classification_losses.py` has those over classes, `margin_losses.py` those over distances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

from dlc.ir.attributes import Bool, Real, choice
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Problem, Sample, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.rules import need, need_equal, same_dtype, size_value

Reduction = Annotated[str, choice("none", "mean", "sum")]
BatchReduction = Annotated[str, choice("none", "mean", "sum", "batchmean")]


def same_shape(**types: TensorType) -> None:
    """All have one shape, none is stretched."""
    (first, a), *others = types.items()
    for name, t in others:
        if t.rank != a.rank:
            raise Problem(f"`{first}` and `{name}` have different shapes; a loss does not broadcast", at=[first, name],
                          expected=str(a), found=str(t), code="E0230", hint="give both one shape, as with `squeeze`")
        for axis in range(a.rank):
            need_equal(f"axis {axis} of `{first}` and `{name}`", a.shape[axis], t.shape[axis], at=[first, name])


def reduced_loss(b: Builder, loss: Value, reduction: str) -> Value:
    """The losses of all elements, or their mean, sum, or sum over the size of the first axis."""
    if reduction == "none":
        return loss
    if reduction == "mean":
        return b.mean(loss)
    total = b.sum(loss)
    return total if reduction == "sum" else b.div(total, size_value(b, loss.type.shape[0], loss.type.dtype))


def loss_type(t: TensorType, reduction: str) -> TensorType:
    """The type of a loss whose elements have the type `t`."""
    return t if reduction == "none" else t.with_shape()


class PairLoss(Composite):
    """Base: a prediction x against a target of the same type, element by element."""

    ulps = 16

    def infer(self, x: Float, target: Float, *, reduction: Reduction = "mean") -> TensorType:
        return self._pair(x, target, reduction)

    @staticmethod
    def _pair(x: TensorType, target: TensorType, reduction: str) -> TensorType:
        same_dtype(x=x, target=target)
        same_shape(x=x, target=target)
        return loss_type(x, reduction)

    def samples(self) -> Iterable[Sample]:
        for reduction in ("mean", "sum", "none"):
            yield sample("f32[2, 3]", "f32[2, 3]", reduction=reduction)
        yield sample("f32[4, 2, 3]", "f32[4, 2, 3]")
        yield sample("f32", "f32")


@operation
class MseLoss(PairLoss):
    """(x - target)²; the mean over all elements unless `reduction` says otherwise."""

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str) -> Value:
        return reduced_loss(b, b.square(b.sub(x, target)), reduction)


@operation
class L1Loss(PairLoss):
    """|x - target|; the mean over all elements unless `reduction` says otherwise."""

    name = "l1_loss"

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str) -> Value:
        return reduced_loss(b, b.abs(b.sub(x, target)), reduction)


@operation
class HuberLoss(PairLoss):
    """d²/2 where d = |x - target| is at most delta, otherwise delta (d - delta/2) (Huber, 1964)."""

    def infer(self, x: Float, target: Float, *, reduction: Reduction = "mean", delta: Real = 1.0) -> TensorType:
        need(delta > 0, "`huber_loss` needs a positive delta", expected="more than 0", found=str(delta), at=["delta"])
        return self._pair(x, target, reduction)

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str, delta: float) -> Value:
        distance = b.abs(b.sub(x, target))
        square = b.mul(b.square(distance), 0.5)
        line = b.mul(b.sub(distance, delta / 2), delta)
        return reduced_loss(b, b.where(b.less_equal(distance, delta), square, line), reduction)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("f32[2, 3]", "f32[2, 3]", delta=0.4)


@operation
class SmoothL1Loss(PairLoss):
    """d²/(2 beta) where d = |x - target| is less than beta, otherwise d - beta/2; |x - target| for beta = 0."""

    name = "smooth_l1_loss"

    def infer(self, x: Float, target: Float, *, reduction: Reduction = "mean", beta: Real = 1.0) -> TensorType:
        need(beta >= 0, "`smooth_l1_loss` needs a beta >= 0", expected="0 or more", found=str(beta), at=["beta"])
        return self._pair(x, target, reduction)

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str, beta: float) -> Value:
        distance = b.abs(b.sub(x, target))
        if beta == 0:
            return reduced_loss(b, distance, reduction)
        square = b.mul(b.square(distance), 0.5 / beta)
        line = b.sub(distance, beta / 2)
        return reduced_loss(b, b.where(b.less(distance, beta), square, line), reduction)

    def samples(self) -> Iterable[Sample]:
        yield from super().samples()
        yield sample("f32[2, 3]", "f32[2, 3]", beta=0.4)
        yield sample("f32[2, 3]", "f32[2, 3]", beta=0)


@operation
class LogCoshLoss(PairLoss):
    """log(cosh(x - target)), as d + log(1 + exp(-2 d)) - log(2) with d = |x - target| so that nothing overflows."""

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str) -> Value:
        distance = b.abs(b.sub(x, target))
        grown = b.add(distance, b.log1p(b.exp(b.mul(distance, -2.0))))
        return reduced_loss(b, b.sub(grown, math.log(2)), reduction)


@operation
class KlDiv(PairLoss):
    """target (log(target) - x): the Kullback-Leibler divergence of log-probabilities x from the probabilities `target`.

    With `log_target` the target is given as log-probabilities too. Where target is 0 the loss is 0. "batchmean" is the
    sum divided by the size of the first axis, which is the divergence as defined; "mean" divides by all elements.
    """

    def infer(self, x: Float, target: Float, *, reduction: BatchReduction = "mean",
              log_target: Bool = False) -> TensorType:
        need(reduction != "batchmean" or x.rank >= 1, '"batchmean" needs a batch axis', expected="rank 1 or more",
             found=str(x), at=["x"], code="E0222")
        return self._pair(x, target, reduction)

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str, log_target: bool) -> Value:
        if log_target:
            loss = b.mul(b.exp(target), b.sub(target, x))
        else:
            positive = b.greater(target, 0.0)
            entropy = b.mul(target, b.log(b.where(positive, target, 1.0)))
            loss = b.sub(entropy, b.mul(target, x))
        return reduced_loss(b, loss, reduction)

    def samples(self) -> Iterable[Sample]:
        for reduction in ("mean", "sum", "none", "batchmean"):
            yield sample(Arg("f32[2, 3]", -3, -0.1), Arg("f32[2, 3]", 0.1, 1), reduction=reduction)
        yield sample(Arg("f32[2, 3]", -3, -0.1), Arg("f32[2, 3]", -3, -0.1), log_target=True)
        yield sample(Arg("f32[3]", -3, -0.1), Arg("f32[3]", values=[0.0, 0.25, 0.75]), gradient=False)


@operation
class PoissonNllLoss(PairLoss):
    """exp(x) - target x: the negative log-likelihood of counts under a Poisson distribution of log-rate x.

    With log_input=false x is the rate itself: x - target log(x + eps). `full` adds Stirling's approximation of the
    constant, target log(target) - target + log(2 pi target)/2, where target > 1.
    """

    def infer(self, x: Float, target: Float, *, reduction: Reduction = "mean", log_input: Bool = True,
              full: Bool = False, eps: Real = 1e-8) -> TensorType:
        return self._pair(x, target, reduction)

    def body(self, b: Builder, x: Value, target: Value, *, reduction: str, log_input: bool, full: bool,
             eps: float) -> Value:
        if log_input:
            loss = b.sub(b.exp(x), b.mul(target, x))
        else:
            loss = b.sub(x, b.mul(target, b.log(b.add(x, eps))))
        if full:
            large = b.greater(target, 1.0)
            t = b.where(large, target, 1.0)
            stirling = b.add(b.sub(b.mul(t, b.log(t)), t), b.mul(b.log(b.mul(t, 2 * math.pi)), 0.5))
            loss = b.add(loss, b.where(large, stirling, 0.0))
        return reduced_loss(b, loss, reduction)

    def samples(self) -> Iterable[Sample]:
        for reduction in ("mean", "sum", "none"):
            yield sample("f32[2, 3]", Arg("f32[2, 3]", 0, 5), reduction=reduction)
        yield sample("f32[2, 3]", Arg("f32[2, 3]", 0, 5), full=True)
        yield sample(Arg("f32[2, 3]", 0.5, 4), Arg("f32[2, 3]", 0, 5), log_input=False, eps=0.1)


@operation
class GaussianNllLoss(Composite):
    """(log(v) + (x - target)² / v) / 2 with v = max(variance, eps): the negative log-likelihood under a normal law.

    `full` adds the constant log(2 pi) / 2. x, target and variance have one shape. The lower bound on the variance is
    no part of the gradient: it passes as if it were not there.
    """

    ulps = 16

    def infer(self, x: Float, target: Float, variance: Float, *, reduction: Reduction = "mean", full: Bool = False,
              eps: Real = 1e-6) -> TensorType:
        same_dtype(x=x, target=target, variance=variance)
        same_shape(x=x, target=target, variance=variance)
        need(eps > 0, "`gaussian_nll_loss` needs a positive eps", expected="more than 0", found=str(eps), at=["eps"])
        return loss_type(x, reduction)

    def body(self, b: Builder, x: Value, target: Value, variance: Value, *, reduction: str, full: bool,
             eps: float) -> Value:
        lift = b.stop_gradient(b.relu(b.sub(eps, variance)))
        v = b.add(variance, lift)
        loss = b.mul(b.add(b.log(v), b.div(b.square(b.sub(x, target)), v)), 0.5)
        return reduced_loss(b, b.add(loss, math.log(2 * math.pi) / 2) if full else loss, reduction)

    def samples(self) -> Iterable[Sample]:
        for reduction in ("mean", "sum", "none"):
            yield sample("f32[2, 3]", "f32[2, 3]", Arg("f32[2, 3]", 0.1, 2), reduction=reduction)
        yield sample("f32[2, 3]", "f32[2, 3]", Arg("f32[2, 3]", 0.1, 2), full=True)
        yield sample("f32[2, 3]", "f32[2, 3]", Arg("f32[2, 3]", 0.1, 2), eps=1)
