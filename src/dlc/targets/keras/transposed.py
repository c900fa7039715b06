"""Transposed convolutions: channels last, kernels [*kernel, outputs, inputs]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlc.ir.graph import Apply, Value
from dlc.ir.types import Array
from dlc.targets.keras.initialisers import options
from dlc.targets.keras.spatial import cut, zeros_around
from dlc.targets.keras.table import (
    TABLE,
    Code,
    KerasLayer,
    Result,
    Site,
    Variable,
    call,
    infix,
    is_known,
    layer,
    lit,
    literal,
    option,
    rank_of,
    same,
    spatial_option,
)


def _to_keras(weight: Array) -> Array:
    """[I, O, *kernel] as [*kernel, O, I]."""
    return np.transpose(weight, (*range(2, weight.ndim), 1, 0))


def _weight(node: Apply) -> Value:
    value = node.operands[1]
    assert value is not None
    return value


def _writable(node: Apply) -> bool:
    return (node.attributes["layout"] == "NHWC" and is_known(*_weight(node).type.shape) and rank_of(node) <= 5)


def _kernel(node: Apply) -> tuple[int, ...]:
    return _weight(node).type.shape[2:]  # type: ignore[return-value]


def _is_same(node: Apply) -> bool:
    """Whether Keras' "same" cuts off exactly this: size * stride elements stay, the odd one goes at the end."""
    attributes = node.attributes
    return all(k >= s and before == (k - s) // 2 and after - more == k - s - before
               for k, s, (before, after), more in zip(_kernel(node), attributes["stride"], attributes["pad"],
                                                      attributes["output_pad"], strict=True))


def _has_layer(node: Apply) -> bool:
    """Keras' layer knows neither groups nor dilation beside a stride."""
    return _writable(node) and node.attributes["groups"] == 1 and all(d == 1 for d in node.attributes["dilation"])


@layer("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(node: Apply) -> KerasLayer | None:
    if not _has_layer(node):
        return None
    kernel, biased = _kernel(node), node.operands[2] is not None
    constructor = call(f"layers.Conv{len(kernel)}DTranspose", lit(_weight(node).type.shape[1], "filters"),
                       same(kernel, "kernel_size"),
                       strides=spatial_option(node.attributes["stride"], 1, "strides"),
                       padding=option("same" if _is_same(node) else "valid", "valid", "padding"),
                       use_bias=option(biased, True, "use_bias"),
                       **options(node, weight="kernel_initializer", bias="bias_initializer"))
    variables = [Variable("kernel", ("weight",), _to_keras)] + [Variable("bias", ("bias",))] * biased
    return KerasLayer(constructor, _call, variables=tuple(variables), reads=(("bias", "{self}.bias"),))


def _call(site: Site, module: str) -> Result:
    if _is_same(site.node):
        return call(module, site.x)
    x, bounds = _extended(site)
    return _cut(site, call(module, x), bounds)


def _extended(site: Site) -> tuple[str, list[Code | None]]:
    """The operand, one element longer where the result is longer than Keras makes it, and where the result ends."""
    attributes = site.node.attributes
    more, bounds = [], []
    for axis, (k, s, d, (before, after), extra) in enumerate(zip(
            _kernel(site.node), attributes["stride"], attributes["dilation"], attributes["pad"],
            attributes["output_pad"], strict=True)):
        extent = d * (k - 1) + 1
        made = max(extent, s) - extent
        longer = extra - after > made
        more.append((0, int(longer)))
        exact = not longer and extra - after == made
        bounds.append(None if exact else _end(site, axis, before, after - extra + made + s * longer))
    return zeros_around(site, site.x, more), bounds


def _end(site: Site, axis: int, before: int, beyond: int) -> Code:
    """Where the result ends: a distance from the end of what Keras makes, else its size counted from `before`."""
    if beyond > 0:
        return lit(-beyond, "crop")
    size = site.out().shape[axis + 1]
    return site.size(size + before)


def _cut(site: Site, y: str, bounds: Sequence[Code | None]) -> Code:
    pads = site.node.attributes["pad"]
    return cut(y, [before for before, _ in pads], bounds, [1] * len(pads))


_SPREAD = '''
def transposed_conv(x, weight, strides, crop, dilation_rate, groups):
    """A transposed convolution; weight: [inputs, outputs / groups, *kernel]. crop: elements left out at both ends."""
    axes = len(strides)
    for axis, stride in enumerate(strides, 1):
        if stride > 1:  # zeros between neighbours
            shape = list(ops.shape(x))
            widths = [(0, stride - 1 if i == axis + 1 else 0) for i in range(axes + 3)]
            x = ops.pad(ops.expand_dims(x, axis + 1), widths)
            shape[axis] = shape[axis] * stride
            x = ops.reshape(x, shape)
            x = x[(slice(None),) * axis + (slice(0, shape[axis] - stride + 1),)]
    reach = [rate * (size - 1) for rate, size in zip(dilation_rate, weight.shape[2:])]
    x = ops.pad(x, [(0, 0), *((r, r) for r in reach), (0, 0)])
    parts = [ops.concatenate(ops.split(part, groups, axis=0), axis=1) for part in [weight]]
    kernel = ops.flip(ops.transpose(parts[0], (*range(2, axes + 2), 0, 1)), axis=tuple(range(axes)))
    y = ops.conv(x, kernel, padding="valid", dilation_rate=dilation_rate)
    after = [max(-end, 0) for _, end in crop]
    y = ops.pad(y, [(0, 0), *((0, n) for n in after), (0, 0)])
    ends = [slice(start, -end if end > 0 else None) for start, end in crop]
    return y[(slice(None), *ends)]
'''


@TABLE.writes("transposed_convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", when=_writable,
              otherwise="channels first")
def transposed_convolution(site: Site) -> Result:
    node, attributes = site.node, site.node.attributes
    site.function.helper(_SPREAD)
    crop = tuple((before, after - more)
                 for (before, after), more in zip(attributes["pad"], attributes["output_pad"], strict=True))
    y = call("transposed_conv", site.x, site.y, *(literal(v) for v in (
        attributes["stride"], crop, attributes["dilation"], attributes["groups"])))
    return infix(y, "+", site.arg(2)) if len(node.operands) > 2 and site.has(2) else y
