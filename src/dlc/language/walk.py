"""Going through a syntax tree without recursion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from dlc.language.ast import Node, Spanned

_FIELDS: dict[type, tuple[str, ...]] = {}


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside a node, in the order of its fields."""
    names = _FIELDS.get(type(node))
    if names is None:
        names = tuple(f.name for f in fields(node) if f.name not in ("span", "doc", "text"))
        _FIELDS[type(node)] = names
    for name in names:
        value = getattr(node, name)
        if isinstance(value, tuple):
            yield from value
        elif isinstance(value, Spanned):
            yield value  # type: ignore[misc]  # every Spanned in the tree is a Node
