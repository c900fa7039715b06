"""Shapes: reshape, transpose, slices, concatenation, padding, broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply
from dlc.targets.keras.padding import ORIGIN
from dlc.targets.keras.spatial import zeros_around
from dlc.targets.keras.table import (
    TABLE,
    Code,
    Result,
    Site,
    axis_of,
    call,
    is_known,
    keep,
    lit,
    literal,
    shape,
    tuple_of,
    weightless,
)
from dlc.targets.source.code import atom, bounds
from dlc.targets.source.dialect import Several


def inferred(site: Site, sizes: Sequence[Dim]) -> str:
    """A shape; the size that is hardest to say is left to Keras as -1."""
    before = site.type().shape
    unknown = [i for i, d in enumerate(sizes) if not isinstance(d, int) and d not in before]
    if not unknown:
        unknown = [i for i, d in enumerate(sizes) if not isinstance(d, int)][:1]
    if 0 in sizes or any(d == 0 for d in before):
        unknown = []
    free = unknown[-1] if unknown else None
    return tuple_of([lit(-1, "size") if i == free else site.size(d) for i, d in enumerate(sizes)]) if sizes else "()"


def reshaped(site: Site) -> Code:
    """The operand in the shape of the result."""
    return call("ops.reshape", site.x, inferred(site, site.out().shape))


@TABLE.writes("reshape", "unflatten")
def reshape(site: Site) -> Result:
    return reshaped(site)


@TABLE.writes("flatten")
def flatten(site: Site) -> Result:
    rank = site.type().rank
    if rank >= 2 and site["start"] == 1 and site["end"] == rank - 1 and site.function.is_method:
        return call(weightless(site, "flatten", "layers.Flatten()"), site.x)
    return reshaped(site)


@TABLE.writes("squeeze")
def squeeze(site: Site) -> Result:
    axes = site["axis"]
    return call("ops.squeeze", site.x, axis=literal(axes[0] if len(axes) == 1 else tuple(axes))) if axes else site.x


@TABLE.writes("unsqueeze")
def unsqueeze(site: Site) -> Result:
    result, rank = site.x, site.out().rank
    for axis in sorted(site["axis"]):
        result = call("ops.expand_dims", result, axis=lit(-1 if axis == rank - 1 else axis, "axis"))
    return result


@TABLE.writes("transpose")
def transpose(site: Site) -> Result:
    axes = tuple(site["axes"])
    if axes == tuple(range(len(axes))):
        return site.x
    if axes == tuple(reversed(range(len(axes)))):
        return call("ops.transpose", site.x)
    return call("ops.transpose", site.x, literal(axes))


@TABLE.writes("swap_axes")
def swap_axes(site: Site) -> Result:
    rank = site.type().rank
    first, second = sorted([site["first"], site["second"]])
    near = first >= rank - 2
    return call("ops.swapaxes", site.x, *(literal(a - rank if near else a) for a in (first, second)))


@TABLE.writes("broadcast_to", "expand")
def broadcast_to(site: Site) -> Result:
    return call("ops.broadcast_to", site.x, shape(site, site.out().shape)) if site.out().rank else site.x


@TABLE.writes("broadcast")
def broadcast(site: Site) -> Result:
    return call("ops.broadcast_to", site.x, call("ops.shape", site.y))


@TABLE.writes("tile", when=lambda n: is_known(*n.attributes["repeats"]))
def tile(site: Site) -> Result:
    return call("ops.tile", site.x, lit(tuple(site["repeats"]), "repeats"))


@TABLE.writes("repeat_interleave", when=lambda n: is_known(n.attributes["repeats"]))
def repeat_interleave(site: Site) -> Result:
    return call("ops.repeat", site.x, lit(site["repeats"], "repeats"), axis=axis_of(site["axis"], site.type().rank))


@TABLE.writes("concat")
def concat(site: Site) -> Result:
    axis = axis_of(site["axis"], site.type().rank)
    return call("ops.concatenate", f"[{', '.join(site.args)}]", **keep(axis=(axis, lit(0, "axis"))))


@TABLE.writes("stack")
def stack(site: Site) -> Result:
    axis = axis_of(site["axis"], site.out().rank)
    return call("ops.stack", f"[{', '.join(site.args)}]", **keep(axis=(axis, lit(0, "axis"))))


def _known_parts(node: Apply) -> bool:
    sizes = [v.type.shape[node.attributes["axis"]] for v in node.outputs]
    return len(sizes) > 0 and (is_known(*sizes) or len(set(sizes)) == 1)


@TABLE.writes("split", "chunk", when=_known_parts)
def split(site: Site) -> Result:
    axis = site["axis"]
    sizes = [v.type.shape[axis] for v in site.node.outputs]
    if len(set(sizes)) == 1:
        parts = literal(len(sizes))
    else:
        ends = [sum(sizes[:i + 1]) for i in range(len(sizes) - 1)]
        parts = lit(ends, "ends")
    return _several(site, call("ops.split", site.x, parts, axis=axis_of(axis, site.type().rank)))


@TABLE.writes("unbind")
def unbind(site: Site) -> Result:
    return _several(site, call("ops.unstack", site.x, axis=axis_of(site["axis"], site.type().rank)))


def _several(site: Site, expression: Code) -> Result:
    """A list of tensors; its only element where there is one."""
    return Several(expression) if len(site.node.outputs) > 1 else Code(f"{expression}[0]")


@TABLE.writes("select")
def select(site: Site) -> Result:
    index, axis = site.size(site["index"], "index"), site["axis"]
    leading = [":"] * axis if axis <= 2 or axis != site.type().rank - 1 else ["..."]
    return Code(f"{atom(site.x)}[{', '.join([*leading, index])}]")


def _sliceable(node: Apply) -> bool:
    """Whether no backwards slice starts at a place that depends on a size which is known at run time only."""
    value = node.operands[0]
    assert value is not None
    starts, steps, axes = (node.attributes[n] for n in ("starts", "steps", "axes"))
    return all(step > 0 or start is None or is_known(value.type.shape[axis])
               for start, step, axis in zip(starts, steps, axes, strict=True))


@TABLE.writes("slice", when=_sliceable, otherwise="a backwards slice from within an axis of unknown size")
def slice_(site: Site) -> Result:
    """Python's slice; backwards ones are cut forwards and flipped, because PyTorch has no negative steps."""
    parts = [":"] * site.type().rank
    flipped: list[int] = []
    for start, stop, step, axis in zip(site["starts"], site["stops"], site["steps"], site["axes"], strict=True):
        if step < 0:
            flipped.append(axis)
            start, stop = _forwards(site, start, step, axis)
        parts[axis] = _part(site, start, stop, abs(step), axis)
    rank = len(parts)
    while parts and parts[-1] == ":":
        parts.pop()
    leading = next((i for i, p in enumerate(parts) if p != ":"), 0)
    if leading > 2 and len(parts) == rank:
        parts = ["...", *parts[leading:]]
    cut = Code(f"{atom(site.x)}[{', '.join(parts)}]") if parts else site.x
    return call("ops.flip", cut, axis=literal(flipped[0] if len(flipped) == 1 else tuple(flipped))) if flipped else cut


def _forwards(site: Site, start: Dim | None, step: int, axis: int) -> tuple[Dim, Dim | None]:
    """The same elements from the lowest one on."""
    size, count = site.type().shape[axis], site.out().shape[axis]
    first = size - 1 if start is None else start
    last = first + 1
    return first + (count - 1) * step, None if last == size else last


def _part(site: Site, start: Dim | None, stop: Dim | None, step: int, axis: int) -> str:
    first = "" if start is None or start == 0 else site.size(start, "start")
    last = "" if stop is None or stop == site.type().shape[axis] else site.size(stop, "stop")
    return bounds(first, last, step)


@TABLE.writes("flip")
def flip(site: Site) -> Result:
    axes = site["axis"]
    if not axes:
        return site.x
    return call("ops.flip", site.x, axis=literal(axes[0] if len(axes) == 1 else tuple(axes)))


@TABLE.writes("roll")
def roll(site: Site) -> Result:
    result = site.x
    for shift, axis in zip(site["shift"], site["axis"], strict=True):
        result = call("ops.roll", result, lit(shift, "shift"), axis=literal(axis))
    return result


def _paddable(node: Apply) -> bool:
    value = node.operands[0]
    assert value is not None
    flat = [n for pair in node.attributes["widths"] for n in pair]
    return is_known(*flat) and (node.attributes["mode"] == "constant" or (
        node.attributes["mode"] == "reflect" and value.type.dtype.is_float and value.type.rank <= 4))


@TABLE.writes("pad", when=_paddable)
def pad(site: Site) -> Result:
    first, *around, last = site["widths"] if site.type().rank >= 3 else ((1, 0), (1, 0))
    if first == last == (0, 0) and site["mode"] == "constant" and site["value"] == 0 and len(around) <= 3:
        return zeros_around(site, site.x, around, always=site.node.origin == ORIGIN)
    if not any(n for pair in site["widths"] for n in pair):
        return site.x
    widths = lit(tuple(tuple(p) for p in site["widths"]), "padding")
    if site["mode"] == "reflect":
        return call("ops.pad", site.x, widths, mode=literal("reflect"))
    value = site["value"] if site.type().dtype.is_float else int(site["value"])
    return call("ops.pad", site.x, widths, **keep(constant_values=(value, 0)))
