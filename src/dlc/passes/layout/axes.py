"""Operations that name axes: their attributes are renumbered when the axes are stored in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dlc.ir.graph import Apply, Value
from dlc.passes.layout.rules import AlikeRule, Binding, Forms, Views
from dlc.passes.layout.storage import Storage
from dlc.passes.layout.views import Axes, Flat, Form, Spatial, View, inverse

Order = tuple[int, ...]
Renumber = Callable[[dict[str, Any], Order], dict[str, Any]]


def axis_names(*names: str) -> Renumber:
    """Attributes that are an axis, or several."""
    def renumber(attributes: dict[str, Any], order: Order) -> dict[str, Any]:
        place = inverse(order)
        new = dict(attributes)
        for name in names:
            value = attributes[name]
            new[name] = place[value] if isinstance(value, int) else tuple(place[a] for a in value)
        return new
    return renumber


def per_axis(*names: str) -> Renumber:
    """Attributes that have an entry for every axis."""
    def renumber(attributes: dict[str, Any], order: Order) -> dict[str, Any]:
        return {**attributes, **{name: tuple(attributes[name][a] for a in order) for name in names}}
    return renumber


class AxisRule(AlikeRule):
    """The first operand, and what has its rank, are stored alike; an output may lack axes of it.

    renumber: gives the attributes for another order of the axes. dropped: the axes that the outputs lack.
    """

    def __init__(self, renumber: Renumber, dropped: Callable[[Apply], tuple[int, ...]] = lambda node: ()) -> None:
        self.renumber, self.dropped = renumber, dropped

    def participants(self, node: Apply) -> dict[int, Value]:
        first = node.operands[0]
        return {port: v for port, v in super().participants(node).items()
                if first is not None and v.type.rank == first.type.rank}

    def agreed(self, node: Apply, views: Views) -> View | None:
        """The common view; also from an output that lacks no channel and no spatial axis altogether."""
        view = super().agreed(node, views)
        return view if isinstance(view, Spatial) else None

    def spread(self, node: Apply, views: Views) -> Iterator[tuple[Value, View]]:
        for port, view in self.bind(node, views).tied.items():
            yield (node.operands[port] if port >= 0 else node.outputs[-1 - port]), view  # type: ignore[misc]

    def bind(self, node: Apply, views: Views) -> Binding:
        binding = super().bind(node, views)
        first, gone = node.operands[0], self.dropped(node)
        view = binding.tied.get(0)
        if gone and first is not None and isinstance(view, Spatial):
            rest = _without(view, first.type.rank, gone)
            if rest is not None:
                binding.tied.update({-1 - i: rest for i in range(len(node.outputs))})
        return binding

    def fits(self, node: Apply, view: Flat) -> bool:
        return False

    def rewrite(self, node: Apply, forms: Forms, to: Storage) -> None:
        form = forms.get(0)
        if not isinstance(form, Axes):
            super().rewrite(node, forms, to)
            return
        rank = len(form.order)
        operands = [None if v is None else to.get(v, form if v.type.rank == rank else None) for v in node.operands]
        outputs = to.emit(node.op, operands, self.renumber(dict(node.attributes), form.order), node)
        for old, new in zip(node.outputs, outputs, strict=True):
            to.define(old, new, form if old.type.rank == rank else _remaining(form, self.dropped(node)))


def _remaining(form: Axes, gone: tuple[int, ...]) -> Form:
    """How a tensor is stored that lacks some axes of one stored in `form`."""
    kept = [a for a in form.order if a not in gone]
    order = tuple(sorted(kept).index(a) for a in kept)
    return None if order == tuple(range(len(order))) else Axes(order)


def _without(view: Spatial, rank: int, gone: tuple[int, ...]) -> Spatial | None:
    """The view after some axes are dropped; None where batch, channels or spatial axes are gone."""
    channels, spatial = (tuple(a for a in part if a not in gone) for part in view.parts(rank))
    return Spatial(len(channels), view.last) if channels and spatial and 0 not in gone else None


def reduced_axes(node: Apply) -> tuple[int, ...]:
    """The axes that a reduction drops."""
    if node.attributes.get("keepdims", False):
        return ()
    axis = node.attributes["axis"]
    return (axis,) if isinstance(axis, int) else tuple(axis)


def one_axis(node: Apply) -> tuple[int, ...]:
    """The axis that a selection drops."""
    return (node.attributes["axis"],)
