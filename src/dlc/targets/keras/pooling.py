"""Pooling: maximum, average, adaptive, global. Channels last."""

from __future__ import annotations

from typing import Any

from dlc.ir.graph import Apply
from dlc.targets.keras.spatial import all_same, filled_around, has_padding, sizes, zeros_around
from dlc.targets.keras.table import TABLE, Result, Site, axes_of, call, keep, option, rank_of, same, weightless

_LOWEST = float("-inf")


def _plain(node: Apply) -> bool:
    attributes = node.attributes
    return (attributes["layout"] == "NHWC" and 3 <= rank_of(node) <= 5
            and all(d == 1 for d in attributes.get("dilation", ())) and _has_kernel(node))


def _has_kernel(node: Apply) -> bool:
    """TensorFlow pools over three axes in few element types."""
    return rank_of(node) < 5 or node.output.type.dtype.name in ("f32", "bf16")


def _overhang(node: Apply) -> list[int] | None:
    """How far the last windows reach beyond the padding; None where sizes are not known."""
    attributes = node.attributes
    if not attributes["ceil_mode"]:
        return [0] * len(attributes["kernel"])
    over: list[int] = []
    for before_size, after_size, k, s, pad in zip(sizes(node), node.output.type.shape[1:-1], attributes["kernel"],
                                                  attributes["stride"], attributes["pad"], strict=True):
        if not isinstance(before_size, int) or not isinstance(after_size, int):
            return None
        over.append(max((after_size - 1) * s + k - before_size - sum(pad), 0))
    return over


def _window(site: Site, padding: str) -> dict[str, Any]:
    pool = site["kernel"][0] if len(set(site["kernel"])) == 1 else tuple(site["kernel"])
    stride = site["stride"][0] if len(set(site["stride"])) == 1 else tuple(site["stride"])
    return {"strides": option(stride, pool, "strides"), "padding": option(padding, "valid", "padding")}


def _is_default(site: Site, kind: str, padding: str) -> bool:
    """Whether it is what `MaxPooling2D()` does."""
    plain = kind == "Max" and site.out().dtype.name == "f32"
    return plain and site["kernel"] == site["stride"] == (2, 2) and padding == "valid"


def _pool(site: Site, kind: str, x: str, padding: str) -> Result:
    count = len(site["kernel"])
    options = _window(site, padding)
    if site.function.is_method:
        size = [] if _is_default(site, kind, padding) else [same(site["kernel"], "pool_size")]
        name = {"Max": "max_pool", "Average": "avg_pool"}[kind]
        return call(weightless(site, name, call(f"layers.{kind}Pooling{count}D", *size, **options)), x)
    function = {"Max": "max_pool", "Average": "average_pool"}[kind]
    return call(f"ops.{function}", x, same(site["kernel"], "pool_size"), **options)


@TABLE.writes("max_pool", when=lambda n: _plain(n) and _overhang(n) is not None,
              otherwise="dilation, or ceil_mode with named sizes")
def max_pool(site: Site) -> Result:
    over, pad = _overhang(site.node), site["pad"]
    assert over is not None
    if has_padding(pad) and not any(over) and all_same(site.node, site["kernel"]):
        return _pool(site, "Max", site.x, "same")
    widths = [(before, after + more) for (before, after), more in zip(pad, over, strict=True)]
    return _pool(site, "Max", filled_around(site.x, widths, _LOWEST), "valid")


def _averages(node: Apply) -> bool:
    over, pad = _overhang(node), node.attributes["pad"]
    if not _plain(node) or over is None or any(over):
        return False
    counted = node.attributes["count_include_pad"] or not has_padding(pad)
    return counted or all_same(node, node.attributes["kernel"])


@TABLE.writes("avg_pool", when=_averages, otherwise="ceil_mode, or padding that is not counted")
def avg_pool(site: Site) -> Result:
    pad = site["pad"]
    if has_padding(pad) and not site["count_include_pad"]:
        return _pool(site, "Average", site.x, "same")
    return _pool(site, "Average", zeros_around(site, site.x, pad), "valid")


@TABLE.writes("global_avg_pool", "global_max_pool", when=lambda n: n.attributes["layout"] == "NHWC")
def global_pool(site: Site) -> Result:
    rank = site.type().rank
    average = site.node.op.name == "global_avg_pool"
    if site.function.is_method and 3 <= rank <= 5:
        constructor = call(f"layers.Global{'Average' if average else 'Max'}Pooling{rank - 2}D",
                           **keep(keepdims=(site["keepdims"], False)))
        return call(weightless(site, site.node.op.name, constructor), site.x)
    return call("ops.mean" if average else "ops.max", site.x, axis=axes_of(range(1, rank - 1), rank),
                **keep(keepdims=(site["keepdims"], False)))
