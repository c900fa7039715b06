"""What convolutions and pooling share: where Keras' "same" is the padding that is meant, and padding written out."""

from __future__ import annotations

from collections.abc import Sequence

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply
from dlc.targets.keras.table import Code, Site, call, lit, weightless
from dlc.targets.source.code import bounds, literal

Pairs = Sequence[tuple[int, int]]


def sizes(node: Apply) -> tuple[Dim, ...]:
    """The spatial sizes of the first operand, which is channels last."""
    value = node.operands[0]
    assert value is not None
    return value.type.shape[1:-1]


def is_same(size: Dim, kernel: int, stride: int, dilation: int, pad: tuple[int, int]) -> bool:
    """Whether Keras' "same" adds exactly this padding: ceil(size / stride) windows, the odd element at the end.

    Source: the padding rule of TensorFlow, which all backends of Keras follow.
    """
    extent = dilation * (kernel - 1) + 1
    if stride == 1:
        total = extent - 1
    elif isinstance(size, int):
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    else:
        return False
    return pad == (total // 2, total - total // 2)


def all_same(node: Apply, kernel: Sequence[int]) -> bool:
    """`is_same` on every spatial axis."""
    attributes = node.attributes
    dilation = attributes.get("dilation", (1,) * len(kernel))
    return all(map(is_same, sizes(node), kernel, attributes["stride"], dilation, attributes["pad"]))


def has_padding(pad: Pairs) -> bool:
    return any(a or b for a, b in pad)


def zeros_around(site: Site, x: str, pad: Pairs, *, always: bool = False) -> Code:
    """Zeros around the spatial axes, by a layer where there is one. always: also where there are none to add."""
    if not has_padding(pad) and not always:
        return Code(x)
    if site.function.is_method and 1 <= len(pad) <= 3:
        return call(weightless(site, "padding", f"layers.ZeroPadding{len(pad)}D({_amount(pad)})"), x)
    return filled_around(x, pad, 0.0)


def filled_around(x: str, pad: Pairs, value: float) -> Code:
    """`ops.pad` of the spatial axes of a channels-last tensor with a number."""
    if not has_padding(pad):
        return Code(x)
    widths = lit(((0, 0), *((a, b) for a, b in pad), (0, 0)), "padding")
    extra = {} if value == 0.0 else {"constant_values": literal(value)}
    return call("ops.pad", x, widths, **extra)


def _amount(pad: Pairs) -> Code:
    """The argument of ZeroPadding: a number, one for each axis, or pairs."""
    if len(set(pad)) == 1 and pad[0][0] == pad[0][1]:
        return lit(pad[0][0], "padding")
    if len(pad) == 1:
        return lit(tuple(pad[0]), "padding")
    if all(a == b for a, b in pad):
        return lit(tuple(a for a, _ in pad), "padding")
    return lit(tuple(tuple(p) for p in pad), "padding")


def cut(x: str, starts: Sequence[int], stops: Sequence[Code | None], steps: Sequence[int]) -> Code:
    """Part of the spatial axes of a channels-last tensor; itself where that is all."""
    parts = [bounds(str(a or ""), "" if b is None else b, s) for a, b, s in zip(starts, stops, steps, strict=True)]
    return Code(x) if all(p == ":" for p in parts) else Code(f"{x}[:, {', '.join(parts)}]")
