"""Truths of constants and of everything that moves, repeats, picks or orders elements."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np
import torch

from every_op.truth import formula_truth, torch_truth


@formula_truth("constant")
def _constant(*, value: Any, dtype: Any) -> Any:
    return np.array(value, dtype.numpy)


@formula_truth("dimension")
def _dimension(*, size: int) -> Any:
    return np.int64(size)


@formula_truth("arange")
def _arange(*, start: int, stop: int, step: int, dtype: Any) -> Any:
    return np.array(range(start, stop, step), dtype.numpy)


@formula_truth("full")
def _full(*, shape: Any, value: Any, dtype: Any) -> Any:
    return np.full(shape, value, dtype.numpy)


@formula_truth("zeros")
def _zeros(*, shape: Any, dtype: Any) -> Any:
    return np.zeros(shape, dtype.numpy)


@formula_truth("ones")
def _ones(*, shape: Any, dtype: Any) -> Any:
    return np.ones(shape, dtype.numpy)


@formula_truth("eye")
def _eye(*, n: int, m: int | None, diagonal: int, dtype: Any) -> Any:
    return np.eye(n, m, diagonal, dtype.numpy)


torch_truth("zeros_like")(torch.zeros_like)
torch_truth("ones_like")(torch.ones_like)
torch_truth("triu")(torch.triu)
torch_truth("tril")(torch.tril)


@torch_truth("reshape", "broadcast_to")
def _reshape(x: Any, *, shape: Any) -> Any:
    return x.reshape(shape) if x.numel() == int(np.prod(shape)) else torch.broadcast_to(x, tuple(shape))


@torch_truth("expand")
def _expand(x: Any, *, shape: Any) -> Any:
    return x.expand(tuple(shape))


@torch_truth("broadcast")
def _broadcast(x: Any, like: Any) -> Any:
    return x.expand_as(like)


@torch_truth("flatten")
def _flatten(x: Any, *, start: int, end: int) -> Any:
    return torch.flatten(x, start, end)


@torch_truth("unflatten")
def _unflatten(x: Any, *, shape: Any, axis: int) -> Any:
    return torch.unflatten(x, axis, tuple(shape))


@torch_truth("transpose")
def _transpose(x: Any, *, axes: Any) -> Any:
    return x.permute(tuple(axes) if axes is not None else tuple(reversed(range(x.ndim))))


@torch_truth("swap_axes")
def _swap_axes(x: Any, *, first: int, second: int) -> Any:
    return torch.swapaxes(x, first, second)


@torch_truth("squeeze")
def _squeeze(x: Any, *, axis: Any) -> Any:
    return torch.squeeze(x) if axis is None else torch.squeeze(x, tuple(axis))


@formula_truth("unsqueeze")
def _unsqueeze(x: Any, *, axis: Any) -> Any:
    return np.expand_dims(x, tuple(axis))


@torch_truth("tile")
def _tile(x: Any, *, repeats: Any) -> Any:
    return torch.tile(x, tuple(repeats))


@torch_truth("repeat_interleave")
def _repeat_interleave(x: Any, *, repeats: int, axis: int) -> Any:
    return torch.repeat_interleave(x, repeats, axis)


@formula_truth("slice")
def _slice(x: Any, *, starts: Any, stops: Any, steps: Any, axes: Any, inside: bool = False) -> Any:
    chosen = range(len(starts)) if axes is None else axes
    strides = [1] * len(starts) if steps is None else steps
    for axis, start, stop, step in zip(chosen, starts, stops, strides, strict=True):
        x = np.take(x, range(x.shape[axis])[slice(start, stop, step)], axis)
    return x


@torch_truth("select")
def _select(x: Any, *, index: int, axis: int) -> Any:
    return torch.select(x, axis, index)


@torch_truth("concat")
def _concat(*xs: Any, axis: int) -> Any:
    return torch.cat(xs, axis)


@torch_truth("stack")
def _stack(*xs: Any, axis: int) -> Any:
    return torch.stack(xs, axis)


@torch_truth("split")
def _split(x: Any, *, parts: int | None, sizes: Any, axis: int) -> Any:
    return torch.tensor_split(x, parts, axis) if sizes is None else torch.split(x, list(sizes), axis)


@torch_truth("chunk")
def _chunk(x: Any, *, parts: int, axis: int) -> Any:
    return torch.chunk(x, parts, axis)


@torch_truth("unbind")
def _unbind(x: Any, *, axis: int) -> Any:
    return torch.unbind(x, axis)


@torch_truth("flip")
def _flip(x: Any, *, axis: Any) -> Any:
    return torch.flip(x, tuple(range(x.ndim)) if axis is None else tuple(axis))


@torch_truth("roll")
def _roll(x: Any, *, shift: Any, axis: Any) -> Any:
    return torch.roll(x, tuple(shift), tuple(axis))


@formula_truth("pad")
def _pad(x: Any, *, widths: Any, mode: str, value: float, axes: Any) -> Any:
    pairs = [(0, 0)] * x.ndim
    for axis, pair in zip(range(x.ndim) if axes is None else axes, widths, strict=True):
        pairs[axis] = tuple(pair)
    names = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    return np.pad(x, pairs, names[mode], **({"constant_values": value} if mode == "constant" else {}))


@torch_truth("masked_fill")
def _masked_fill(x: Any, mask: Any, *, value: float) -> Any:
    return torch.masked_fill(x, mask, value)


@formula_truth("gather")
def _gather(x: Any, index: Any, *, axis: int) -> Any:
    return np.take(x, index, axis)


@torch_truth("take_along_axis")
def _take_along_axis(x: Any, index: Any, *, axis: int) -> Any:
    places = torch.where(index < 0, index + x.shape[axis], index).long()
    return torch.gather(x, axis, places)


@formula_truth("one_hot")
def _one_hot(x: Any, *, classes: int, dtype: Any) -> Any:
    return np.array([[int(i == c) for c in range(classes)] for i in x.ravel()]).reshape(
        *x.shape, classes).astype(dtype.numpy)


@torch_truth("diagonal")
def _diagonal(x: Any, *, offset: int, first: int, second: int) -> Any:
    return torch.diagonal(x, offset, first, second)


@formula_truth("gather_nd")
def _gather_nd(x: Any, index: Any) -> Any:
    rows = [x[tuple(i)] for i in index.reshape(-1, index.shape[-1])]
    return np.array(rows).reshape(*index.shape[:-1], *x.shape[index.shape[-1]:])


_MEET = {"none": lambda old, new: new, "add": lambda old, new: old + new, "mul": lambda old, new: old * new,
         "max": np.maximum, "min": np.minimum}


@formula_truth("scatter_nd")
def _scatter_nd(x: Any, index: Any, updates: Any, *, reduction: str) -> Any:
    y = x.copy()
    for place in np.ndindex(*index.shape[:-1]):
        at = tuple(index[place])
        y[at] = _MEET[reduction](y[at], updates[place])
    return y


@formula_truth("scatter")
def _scatter(x: Any, index: Any, updates: Any, *, axis: int, reduction: str) -> Any:
    y = x.copy()
    for place in np.ndindex(*index.shape):
        at = (*place[:axis], index[place], *place[axis + 1:])
        y[at] = _MEET[reduction](y[at], updates[place])
    return y


@formula_truth("index_update")
def _index_update(x: Any, index: Any, updates: Any, *, axis: int, reduction: str) -> Any:
    y = x.copy()
    for place in np.ndindex(*index.shape):
        at = (slice(None),) * axis + (index[place],)
        y[at] = _MEET[reduction](y[at], updates[(slice(None),) * axis + place])
    return y


@torch_truth("sort")
def _sort(x: Any, *, axis: int, descending: bool) -> Any:
    return torch.sort(x, axis, descending)[0]


@torch_truth("argsort")
def _argsort(x: Any, *, axis: int, descending: bool) -> Any:
    return torch.argsort(x, dim=axis, descending=descending, stable=True)


@torch_truth("top_k")
def _top_k(x: Any, *, k: int, axis: int, largest: bool) -> Any:
    values, places = torch.sort(x, dim=axis, descending=largest, stable=True)
    return values.narrow(axis, 0, k), places.narrow(axis, 0, k)


def _axes(side: str, rest: int) -> list[list[str]]:
    """The axes of one side of a pattern, each a list of names; `...` stands for `rest` axes."""
    words = side.replace("...", " ".join(f"rest{i}" for i in range(rest)))
    found: list[list[str]] = []
    for group in re.findall(r"\([^)]*\)|\w+", words):
        found.append([n for n in group.strip("()").split() if n != "1"])
    return found


def _sides(x: Any, pattern: str, sizes: dict[str, int]) -> tuple[list[list[str]], list[list[str]], dict[str, int]]:
    """Both sides of a pattern, and the size of every name."""
    left, right = pattern.split("->")
    rest = x.ndim - len(_axes(left.replace("...", " "), 0))
    before, after = _axes(left, rest), _axes(right, rest)
    known = dict(sizes)
    for group, size in zip(before, x.shape, strict=True):
        unknown = [n for n in group if n not in known]
        if unknown:
            known[unknown[0]] = size // int(np.prod([known[n] for n in group if n != unknown[0]]))
    return before, after, known


@formula_truth("reduce")
def _reduce(x: Any, *, pattern: str, op: str, sizes: Any) -> Any:
    """Every element is put where its names say, one by one, and what meets is reduced."""
    before, after, known = _sides(x, pattern, dict(sizes))
    piles: dict[tuple[int, ...], list[Any]] = {}
    names = [n for group in before for n in group]
    for values in product(*(range(known[n]) for n in names)):
        at = dict(zip(names, values, strict=True))
        piles.setdefault(tuple(_place(g, at, known) for g in after), []).append(
            x[tuple(_place(g, at, known) for g in before)])
    shape = [int(np.prod([known[n] for n in g])) for g in after]
    y = np.empty(shape, x.dtype)
    for place, pile in piles.items():
        y[place] = getattr(np, op)(pile)
    return y


@formula_truth("repeat", "rearrange")
def _repeat(x: Any, *, pattern: str, sizes: Any) -> Any:
    """Every element of the result is fetched from where its names say."""
    before, after, known = _sides(x, pattern, dict(sizes))
    names = [n for group in after for n in group]
    y = np.empty([int(np.prod([known[n] for n in g])) for g in after], x.dtype)
    for values in product(*(range(known[n]) for n in names)):
        at = dict(zip(names, values, strict=True))
        y[tuple(_place(g, at, known) for g in after)] = x[tuple(_place(g, at, known) for g in before)]
    return y


def _place(group: list[str], at: dict[str, int], known: dict[str, int]) -> int:
    """The index on a composed axis."""
    place = 0
    for name in group:
        place = place * known[name] + at[name]
    return place
