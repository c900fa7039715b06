"""Losses, and the distances that some are made of."""

from __future__ import annotations

from functools import partial
from typing import Any

from dlc.ir.graph import Apply
from dlc.targets.torch.indexing import long
from dlc.targets.torch.table import TABLE, Result, Site, call, dim, keep, lit

_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "mse_loss": ("mse_loss", {}),
    "l1_loss": ("l1_loss", {}),
    "smooth_l1_loss": ("smooth_l1_loss", {"beta": 1.0}),
    "huber_loss": ("huber_loss", {"delta": 1.0}),
    "kl_div": ("kl_div", {"log_target": False}),
    "soft_margin_loss": ("soft_margin_loss", {}),
    "hinge_embedding_loss": ("hinge_embedding_loss", {"margin": 1.0}),
    "margin_ranking_loss": ("margin_ranking_loss", {"margin": 0.0}),
    "cosine_embedding_loss": ("cosine_embedding_loss", {"margin": 0.0}),
    "triplet_margin_loss": ("triplet_margin_loss", {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False}),
    "poisson_nll_loss": ("poisson_nll_loss", {"log_input": True, "full": False, "eps": 1e-8}),
    "gaussian_nll_loss": ("gaussian_nll_loss", {"full": False, "eps": 1e-6}),
}


def _reduction(site: Site) -> dict[str, Any]:
    return keep(reduction=(site["reduction"], "mean"))


def _loss(name: str, site: Site) -> Result:
    function, options = _OPTIONS[name]
    given = {option: lit(site[option], option) for option, default in options.items() if site[option] != default}
    return call(f"F.{function}", *site.args, **given, **_reduction(site))


def _same_shapes(node: Apply) -> bool:
    """PyTorch broadcasts a loss or warns; only equal shapes are certain to mean the same."""
    return len({v.type.shape for v in node.operands if v is not None}) == 1


for _name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "soft_margin_loss",
              "hinge_embedding_loss", "margin_ranking_loss", "poisson_nll_loss", "gaussian_nll_loss"):
    TABLE.writes(_name, when=_same_shapes)(partial(_loss, _name))


def _is_matrix(node: Apply) -> bool:
    value = node.operands[0]
    return value is not None and value.type.rank == 2


for _name in ("cosine_embedding_loss", "triplet_margin_loss"):
    TABLE.writes(_name, when=_is_matrix)(partial(_loss, _name))


@TABLE.writes("binary_cross_entropy", "binary_cross_entropy_with_logits")
def binary_cross_entropy(site: Site) -> Result:
    name = site.node.op.name
    weights = {option: site.arg(i) for i, option in ((2, "weight"), (3, "pos_weight"))
               if i < len(site.operands) and site.has(i)}
    return call(f"F.{name}", site.x, site.y, **weights, **_reduction(site))


def _classes_second(node: Apply) -> bool:
    """Integer targets, and the classes where PyTorch has them."""
    scores, target = node.operands[0], node.operands[1]
    assert scores is not None
    assert target is not None
    second = node.attributes["axis"] == (1 if scores.type.rank > 1 else 0)
    return second and target.type.dtype.is_integer


@TABLE.writes("cross_entropy", "nll_loss", when=_classes_second)
def cross_entropy(site: Site) -> Result:
    weight = {"weight": site.arg(2)} if site.has(2) else {}
    ignored = -100 if site["ignore_index"] is None else site["ignore_index"]
    smoothing = keep(label_smoothing=(site.node.attributes.get("label_smoothing", 0.0), 0.0))
    return call(f"F.{site.node.op.name}", site.x, long(site, 1), **weight, **keep(ignore_index=(ignored, -100)),
                **_reduction(site), **smoothing)


@TABLE.writes("cosine_similarity")
def cosine_similarity(site: Site) -> Result:
    return call("F.cosine_similarity", site.x, site.y, dim=dim(site["axis"], site.type().rank),
                **keep(eps=(site["eps"], 1e-8)))


@TABLE.writes("pairwise_distance", when=_same_shapes)
def pairwise_distance(site: Site) -> Result:
    return call("F.pairwise_distance", site.x, site.y, **keep(p=(site["p"], 2.0), eps=(site["eps"], 1e-6),
                                                             keepdim=(site["keepdims"], False)))
