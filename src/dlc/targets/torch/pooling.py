"""Pooling: maximum, average, adaptive, global."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.ir.graph import Apply
from dlc.targets.source.code import Code
from dlc.targets.torch.table import (
    TABLE,
    Result,
    Site,
    call,
    channels_back,
    channels_first,
    keep,
    lit,
    method,
    padded,
    same,
)


def _spatial_rank(node: Apply) -> int:
    value = node.operands[0]
    return 0 if value is None else value.type.rank - 2


def _up_to_three(node: Apply) -> bool:
    return 1 <= _spatial_rank(node) <= 3


def _fits(node: Apply) -> bool:
    """Whether PyTorch's padding, at most half of the kernel and the same at both ends, says it."""
    return all(a == b and 2 * a <= k
               for (a, b), k in zip(node.attributes["pad"], node.attributes["kernel"], strict=True))


def _window(site: Site, pads: Sequence[int] | None) -> dict[str, Any]:
    """stride, padding and ceil_mode where they are not the default."""
    options: dict[str, Any] = {}
    if site["stride"] != site["kernel"]:
        options["stride"] = same(site["stride"], "stride")
    if pads is not None and any(pads):
        options["padding"] = same(pads, "padding")
    if any(d != 1 for d in site.node.attributes.get("dilation", ())):
        options["dilation"] = same(site["dilation"], "dilation")
    return {**options, **keep(ceil_mode=(site["ceil_mode"], False))}


@TABLE.writes("max_pool", when=lambda n: _up_to_three(n) and (_fits(n) or not n.attributes["ceil_mode"]),
              otherwise="more than three spatial axes, or uneven padding with ceil_mode")
def max_pool(site: Site) -> Result:
    rank, layout = site.type().rank, site["layout"]
    x, pads = channels_first(site.x, rank, layout), site["pad"]
    fits = _fits(site.node)
    if not fits:
        x = padded(x, pads, value=float("-inf"))
    y = call(f"F.max_pool{rank - 2}d", x, same(site["kernel"], "kernel_size"),
             **_window(site, [a for a, _ in pads] if fits else None))
    return channels_back(y, rank, layout)


def _averages(node: Apply) -> bool:
    plain = not any(any(p) for p in node.attributes["pad"])
    counted = node.attributes["count_include_pad"] and not node.attributes["ceil_mode"]
    return _up_to_three(node) and (plain or _fits(node) or counted)


@TABLE.writes("avg_pool", when=_averages,
              otherwise="more than three spatial axes, or uneven padding that is not counted")
def avg_pool(site: Site) -> Result:
    rank, layout, pads = site.type().rank, site["layout"], site["pad"]
    x, fits = channels_first(site.x, rank, layout), _fits(site.node)
    counted = keep(count_include_pad=(site["count_include_pad"], True)) if fits and any(map(any, pads)) else {}
    y = call(f"F.avg_pool{rank - 2}d", x if fits else padded(x, pads), same(site["kernel"], "kernel_size"),
             **_window(site, [a for a, _ in pads] if fits else None), **counted)
    return channels_back(y, rank, layout)


@TABLE.writes("adaptive_avg_pool", "adaptive_max_pool", when=_up_to_three, otherwise="more than three spatial axes")
def adaptive(site: Site) -> Result:
    rank, layout = site.type().rank, site["layout"]
    kind = {"adaptive_avg_pool": "avg", "adaptive_max_pool": "max"}[site.node.op.name]
    y = call(f"F.adaptive_{kind}_pool{rank - 2}d", channels_first(site.x, rank, layout),
             same(site["size"], "output_size"))
    return channels_back(y, rank, layout)


@TABLE.writes("global_avg_pool", "global_max_pool")
def global_pool(site: Site) -> Result:
    rank = site.type().rank
    axes = tuple(range(2, rank)) if site["layout"] == "NCHW" else tuple(range(1, rank - 1))
    dims: Code = lit(axes, "dim") if len(axes) != 1 else lit(axes[0], "dim")
    name = {"global_avg_pool": "mean", "global_max_pool": "amax"}[site.node.op.name]
    return method(site.x, name, dim=dims, **keep(keepdim=(site["keepdims"], False)))
