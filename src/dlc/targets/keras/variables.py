"""Where every weight of a program goes: the variables of the written model, by their paths, in Keras' own layouts.

The key of a variable is how one gets to it from the model: `layer1.0.conv.kernel` is `network.layer1[0].conv.kernel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dlc.ir.graph import Apply, Graph, Program, join
from dlc.ir.types import Array
from dlc.targets.keras.dialect import attribute, layer_of
from dlc.targets.source.code import plain
from dlc.targets.source.layers import Member, members, owned_weights


@dataclass(frozen=True)
class Stored:
    """A variable: its key, the full paths of the weights that it is made of, and how."""

    key: str
    sources: tuple[str, ...]
    combine: Callable[..., Array]

    def array(self, weights: Mapping[str, Array]) -> Array:
        return self.combine(*(weights[path] for path in self.sources))


Trees = Mapping[Graph, Member]
"""What the class of every graph owns."""


def variables(program: Program) -> list[Stored]:
    """Every variable of the program, each once."""
    trees = {graph: members(graph, constructor, {}) for graph in program.graphs()}
    found: dict[str, Stored] = {}
    for stored in _graph(program.entry, "", "", trees):
        found.setdefault(stored.key, stored)
    return list(found.values())


def constructor(node: Apply) -> str | None:
    """The constructor of a node's layer; nodes with the same one, and the same weights, are one layer."""
    layer = layer_of(node)
    return None if layer is None else plain(layer.constructor)


def _graph(graph: Graph, prefix: str, path: str, trees: Trees) -> Iterator[Stored]:
    for child in trees[graph].children.values():
        yield from _member(child, f"{prefix}{attribute(child.name)}", path, trees)


def _member(member: Member, key: str, path: str, trees: Trees) -> Iterator[Stored]:
    """key: the way to this member; path: the prefix of weight paths of the graph that has it."""
    if member.weight is not None:
        yield Stored(key, (path + member.weight.path,), np.asarray)
    if member.layer:
        yield from _layer(member.layer[0], key, path)
    if member.block is not None:
        yield from _graph(member.block, f"{key}.", join(path, member.path), trees)
    by_item = member.is_list or member.is_dictionary
    for name, child in member.children.items():
        yield from _member(child, f"{key}.{name if by_item else attribute(name)}", path, trees)


def _layer(node: Apply, key: str, path: str) -> Iterator[Stored]:
    layer, owned = layer_of(node), owned_weights(node)
    assert layer is not None
    assert owned is not None
    for variable in layer.variables:
        sources = tuple(path + owned[1][name].path for name in variable.sources)
        yield Stored(f"{key}.{variable.path}", sources, variable.combine)


def has_dictionary(program: Program) -> bool:
    """Whether some members stand in a dictionary."""
    return any(m.is_dictionary and m.path for g in program.graphs() for m in members(g, constructor, {}).walk())


def has_list(stored: Iterable[Stored]) -> bool:
    """Whether the way to some variable goes through a list."""
    return any(part.isdigit() for one in stored for part in one.key.split("."))
