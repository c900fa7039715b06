"""The rewritten values of one graph: in which forms each value of the original is stored, and how to get another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlc.ir.build import resolve
from dlc.ir.dim import Dim
from dlc.ir.graph import Apply, Graph, Node, Value, Weight
from dlc.ir.op import Op, op
from dlc.passes.clone import copy_weight
from dlc.passes.layout.arrays import Reordered
from dlc.passes.layout.views import Axes, Form, Swap, inverse

ORIGIN = "layout"
"""The origin of the nodes that this pass adds."""

Key = tuple[int, ...] | Swap
Wishes = dict[tuple[Graph, str], set[Reordered | None]]
"""In which orders the elements of a weight were asked for; None is as they are."""


class Storage:
    """Values of an original graph by form, appended to `graph` as they are asked for.

    original: the graph that owns the weights. wishes: filled with what was asked of every weight. frozen: weights that
    stay as they are, because they are used in several forms; those are reordered in the graph.
    """

    def __init__(self, graph: Graph, original: Graph, wishes: Wishes, frozen: set[tuple[Graph, str]]) -> None:
        self.graph, self.original = graph, original
        self._wishes, self._frozen = wishes, frozen
        self._stored: dict[Value, dict[Key, Value]] = {}
        self._aliases: dict[Value, tuple[Value, tuple[int, ...], Apply]] = {}
        self._weights: dict[str, Weight] = {}

    def define(self, value: Value, new: Value, form: Form = None) -> None:
        """`new` is the original `value`, stored in this form."""
        new.name = value.name
        self._stored.setdefault(value, {})[_key(form, value)] = new

    def alias(self, value: Value, operand: Value, order: Sequence[int], node: Apply) -> None:
        """`value` is a transposed view of another; it is made only where somebody wants it."""
        root, inner, _ = self._aliases.get(operand, (operand, tuple(range(operand.type.rank)), node))
        self._aliases[value] = root, tuple(inner[a] for a in order), node

    def is_weight(self, value: Value) -> bool:
        """Whether a value is a weight of this graph that may be stored in another order."""
        return (isinstance(value, Weight) and (self.original, value.path) not in self._frozen
                and all(isinstance(d, int) for d in value.type.shape))

    def get(self, value: Value, form: Form = None) -> Value:
        """The value in a form: as it is stored, or converted."""
        node: Apply | None = None
        if value in self._aliases:
            root, order, node = self._aliases[value]
            wanted = _key(form, value)
            assert not isinstance(wanted, Swap)
            key: Key = tuple(order[a] for a in wanted)
            value, named = root, value.name
        else:
            key, named = _key(form, value), ""
        if isinstance(value, Weight):
            return self._weight(value, key)
        stored = self._stored[value]
        if key not in stored:
            stored[key] = self._converted(value, key, node)
            stored[key].name = named
        return stored[key]

    def any_form(self, value: Value, forms: Sequence[Form]) -> Value:
        """The value in whichever of these forms it is stored already, else in the first."""
        stored = self._stored.get(value, {})
        for form in forms:
            if value not in self._aliases and _key(form, value) in stored:
                return self.get(value, form)
        return self.get(value, forms[0])

    def weight(self, weight: Value, change: Reordered | None) -> Value:
        """A weight with its elements reordered, if `is_weight` allows it."""
        assert isinstance(weight, Weight)
        self._wishes.setdefault((self.original, weight.path), set()).add(change)
        if weight.path not in self._weights:
            copy = copy_weight(weight, weight.path)
            if change is not None:
                copy.type = weight.type.with_shape(*change.merged)
            self._weights[weight.path] = copy
        return self._weights[weight.path]

    def reordered(self, value: Value, change: Reordered) -> Value:
        """A value as written, reordered: a weight in its storage, anything else (and a frozen weight) in the graph."""
        if self.is_weight(value):
            return self.weight(value, change)
        new = self.get(value)
        new = self.reshape(new, change.split)
        if change.order != tuple(range(len(change.order))):
            new = self.apply("transpose", new, axes=change.order)
        return self.reshape(new, change.merged)

    def reshape(self, new: Value, shape: Sequence[Dim]) -> Value:
        """A new value in another shape; itself if it has it."""
        return new if new.type.shape == tuple(shape) else self.apply("reshape", new, shape=tuple(shape))

    def apply(self, name: str, *operands: Value, like: Node | None = None, **attributes: Any) -> Value:
        """A node of this pass, or one in place of `like`, with one output."""
        return self.emit(op(name), operands, attributes, like)[0]

    def emit(self, operation: Op, operands: Sequence[Value | None], attributes: Mapping[str, Any],
             like: Node | None = None) -> tuple[Value, ...]:
        """A node with its types inferred; span, origin and doc are those of `like`, the node that it stands for."""
        canonical, types = resolve(operation, [None if v is None else v.type for v in operands], attributes)
        node = Apply(operation, operands, types, canonical, origin=ORIGIN)
        return self.insert(node, like).outputs

    def insert(self, node: Node, like: Node | None) -> Node:
        """Append a node, described as `like` is."""
        if like is not None:
            node.span, node.origin, node.doc, node.scope = like.span, like.origin, like.doc, like.scope
            for old, new in zip(like.outputs, node.outputs, strict=False):
                new.name, new.span = old.name, old.span
        return self.graph.insert(node)

    def finish(self) -> None:
        """Give the graph its weights, in their original order, also those that nobody reads."""
        for path, weight in self.original.weights.items():
            self.graph.add_weight(self._weights.get(path) or copy_weight(weight, path))

    def _weight(self, weight: Weight, key: Key) -> Value:
        if key == tuple(range(weight.type.rank)):
            return self.weight(weight, None)
        assert not isinstance(key, Swap)
        shape = weight.type.shape
        if self.is_weight(weight):
            split = tuple(d for d in shape if isinstance(d, int))
            return self.weight(weight, Reordered(split, key, tuple(split[a] for a in key)))
        return self._transposed(self.weight(weight, None), key, None)

    def _converted(self, value: Value, key: Key, node: Apply | None) -> Value:
        stored = self._stored[value]
        if isinstance(key, Swap):
            return self._swapped(self.get(value), key)
        source = next((k for k in stored if not isinstance(k, Swap)), None)
        if source is None:
            swap = next(k for k in stored if isinstance(k, Swap))
            stored[tuple(range(value.type.rank))] = self._swapped(stored[swap], Swap(swap.inner, swap.outer))
            return self._converted(value, key, node) if key not in stored else stored[key]
        back = inverse(source)
        return self._transposed(stored[source], tuple(back[a] for a in key), node)

    def _swapped(self, new: Value, swap: Swap) -> Value:
        batch = new.type.shape[0]
        split = self.reshape(new, (batch, swap.outer, swap.inner))
        return self.reshape(self._transposed(split, (0, 2, 1), None), new.type.shape)

    def _transposed(self, new: Value, order: tuple[int, ...], like: Apply | None) -> Value:
        if order == tuple(range(len(order))):
            return new
        moved = [a for a in order if new.type.shape[a] != 1]
        if moved == sorted(moved):
            return self.reshape(new, [new.type.shape[a] for a in order])
        return self.apply("transpose", new, like=like, axes=order)


def _key(form: Form, value: Value) -> Key:
    if form is None:
        return tuple(range(value.type.rank))
    return form.order if isinstance(form, Axes) else form
