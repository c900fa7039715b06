"""Convolutions and transposed convolutions. PyTorch has them channels first; others are permuted around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.ir.graph import Apply, Value
from dlc.targets.source.code import Code, atom
from dlc.targets.torch.initialisers import initialise
from dlc.targets.torch.table import (
    TABLE,
    Layer,
    Result,
    Site,
    call,
    channels_back,
    channels_first,
    keep,
    layer,
    lit,
    option,
    padded,
    same,
    spatial_option,
)

_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def _symmetric(pads: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    """One padding for both ends of every axis, None where the ends differ."""
    return tuple(a for a, _ in pads) if all(a == b for a, b in pads) else None


def _numbers(attributes: dict[str, Any], count: int, padding: tuple[int, ...]) -> dict[str, Any]:
    """stride, padding, dilation, groups; those that have their default are left out."""
    one, zero = (1,) * count, (0,) * count
    result = {"stride": spatial_option(attributes["stride"], one, "stride"),
              "padding": spatial_option(padding, zero, "padding"),
              "output_padding": spatial_option(attributes.get("output_pad", zero), zero, "output_padding"),
              "dilation": spatial_option(attributes["dilation"], one, "dilation"),
              "groups": option(attributes["groups"], 1, "groups")}
    if "output_pad" not in attributes:
        del result["output_padding"]
    return result


def _operand(node: Apply, position: int) -> Value:
    value = node.operands[position]
    assert value is not None
    return value


@TABLE.writes("conv1d", "conv2d", "conv3d", "convolution", when=lambda node: _operand(node, 0).type.rank <= 5,
              otherwise="more than three spatial axes")
def conv(site: Site) -> Result:
    rank = site.type().rank
    padding, x = _prepare(site)
    bias = site.optional(2) if len(site.operands) > 2 else None
    y = call(f"F.conv{rank - 2}d", x, site.y, bias, **_numbers(site.node.attributes, rank - 2, padding))
    return channels_back(y, rank, site["layout"])


def _prepare(site: Site) -> tuple[tuple[int, ...], Code]:
    """The padding that the convolution does itself, and x, channels first and with the padding that it cannot do."""
    rank, mode = site.type().rank, site.node.attributes.get("pad_mode", "zeros")
    x, padding = channels_first(site.x, rank, site["layout"]), _symmetric(site["pad"])
    if padding is not None and mode == "zeros":
        return padding, x
    return (0,) * (rank - 2), padded(x, site["pad"], _MODES[mode])


@layer("conv1d", "conv2d", "conv3d")
def conv_module(node: Apply) -> Layer | None:
    weight, attributes = _operand(node, 1).type, node.attributes
    if not all(isinstance(d, int) for d in weight.shape):
        return None
    count, mode, groups = weight.rank - 2, attributes["pad_mode"], attributes["groups"]
    padding = _symmetric(attributes["pad"])
    own = padding if padding is not None else (0,) * count
    inputs, outputs = weight.shape[1] * groups, weight.shape[0]
    kernel: Any = weight.shape[2:]
    constructor = call(f"nn.Conv{count}d", lit(inputs, "in_channels"), lit(outputs, "out_channels"),
                       same(kernel, "kernel_size"), **_numbers(attributes, count, own),
                       bias=option(node.operands[2] is not None, True, "bias"),
                       **(keep(padding_mode=(mode, "zeros")) if padding is not None and any(padding) else {}))
    return Layer(constructor, _call_conv, initialise(node))


def _call_conv(site: Site, module: str) -> Result:
    rank, pads = site.type().rank, site["pad"]
    x = channels_first(site.x, rank, site["layout"])
    if _symmetric(pads) is None:
        x = padded(x, pads, _MODES[site["pad_mode"]])
    return channels_back(call(module, x), rank, site["layout"])


_TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


@TABLE.writes(*_TRANSPOSED, "transposed_convolution", when=lambda node: _operand(node, 0).type.rank <= 5,
              otherwise="more than three spatial axes")
def transposed(site: Site) -> Result:
    rank = site.type().rank
    bias = site.optional(2) if len(site.operands) > 2 else None
    x = channels_first(site.x, rank, site["layout"])
    y = call(f"F.conv_transpose{rank - 2}d", x, site.y, bias, **_transposed_options(site.node))
    return channels_back(_cut(y, site), rank, site["layout"])


def _is_direct(node: Apply) -> bool:
    """Whether PyTorch's own padding does it: symmetric, and an output padding that it accepts."""
    return _symmetric(node.attributes["pad"]) is not None


def _transposed_options(node: Apply) -> dict[str, Any]:
    count = len(node.attributes["stride"])
    pads = node.attributes["pad"]
    shared = tuple(min(pair) for pair in pads)
    return _numbers(node.attributes, count, shared)


def _cut(y: str, site: Site) -> Code:
    """Cut what asymmetric padding takes off one end more than the other."""
    if _is_direct(site.node):
        return Code(y)
    parts = []
    for before, after in site["pad"]:
        shared = min(before, after)
        first, last = before - shared, after - shared
        parts.append(f"{first or ''}:{-last if last else ''}")
    return Code(f"{atom(y)}[:, :, {', '.join(parts)}]")


@layer(*_TRANSPOSED)
def transposed_module(node: Apply) -> Layer | None:
    weight, groups = _operand(node, 1).type, node.attributes["groups"]
    if not all(isinstance(d, int) for d in weight.shape):
        return None
    kernel: Any = weight.shape[2:]
    constructor = call(f"nn.ConvTranspose{weight.rank - 2}d", lit(weight.shape[0], "in_channels"),
                       lit(weight.shape[1] * groups, "out_channels"), same(kernel, "kernel_size"),
                       **_transposed_options(node), bias=option(node.operands[2] is not None, True, "bias"))
    return Layer(constructor, _call_transposed, initialise(node))


def _call_transposed(site: Site, module: str) -> Result:
    rank, layout = site.type().rank, site["layout"]
    y = call(module, channels_first(site.x, rank, layout))
    return channels_back(_cut(y, site), rank, layout)


