"""Truths of losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F

from every_op.truth import formula_truth, torch_truth

for _name in ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "kl_div", "soft_margin_loss",
              "hinge_embedding_loss", "margin_ranking_loss", "cosine_embedding_loss", "triplet_margin_loss"]:
    torch_truth(_name)(getattr(F, _name))


def _reduced(loss: Any, reduction: str) -> Any:
    return {"none": lambda: loss, "mean": lambda: loss.mean(), "sum": lambda: loss.sum()}[reduction]()


def _classes_second(x: Any, axis: int) -> Any:
    """torch wants the classes on axis 1, or on axis 0 of a single example."""
    return x if x.ndim == 1 else x.movedim(axis, 1)


@torch_truth("nll_loss")
def _nll_loss(x: Any, target: Any, weight: Any, *, axis: int, reduction: str, ignore_index: int | None) -> Any:
    return F.nll_loss(_classes_second(x, axis), target.long(), weight, reduction=reduction,
                      ignore_index=-999 if ignore_index is None else ignore_index)


@torch_truth("cross_entropy")
def _cross_entropy(logits: Any, target: Any, weight: Any, *, axis: int, reduction: str, label_smoothing: float,
                   ignore_index: int | None) -> Any:
    goal = _classes_second(target, axis) if target.is_floating_point() else target.long()
    return F.cross_entropy(_classes_second(logits, axis), goal, weight, reduction=reduction,
                           label_smoothing=label_smoothing, ignore_index=-999 if ignore_index is None else ignore_index)


@torch_truth("binary_cross_entropy")
def _binary_cross_entropy(x: Any, target: Any, weight: Any, *, reduction: str) -> Any:
    return F.binary_cross_entropy(x, target, weight, reduction=reduction)


@torch_truth("binary_cross_entropy_with_logits")
def _with_logits(x: Any, target: Any, weight: Any, pos_weight: Any, *, reduction: str) -> Any:
    return F.binary_cross_entropy_with_logits(x, target, weight, pos_weight=pos_weight, reduction=reduction)


@torch_truth("poisson_nll_loss")
def _poisson_nll_loss(x: Any, target: Any, *, reduction: str, log_input: bool, full: bool, eps: float) -> Any:
    return F.poisson_nll_loss(x, target, log_input, full, eps=eps, reduction=reduction)


@torch_truth("gaussian_nll_loss")
def _gaussian_nll_loss(x: Any, target: Any, variance: Any, *, reduction: str, full: bool, eps: float) -> Any:
    return F.gaussian_nll_loss(x, target, variance, full, eps, reduction)


@torch_truth("cosine_similarity")
def _cosine_similarity(x: Any, y: Any, *, axis: int, eps: float) -> Any:
    return F.cosine_similarity(x, y, axis, eps)


@torch_truth("pairwise_distance")
def _pairwise_distance(x: Any, y: Any, *, p: float, eps: float, keepdims: bool) -> Any:
    return F.pairwise_distance(x, y, p, eps, keepdims)


@torch_truth("focal_loss")
def _focal_loss(x: Any, target: Any, *, reduction: str, alpha: float, gamma: float) -> Any:
    p = x.sigmoid()
    hit = p * target + (1 - p) * (1 - target)
    share = alpha * target + (1 - alpha) * (1 - target) if alpha >= 0 else 1
    return _reduced(share * (1 - hit) ** gamma
                    * F.binary_cross_entropy_with_logits(x, target, reduction="none"), reduction)


@formula_truth("log_cosh_loss")
def _log_cosh_loss(x: Any, target: Any, *, reduction: str) -> Any:
    return _reduced(np.log(np.cosh(x - target)), reduction)


@formula_truth("hinge_loss")
def _hinge_loss(x: Any, target: Any, *, reduction: str, squared: bool) -> Any:
    loss = np.maximum(1 - target * x, 0)
    return _reduced(loss**2 if squared else loss, reduction)
