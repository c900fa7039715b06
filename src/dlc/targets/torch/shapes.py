"""Shapes: reshape, transpose, slices, concatenation, padding, broadcasting."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dlc.ir.dim import Dim, product
from dlc.targets.source.code import TERNARY, Code, atom, plain, within
from dlc.targets.source.dialect import Several
from dlc.targets.torch.table import (
    TABLE,
    Result,
    Site,
    call,
    dim,
    keep,
    lit,
    literal,
    method,
    permuted,
    shape,
)


@TABLE.writes("reshape")
def reshape(site: Site) -> Result:
    for said in (_merged(site), _split(site), _inserted(site), _removed(site)):
        if said is not None:
            return said
    sizes = inferred(site, site["shape"])
    return method(site.x, "reshape", *sizes) if sizes else method(site.x, "reshape", "()")


def _merged(site: Site) -> Code | None:
    """`x.flatten(2)`: neighbouring axes become one."""
    before, after = site.type().shape, site.out().shape
    start, count = _changed(before, after)
    if len(before) - len(after) < 1 or len(after) - start - _tail(before, after, start) != 1 or count < 2:
        return None
    end = start + count - 1
    if product(before[start:end + 1]) != after[start]:
        return None
    return method(site.x, "flatten", str(start), *([] if end == len(before) - 1 else [str(end)]))


def _split(site: Site) -> Code | None:
    """`x.unflatten(-1, (3, 12, 64))`: one axis becomes several whose sizes are numbers."""
    before, after = site.type().shape, site.out().shape
    start = _changed(before, after)[0]
    tail = _tail(before, after, start)
    parts = after[start:len(after) - tail]
    if len(before) - start - tail != 1 or len(parts) < 2 or not all(isinstance(d, int) for d in parts) or 1 in parts:
        return None
    return method(site.x, "unflatten", dim(start, len(before)), f"({', '.join(site.sizes(parts))})")


def _inserted(site: Site) -> Code | None:
    """`x[:, None, None]`: axes of size 1 come in."""
    before, after = list(site.type().shape), site.out().shape
    if [d for d in after if d != 1] != [d for d in before if d != 1] or len(after) <= len(before):
        return None
    parts = []
    for size in after:
        if before and before[0] == size:
            parts.append(":")
            before.pop(0)
        else:
            parts.append("None")
    if before:
        return None
    while parts[-1] == ":":
        parts.pop()
    return Code(f"{atom(site.x)}[{', '.join(parts)}]")


def _removed(site: Site) -> Code | None:
    """`x.squeeze(1)`: one axis of size 1 goes."""
    before, after = site.type().shape, site.out().shape
    gone = [i for i, d in enumerate(before) if d == 1 and before[:i] + before[i + 1:] == after]
    return method(site.x, "squeeze", dim(gone[0], len(before))) if gone else None


def _changed(before: Sequence[Dim], after: Sequence[Dim]) -> tuple[int, int]:
    """The first axis that is not the same, and how many axes of `before` follow up to the common end."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    return start, len(before) - start - _tail(before, after, start)


def _tail(before: Sequence[Dim], after: Sequence[Dim], start: int) -> int:
    """How many last axes are the same."""
    count = 0
    while count < min(len(before), len(after)) - start and before[-1 - count] == after[-1 - count]:
        count += 1
    return count


def inferred(site: Site, sizes: Sequence[Dim]) -> list[Code]:
    """The sizes of a new shape; the one that is hardest to say is left to PyTorch as -1."""
    before = site.type().shape
    unknown = [i for i, d in enumerate(sizes) if not isinstance(d, int) and d not in before]
    if 0 in sizes or any(d == 0 for d in before):
        unknown = []
    free = unknown[-1] if unknown else None
    return [lit(-1, "size") if i == free else site.size(d) for i, d in enumerate(sizes)]


@TABLE.writes("flatten")
def flatten(site: Site) -> Result:
    rank = site.type().rank
    start, end = site["start"] % max(rank, 1), site["end"] % max(rank, 1)
    if rank == 0:
        return method(site.x, "reshape", "1")
    rest = [] if end == rank - 1 else [str(end)]
    start_text = [str(start)] if start or rest else []
    return call("torch.flatten", site.x, *start_text, *rest)


@TABLE.writes("unflatten")
def unflatten(site: Site) -> Result:
    return method(site.x, "unflatten", dim(site["axis"], site.type().rank), shape(site, site["shape"]))


@TABLE.writes("squeeze")
def squeeze(site: Site) -> Result:
    axes = site["axis"] if site["axis"] is not None else _ones(site)
    before, after = site.type(), site.out()
    gone = [a for a in axes if before.shape[a] == 1]
    if before.rank - after.rank == len(gone) and len(gone) == 1:
        return method(site.x, "squeeze", dim(gone[0], before.rank))
    return method(site.x, "squeeze", literal(tuple(gone))) if gone else site.x


def _ones(site: Site) -> tuple[int, ...]:
    return tuple(i for i, d in enumerate(site.type().shape) if d == 1)


@TABLE.writes("unsqueeze")
def unsqueeze(site: Site) -> Result:
    axes = site["axis"] if isinstance(site["axis"], tuple) else (site["axis"],)
    result, rank = site.x, site.out().rank
    for axis in sorted(a % rank for a in axes):
        result = method(result, "unsqueeze", lit(-1 if axis == rank - 1 else axis, "dim"))
    return result


@TABLE.writes("transpose")
def transpose(site: Site) -> Result:
    axes, rank = site["axes"], site.type().rank
    moved = [i for i, a in enumerate(axes) if i != a]
    if rank == 2 and moved:
        return Code(f"{atom(site.x)}.T")
    if len(moved) == 2:
        pair = [i - rank for i in moved] if moved[0] >= rank - 2 else moved
        return method(site.x, "transpose", *(str(i) for i in pair))
    return permuted(site.x, axes)


@TABLE.writes("swap_axes")
def swap_axes(site: Site) -> Result:
    rank = site.type().rank
    pair = sorted([site["first"], site["second"]])
    shown = [i - rank for i in pair] if pair[0] >= rank - 2 else pair
    return method(site.x, "transpose", *(str(i) for i in shown))


@TABLE.writes("broadcast_to", "expand")
def expand(site: Site) -> Result:
    before, after = site.type().shape, site.out().shape
    kept = len(after) - len(before)
    sizes = [lit(-1, "size") if i >= kept and before[i - kept] == d and d != 1 else site.size(d)
             for i, d in enumerate(after)]
    return method(site.x, "expand", *sizes) if sizes else site.x


@TABLE.writes("broadcast")
def broadcast(site: Site) -> Result:
    return method(site.x, "expand_as", site.y)


@TABLE.writes("tile")
def tile(site: Site) -> Result:
    return method(site.x, "repeat", *site.sizes(site["repeats"], "repeats"))


@TABLE.writes("repeat_interleave")
def repeat_interleave(site: Site) -> Result:
    return method(site.x, "repeat_interleave", site.size(site["repeats"], "repeats"), dim=lit(site["axis"], "dim"))


@TABLE.writes("concat")
def concat(site: Site) -> Result:
    rank = site.type().rank
    axis = [] if site["axis"] == 0 else [dim(site["axis"], rank)]
    return call("torch.cat", f"[{', '.join(site.args)}]", **({"dim": axis[0]} if axis else {}))


@TABLE.writes("stack")
def stack(site: Site) -> Result:
    rank = site.out().rank
    axis = site["axis"] % rank
    return call("torch.stack", f"[{', '.join(site.args)}]", **({"dim": dim(axis, rank)} if axis else {}))


@TABLE.writes("split")
def split(site: Site) -> Result:
    rank, axis = site.type().rank, site["axis"]
    sizes = [v.type.shape[axis] for v in site.node.outputs]
    if len(set(sizes)) == 1:
        return _several(site, method(site.x, "chunk", str(len(sizes)), dim=dim(axis, rank)))
    parts = f"[{', '.join(site.sizes(sizes))}]"
    return _several(site, method(site.x, "split", parts, dim=dim(axis, rank)))


@TABLE.writes("chunk")
def chunk(site: Site) -> Result:
    rank, axis = site.type().rank, site["axis"]
    sizes = [v.type.shape[axis] for v in site.node.outputs]
    if len(set(sizes)) == 1 or all(s == sizes[0] for s in sizes[:-1]):
        return _several(site, method(site.x, "split", site.size(sizes[0]), dim=dim(axis, rank)))
    return _several(site, method(site.x, "split", f"[{', '.join(site.sizes(sizes))}]", dim=dim(axis, rank)))


@TABLE.writes("unbind")
def unbind(site: Site) -> Result:
    return _several(site, method(site.x, "unbind", dim(site["axis"], site.type().rank)))


def _several(site: Site, expression: Code) -> Result:
    """A tuple of tensors; its only element where there is one."""
    return Several(expression) if len(site.node.outputs) > 1 else Code(f"{expression}[0]")


@TABLE.writes("select")
def select(site: Site) -> Result:
    index = site.size(site["index"], "index")
    if site["axis"] <= 2:
        return Code(f"{atom(site.x)}[{', '.join([':'] * site['axis'] + [index])}]")
    return method(site.x, "select", dim(site["axis"], site.type().rank), index)


@TABLE.writes("slice")
def slice_(site: Site) -> Result:
    rank = site.type().rank
    steps = site["steps"] or (1,) * len(site["axes"])
    parts = [":"] * rank
    result = site.x
    for start, stop, step, axis in zip(site["starts"], site["stops"], steps, site["axes"], strict=True):
        if step < 0:
            return _backwards(site)
        parts[axis] = _part(site, start, stop, step)
    while parts and parts[-1] == ":":
        parts.pop()
    leading = next((i for i, p in enumerate(parts) if p != ":"), 0)
    if leading > 2:
        parts = ["...", *parts[leading:], *[":"] * (rank - len(parts))]
    return Code(f"{atom(result)}[{', '.join(parts)}]") if parts else result


def _part(site: Site, start: Dim | None, stop: Dim | None, step: int) -> str:
    first = "" if start is None or start == 0 else within(site.size(start, "start"), TERNARY)
    last = "" if stop is None else site.size(stop, "stop")
    parts = [first, last] if step == 1 else [first, last, str(step)]
    if all(re.fullmatch(r"(-?\w+)?", plain(p)) for p in parts):
        return ":".join(parts)
    return " : ".join(parts).strip().replace(":  :", "::")


def _backwards(site: Site) -> Result:
    """PyTorch has no negative steps: the elements are picked one by one."""
    result: str = site.x
    steps = site["steps"]
    for start, stop, step, axis in zip(site["starts"], site["stops"], steps, site["axes"], strict=True):
        bounds = ", ".join("None" if v is None else site.size(v) for v in (start, stop))
        size = f"{atom(site.x)}.shape[{axis}]"
        index = f"list(range({size}))[slice({bounds}, {step})]"
        result = f"{atom(result)}[{', '.join([*[':'] * axis, index])}]"
    return Code(result)


@TABLE.writes("pad")
def pad(site: Site) -> Result:
    rank = site.type().rank
    axes = site["axes"] if site["axes"] is not None else tuple(range(rank))
    widths: list[tuple[Dim, Dim]] = [(0, 0)] * rank
    for axis, width in zip(axes, site["widths"], strict=True):
        widths[axis % rank] = width
    first = next((i for i, w in enumerate(widths) if w != (0, 0)), rank)
    flat = [site.size(n, "padding") for width in reversed(widths[first:]) for n in width]
    if not flat:
        return site.x
    if site["mode"] == "constant":
        value = site["value"]
        number = value if site.type().dtype.is_float else int(value)
        return call("F.pad", site.x, f"({', '.join(flat)})", **keep(value=(number, 0)))
    return _pad_spatial(site, first, flat)


def _pad_spatial(site: Site, first: int, flat: list[Code]) -> Result:
    """reflect, replicate and circular pad up to three last axes of a tensor of two ranks more."""
    rank, count = site.type().rank, site.type().rank - first
    padding = f"({', '.join(flat)})"
    if count <= 3 and rank in (count + 1, count + 2):
        return call("F.pad", site.x, padding, mode=literal(site["mode"]))
    if count > 3:
        raise AssertionError("padding of more than three axes is refused before it is written")
    ones = f"(1, 1, *{atom(site.x)}.shape)" if rank == count else f"(1, -1, *{atom(site.x)}.shape[{first}:])"
    inner = call("F.pad", method(site.x, "reshape", ones), padding, mode=literal(site["mode"]))
    return method(inner, "reshape", shape(site, site.out().shape))


@TABLE.writes("flip")
def flip(site: Site) -> Result:
    return method(site.x, "flip", *(str(a) for a in site["axis"])) if site["axis"] else site.x


@TABLE.writes("roll")
def roll(site: Site) -> Result:
    shifts, axes = site["shift"], site["axis"]
    if isinstance(shifts, tuple) and len(shifts) == 1:
        shifts, axes = shifts[0], axes[0]
    return method(site.x, "roll", literal(shifts), literal(axes))


