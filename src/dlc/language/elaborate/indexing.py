"""`x[0, :, 1:3, ..., ::2]`: parts of tensors, lists and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Span
from dlc.ir.dim import Dim, extremum_in
from dlc.ir.graph import Value
from dlc.language import ast
from dlc.language.elaborate.apply import constant, named
from dlc.language.elaborate.context import Frame, Mistake, evaluates, place_of
from dlc.language.elaborate.sizes import not_whole
from dlc.language.elaborate.values import POISON, Condition, Ratio, describe, is_dim
from dlc.ops.bounds import resolve_range

ALL = slice(None)
Item = Any
"""An evaluated subscript: a size, a slice, Ellipsis, None (a new axis), a list, a tensor."""


@evaluates(ast.Index)
def index(frame: Frame, node: ast.Index) -> Any:
    """A part of a tensor or a list. Raises E0207."""
    base = frame.evaluate(node.base)
    items = [_item(frame, i) for i in node.items]
    if base is POISON or any(i is POISON for i in items):
        return POISON
    if isinstance(base, Value):
        return tensor_index(frame, base, items, node)
    if isinstance(base, (tuple, range, str)):
        return _list_index(base, items, node)
    raise Mistake("E0207", "this has no parts", node.base.span, expected="a tensor or a list", found=describe(base))


def _item(frame: Frame, node: ast.Expr) -> Item:
    if isinstance(node, ast.Dots):
        return Ellipsis
    if not isinstance(node, ast.Slice):
        return frame.evaluate(node)
    parts = [None if p is None else frame.evaluate(p) for p in (node.start, node.stop, node.step)]
    if POISON in parts:
        return POISON
    for part, place in zip(parts, (node.start, node.stop, node.step), strict=True):
        if part is not None and not is_dim(part):
            assert place is not None
            if isinstance(part, Ratio):
                raise not_whole(part, place.span)
            raise Mistake(
                "E0207",
                "this cannot bound a slice",
                place.span,
                expected="a whole number or a size",
                found=describe(part),
                hint="positions that are computed at run time are taken with `gather`"
                if isinstance(part, Value)
                else None,
            )
    return slice(*parts)


def _list_index(base: tuple[Any, ...] | range | str, items: Sequence[Item], node: ast.Index) -> Any:
    (item,) = items if len(items) == 1 else (Ellipsis,)
    if isinstance(item, bool) or not isinstance(item, (int, slice)):
        raise Mistake(
            "E0207",
            "a list has one axis, and its positions are whole numbers",
            node.items[-1].span,
            expected="a whole number or start:stop",
            found=node.items[-1].span.text,
            hint="a tensor with axes is written `constant([[1.0, 2.0], [3.0, 4.0]])`",
        )
    try:
        part = base[item]
    except (IndexError, ValueError, TypeError):
        raise Mistake(
            "E0207",
            "the list has no such element",
            node.items[0].span,
            found=str(item),
            expected=f"0 to {len(base) - 1}" if len(base) else "nothing: the list is empty",
        ) from None
    return tuple(part) if isinstance(part, range) else part


def tensor_index(frame: Frame, x: Value, items: Sequence[Item], node: ast.Index) -> Any:
    """Slices, then picked positions, then new axes: the result has its axes in the order of the subscripts."""
    items = _expanded(x, items, node)
    for number, item in enumerate(items):
        _check(item, node.items[min(number, len(node.items) - 1)].span)
    x = _sliced(frame, x, items, node.span)
    axis = 0
    for item in items:
        if item is None:
            x = named(frame, "unsqueeze", (x,), node.span, axis=axis)
            axis += 1
        elif isinstance(item, slice):
            axis += 1
        elif is_dim(item):
            x = _selected(frame, x, item, axis, node)
        else:
            taken = item if isinstance(item, Value) else constant(frame, item, None, node.span)
            x = named(frame, "gather", (x, taken), node.span, axis=axis)
            axis += taken.type.rank
    return x


def _selected(frame: Frame, x: Value, item: Any, axis: int, node: ast.Index) -> Value:
    size = x.type.shape[axis]
    if isinstance(item, int) and isinstance(size, int) and not -size <= item < size:
        raise Mistake(
            "E0207",
            f"axis {axis} has no position {item}",
            node.span,
            found=str(item),
            expected=f"{-size} to {size - 1}" if size else "nothing: the axis is empty",
            labels=place_of(x, f"`{x.name}`" if x.name else "the tensor", node.span),
        )
    result: Value = named(frame, "select", (x,), node.span, index=item, axis=axis)
    return result


def _expanded(x: Value, items: Sequence[Item], node: ast.Index) -> list[Item]:
    """One subscript for every axis: `...` and missing ones are `:`. Raises E0222 for more subscripts than axes."""
    count = sum(i is not None and i is not Ellipsis for i in items)
    if count > x.type.rank:
        raise Mistake(
            "E0222",
            "there are more subscripts than axes",
            node.span,
            expected=f"at most {x.type.rank}: {x.type}",
            found=str(count),
            labels=place_of(x, f"`{x.name}`" if x.name else "the tensor", node.span),
        )
    dots = [n for n, i in enumerate(items) if i is Ellipsis]
    if len(dots) > 1:
        raise Mistake("E0207", "`...` stands twice", node.items[dots[1]].span, expected="one `...`")
    rest = [ALL] * (x.type.rank - count)
    at = dots[0] if dots else len(items)
    return [*items[:at], *rest, *items[at + len(dots) :]]


def _check(item: Item, span: Span) -> None:
    if isinstance(item, Ratio):
        raise not_whole(item, span)
    if isinstance(item, Value):
        if not item.type.dtype.is_integer:
            hint = "a tensor of true and false cannot pick positions: the number picked is not known; use `where`"
            raise Mistake(
                "E0221",
                "positions are whole numbers",
                span,
                expected="a tensor of i64",
                found=str(item.type),
                hint=hint if item.type.dtype.kind == "bool" else "convert it with `cast(i, i64)`",
            )
        return
    if (item is not None and not isinstance(item, (slice, tuple, range)) and not is_dim(item)) or isinstance(
        item, Condition
    ):
        raise Mistake(
            "E0207",
            "this is no subscript",
            span,
            found=describe(item),
            expected="a whole number, start:stop:step, `...`, none or a tensor of positions",
        )


def _sliced(frame: Frame, x: Value, items: Sequence[Item], span: Span) -> Value:
    """One `slice` for all start:stop:step; another for those that stay on their axes because it is assumed."""
    axis = 0
    cuts: list[tuple[int, slice]] = []
    trusted: list[tuple[int, slice]] = []
    for item in items:
        if isinstance(item, slice) and item != ALL:
            assumed = _stays_inside(frame, x.type.shape[axis], item)
            (trusted if assumed else cuts).append((axis, item))
        axis += item is not None
    for inside, part in ((True, trusted), (False, cuts)):
        if part:
            x = named(
                frame,
                "slice",
                (x,),
                span,
                starts=tuple(c.start for _, c in part),
                stops=tuple(c.stop for _, c in part),
                steps=tuple(1 if c.step is None else c.step for _, c in part),
                axes=tuple(a for a, _ in part),
                inside=inside,
            )
    return x


def _stays_inside(frame: Frame, size: Dim, cut: slice) -> bool:
    """Whether a slice forwards lies on an axis of this size, which an assumption says and nothing else does."""
    if not frame.session.facts or (cut.step is not None and cut.step < 0):
        return False
    found = resolve_range(size, cut.start, cut.stop, 1)
    if extremum_in(found.count) is None and extremum_in(found.start) is None:
        return False
    bounds = [0 if cut.start is None else cut.start, size if cut.stop is None else cut.stop]
    start, stop = (size + b if isinstance(b, int) and b < 0 else b for b in bounds)
    proves = frame.session.proves
    return proves(0, start) and proves(start, stop) and proves(stop, size)
