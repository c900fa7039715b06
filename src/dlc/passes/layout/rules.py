"""How each kind of node takes part: what it lets the views of its tensors be, and how it is rewritten.

A node's *ports* are its operands (0, 1, ...) and its outputs (-1, -2, ...). A rule binds ports to a view: those that
are *tied* are stored alike, channels first or last; each *free* one may be stored either way; any other port takes or
gives the value as written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dlc.ir.graph import Apply, Value
from dlc.passes.layout.arrays import Reordered
from dlc.passes.layout.storage import Storage
from dlc.passes.layout.views import Axes, Flat, Form, Spatial, Swap, View, inverse, moved, reshaped

Views = Mapping[Value, View]
Forms = Mapping[int, Form]


def values(node: Apply) -> Iterator[tuple[int, Value]]:
    """Every port of a node with its value."""
    yield from ((i, v) for i, v in enumerate(node.operands) if v is not None)
    yield from ((-1 - i, v) for i, v in enumerate(node.outputs))


@dataclass
class Binding:
    """The bound ports of a node. wanted: the tied ones are stored as the target wants it."""

    tied: dict[int, View] = field(default_factory=dict)
    free: dict[int, View] = field(default_factory=dict)
    wanted: bool = False


class Rule:
    """A node that takes and gives values as written: what all others are measured by."""

    def spread(self, node: Apply, views: Views) -> Iterator[tuple[Value, View]]:
        """Views that follow, for the values of this node, from those that are known."""
        return iter(())

    def bind(self, node: Apply, views: Views) -> Binding:
        """How the node's values may be stored."""
        return Binding()

    def rewrite(self, node: Apply, forms: Forms, to: Storage) -> None:
        """Make the node again, with bound ports in the given forms."""
        outputs = to.emit(node.op, [None if v is None else to.get(v) for v in node.operands], node.attributes, node)
        for old, new in zip(node.outputs, outputs, strict=True):
            to.define(old, new)


class SpatialRule(Rule):
    """An operation with the attribute `layout`: it is switched to the wanted one."""

    def spread(self, node: Apply, views: Views) -> Iterator[tuple[Value, View]]:
        for port, view in self.bind(node, views).tied.items():
            yield node.operands[0] if port == 0 else node.outputs[-1 - port], view  # type: ignore[misc]

    def bind(self, node: Apply, views: Views) -> Binding:
        x = node.operands[0]
        if x is None or x.type.rank < 3:
            return Binding()
        view = Spatial(1, node.attributes["layout"] == "NHWC")
        ports = [0, *(-1 - i for i, v in enumerate(node.outputs) if v.type.rank == x.type.rank)]
        return Binding(tied=dict.fromkeys(ports, view), wanted=True)

    def rewrite(self, node: Apply, forms: Forms, to: Storage) -> None:
        if all(form is None for form in forms.values()):
            super().rewrite(node, forms, to)
            return
        first, *others = node.operands
        assert first is not None
        operands = [to.get(first, forms[0]), *(None if v is None else to.get(v) for v in others)]
        layout = "NCHW" if node.attributes["layout"] == "NHWC" else "NHWC"
        outputs = to.emit(node.op, operands, {**node.attributes, "layout": layout}, node)
        for index, (old, new) in enumerate(zip(node.outputs, outputs, strict=True)):
            to.define(old, new, forms.get(-1 - index))


class AlikeRule(Rule):
    """All operands and outputs of the largest rank are stored alike: elementwise operations and their kin."""

    def participants(self, node: Apply) -> dict[int, Value]:
        """The ports that are stored alike."""
        rank = max((v.type.rank for _, v in values(node)), default=0)
        return {port: v for port, v in values(node) if v.type.rank == rank}

    def agreed(self, node: Apply, views: Views) -> View | None:
        """The one view that all participants have, or some have and the others lack."""
        found = {views[v] for v in self.participants(node).values() if v in views}
        return found.pop() if len(found) == 1 else None

    def spread(self, node: Apply, views: Views) -> Iterator[tuple[Value, View]]:
        for port, view in self.bind(node, views).tied.items():
            yield (node.operands[port] if port >= 0 else node.outputs[-1 - port]), view  # type: ignore[misc]

    def bind(self, node: Apply, views: Views) -> Binding:
        view = self.agreed(node, views)
        if view is None or (isinstance(view, Flat) and not self.fits(node, view)):
            return Binding()
        return Binding(tied=dict.fromkeys(self.participants(node), view))

    def fits(self, node: Apply, view: Flat) -> bool:
        """Whether a flattened view makes sense: all that take part have as many features, or one."""
        size = view.channels * view.spatial
        return all(v.type.shape[-1] in (size, 1) for v in self.participants(node).values())


class Elementwise(AlikeRule):
    """Operands of a smaller rank broadcast: they follow the order of the axes that they stand for."""

    def rewrite(self, node: Apply, forms: Forms, to: Storage) -> None:
        form = next(iter(forms.values()), None)
        rank = node.outputs[0].type.rank
        operands = [None if v is None else aligned(v, rank, form, to) for v in node.operands]
        attributes = dict(node.attributes)
        if "shape" in attributes and isinstance(form, Axes):
            attributes["shape"] = tuple(attributes["shape"][a] for a in form.order)
        for old, new in zip(node.outputs, to.emit(node.op, operands, attributes, node), strict=True):
            to.define(old, new, form)


def aligned(value: Value, rank: int, form: Form, to: Storage) -> Value:
    """An operand that broadcasts to a tensor of `rank`, beside others in `form`."""
    t = value.type
    if form is None or t.rank == 0:
        return to.get(value)
    if isinstance(form, Swap):
        return _aligned_features(value, form, to)
    if t.rank == rank:
        return to.get(value, form)
    padded = (1,) * (rank - t.rank) + t.shape
    stored = [padded[a] for a in form.order]
    leading = next((i for i, d in enumerate(stored) if d != 1), rank)
    shape = tuple(stored[leading:])
    moving = [a for a in form.order if padded[a] != 1]
    if moving == sorted(moving) and not to.is_weight(value):
        return to.reshape(to.get(value), shape)
    return to.reordered(value, Reordered(padded, form.order, shape))  # type: ignore[arg-type]


def _aligned_features(value: Value, form: Swap, to: Storage) -> Value:
    shape = value.type.shape
    if shape[-1] == 1:
        return to.get(value)
    if len(shape) == 2 and not to.is_weight(value):
        return to.get(value, form)
    lead = shape[:-1]
    count = len(lead)
    order = (*range(count), count + 1, count)
    return to.reordered(value, Reordered((*lead, form.outer, form.inner), order, shape))  # type: ignore[arg-type]


class ReshapeRule(Rule):
    """The same elements in another shape: alike where channels and spatial elements stay apart."""

    def spread(self, node: Apply, views: Views) -> Iterator[tuple[Value, View]]:
        x, y = node.operands[0], node.output
        assert x is not None
        for known, other in ((x, y), (y, x)):
            view = reshaped(views[known], known.type, other.type.shape) if known in views else None
            if view is not None:
                yield other, view

    def bind(self, node: Apply, views: Views) -> Binding:
        x, y = node.operands[0], node.output
        assert x is not None
        known = {port: views[v] for port, v in ((0, x), (-1, y)) if v in views}
        free = {port: view for port, view in known.items() if view.trivial(x.type if port == 0 else y.type)}
        tied = {port: view for port, view in known.items() if port not in free}
        if len(tied) == 2 and reshaped(tied[0], x.type, y.type.shape) == tied[-1]:
            return Binding(tied=tied)
        # A flattened tensor of known sizes can be stored channels last though nobody downstream looks at it.
        return Binding(free=free)

    def rewrite(self, node: Apply, forms: Forms, to: Storage) -> None:
        x, y = node.operands[0], node.output
        assert x is not None
        operand, form = to.get(x, forms.get(0)), forms.get(-1)
        shape = [y.type.shape[a] for a in form.order] if isinstance(form, Axes) else list(y.type.shape)
        if operand.type.shape == x.type.shape and shape == list(y.type.shape):
            new = to.emit(node.op, [operand], node.attributes, node)[0]
        elif node.op.name == "flatten" and node.attributes["start"] == 1 and len(shape) == 2:
            new = to.emit(node.op, [operand], {"start": 1, "end": -1}, node)[0]
        else:
            new = to.apply("reshape", operand, like=node, shape=tuple(shape))
        to.define(y, new, form)


class TransposeRule(Rule):
    """A transpose is a view of its operand; it disappears where that is stored as wanted."""

    def order(self, node: Apply) -> tuple[int, ...]:
        """The axes of the operand in the order of the result."""
        if "axes" in node.attributes:
            return tuple(node.attributes["axes"])
        axes = list(range(node.output.type.rank))
        first, second = node.attributes["first"], node.attributes["second"]
        axes[first], axes[second] = axes[second], axes[first]
        return tuple(axes)

    def spread(self, node: Apply, views: Views) -> Iterator[tuple[Value, View]]:
        x, y, order = node.operands[0], node.output, self.order(node)
        assert x is not None
        for known, other, way in ((x, y, order), (y, x, inverse(order))):
            view = views.get(known)
            found = moved(view, way) if isinstance(view, Spatial) else None
            if found is not None:
                yield other, found

    def bind(self, node: Apply, views: Views) -> Binding:
        x, y = node.operands[0], node.output
        assert x is not None
        known = {port: views[v] for port, v in ((0, x), (-1, y)) if v in views and isinstance(views[v], Spatial)}
        view = known.get(0)
        if isinstance(view, Spatial) and known.get(-1) == moved(view, self.order(node)):
            return Binding(tied=known)
        return Binding(free={0: view} if view is not None else {})

    def rewrite(self, node: Apply, forms: Forms, to: Storage) -> None:
        x = node.operands[0]
        assert x is not None
        to.alias(node.output, x, self.order(node), node)


class LinearRule(Rule):
    """A dense layer: the order of its features is a matter of its weights."""

    def bind(self, node: Apply, views: Views) -> Binding:
        x, y = node.operands[0], node.output
        assert x is not None
        return Binding(free={port: views[v] for port, v in ((0, x), (-1, y)) if isinstance(views.get(v), Flat)})

    def rewrite(self, node: Apply, forms: Forms, to: Storage) -> None:
        x, weight, bias = node.operands
        assert x is not None
        assert weight is not None
        into, out = forms.get(0), forms.get(-1)
        if not isinstance(into, Swap) and not isinstance(out, Swap):
            super().rewrite(node, forms, to)
            return
        y = node.output
        rows, columns = weight.type.shape
        change = Reordered((*_split(rows, out), *_split(columns, into)), _orders(out, into),
                           (rows, columns))  # type: ignore[arg-type]
        operands = [to.get(x, into), to.reordered(weight, change), None]
        if bias is not None:
            operands[2] = aligned(bias, 2, out, to)
        to.define(y, to.emit(node.op, operands, node.attributes, node)[0], out)


def _split(size: object, form: Form) -> tuple[int, ...]:
    if isinstance(form, Swap):
        return form.outer, form.inner
    assert isinstance(size, int)
    return (size,)


def _orders(*forms: Form) -> tuple[int, ...]:
    order: list[int] = []
    for form in forms:
        start = len(order)
        order += [start + 1, start] if isinstance(form, Swap) else [start]
    return tuple(order)


