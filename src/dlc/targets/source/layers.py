"""What a class owns: the layers, blocks and weights of one graph, as the tree that their dotted labels make.

`conv1` is an attribute; `stage.0`, `stage.1` are the children of a list `stage`; every leaf is a layer, a block
instance or a weight. The path of a weight in this tree is its path in the weight file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import signature
from itertools import pairwise

from dlc.ir.graph import Apply, Call, Graph, Node, Value, Weight
from dlc.targets.source.reconcile import Optional

_DICTIONARY = frozenset(dir(dict))


@dataclass
class Member:
    """A place in the tree.

    layer: the nodes that are this layer, all with the same weights and options (one module, called several times).
    block: the graph that is instantiated here, and `calls`, the nodes that call it. weight: an explicit weight.
    chain: the calls of its children in order, where each feeds the next (see `chains`). optional: whether it is there.
    loose: a container with a child whose name no dictionary of modules can take; it is filled by assignment.
    """

    name: str = ""
    path: str = ""
    layer: list[Apply] = field(default_factory=list)
    block: Graph | None = None
    calls: list[Call] = field(default_factory=list)
    weight: Weight | None = None
    chain: list[Node] = field(default_factory=list)
    optional: Optional | None = None
    loose: bool = False
    children: dict[str, Member] = field(default_factory=dict)

    @property
    def is_module(self) -> bool:
        """Whether it is a layer or a block, not a mere container."""
        return bool(self.layer) or self.block is not None

    @property
    def is_list(self) -> bool:
        """Whether its children are modules numbered from 0 without gaps."""
        return not self.is_module and bool(self.children) and all(
            key == str(i) and child.weight is None for i, (key, child) in enumerate(self.children.items()))

    @property
    def is_dictionary(self) -> bool:
        """Whether its children are modules or containers of them, under names or scattered numbers."""
        return not self.is_module and bool(self.children) and not self.is_list and not self.loose and all(
            c.weight is None for c in self.children.values())

    def walk(self) -> Iterator[Member]:
        """It and everything below, parents first."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def find(self, path: str) -> Member | None:
        """The member at a dotted path below this one."""
        member: Member | None = self
        for part in path.split("."):
            member = member.children.get(part) if member is not None else None
        return member


def owned_weights(node: Apply) -> tuple[str, dict[str, Weight]] | None:
    """The label of a layer and its weights by declared name; None for a node that is no layer by itself.

    It is one where every weight operand has the path `label.<declared name>`, and the operation is declared to own
    weights of these names.
    """
    if node.op.layer is None:
        return None
    names = _weight_names(node)
    found: dict[str, Weight] = {}
    labels: set[str] = set()
    for value, name in zip(node.operands, names, strict=False):
        if not isinstance(value, Weight):
            continue
        if name is None or not value.path.endswith(f".{name}"):
            return None
        labels.add(value.path[:-len(name) - 1])
        found[name] = value
    return (labels.pop(), found) if len(labels) == 1 else None


def _weight_names(node: Apply) -> list[str | None]:
    """The name that a weight at each operand has in its layer: the operand's, or for a variadic one the layer's."""
    fixed = [o.name for o in node.op.operands if not o.variadic]
    if not node.op.variadic:
        return list(fixed)
    assert node.op.layer is not None
    first = node.operands[0]
    accepted = set(signature(node.op.layer).parameters)
    declared = node.op.layer(first.type if first is not None else None,
                             **{n: v for n, v in node.attributes.items() if n in accepted})
    return [*fixed, *declared]


SameLayer = Callable[[Apply], str | None]
"""The constructor of the layer that a node would be, without marks; None where the framework has no such layer."""


def members(graph: Graph, constructor: SameLayer, optional: Mapping[Node, Optional],
            unsafe: frozenset[str] = frozenset()) -> Member:
    """The tree of what the class of a graph owns, in the order of first use.

    unsafe: attribute names that modules have already.
    """
    root = Member()
    constructors: dict[str, str] = {}
    layers: set[Apply] = set()
    blocks = {node.instance for node in graph.walk() if isinstance(node, Call)}
    for here in graph.walk():
        node = optional[here].like if here in optional else here
        if isinstance(node, Call):
            member = _place(root, node.instance)
            member.block = member.block or node.block
            member.calls.append(node)
            member.optional = optional.get(here)
            continue
        assert isinstance(node, Apply)
        owned = owned_weights(node)
        text = constructor(node) if owned is not None else None
        if owned is None or text is None or _is_inside(owned[0], blocks):
            continue
        if constructors.setdefault(owned[0], text) == text:
            member = _place(root, owned[0])
            member.layer.append(node)
            member.optional = optional.get(here)
            layers.add(node)
    for node in graph.walk():
        if not (isinstance(node, Apply) and node in layers):
            for operand in node.operands:
                _place_weight(root, graph, operand)
    for value in [*graph.outputs, *graph.weights.values()]:
        _place_weight(root, graph, value)
    _sort_numbered(root)
    for member in root.walk():
        member.loose = any(key in unsafe | _DICTIONARY for key in member.children)
    for chain in chains(graph, root):
        parent = root.find(_label(chain[0], root).rpartition(".")[0])
        if parent is not None:
            parent.chain = chain
    return root


def _is_inside(label: str, blocks: set[str]) -> bool:
    """Whether a layer belongs to the class of a block that this graph calls."""
    parts = label.split(".")
    return any(".".join(parts[:end]) in blocks for end in range(1, len(parts) + 1))


def _place(root: Member, path: str) -> Member:
    member = root
    for part in path.split("."):
        here = f"{member.path}.{part}" if member.path else part
        member = member.children.setdefault(part, Member(part, here))
    return member


def _place_weight(root: Member, graph: Graph, value: Value | None) -> None:
    """Give an explicit weight its place, unless a layer or a block has it."""
    if not isinstance(value, Weight) or graph.weights.get(value.path) is not value:
        return
    parts = value.path.split(".")
    for end in range(1, len(parts)):
        owner = root.find(".".join(parts[:end]))
        if owner is not None and owner.block is not None:
            return
        if owner is not None and owner.layer:
            owned = owned_weights(owner.layer[0])
            if owned is not None and value.path in {w.path for w in owned[1].values()}:
                return
    _place(root, value.path).weight = value


def _sort_numbered(root: Member) -> None:
    """Numbered children stand in the order of their numbers, whatever is used first."""
    for member in root.walk():
        if member.children and all(key.isdigit() for key in member.children):
            member.children = dict(sorted(member.children.items(), key=lambda item: int(item[0])))


def _label(node: Node, root: Member) -> str:
    """The path of the module that a node calls; empty for a node that is none."""
    if isinstance(node, Call):
        return node.instance
    owned = owned_weights(node) if isinstance(node, Apply) else None
    if owned is None:
        return ""
    member = root.find(owned[0])
    return owned[0] if member is not None and node in member.layer else ""


def chains(graph: Graph, root: Member) -> list[list[Node]]:
    """Runs `h.0 .. h.n` of a whole list of modules, each used once, where each feeds only the next one.

    The first operands of each are all the outputs of the one before, the others are the same values for all.
    """
    found: list[list[Node]] = []
    for member in root.walk():
        if not member.is_list:
            continue
        nodes = [_only_call(child) for child in member.children.values()]
        if all(n is not None and n.graph is graph for n in nodes):
            run = [n for n in nodes if n is not None]
            if all(_feeds(a, b, graph) for a, b in pairwise(run)) and _uniform_rest(run):
                found.append(run)
    return found


def _only_call(child: Member) -> Node | None:
    """The one node that calls a list element; None where it has none, several, or parts of its own."""
    calls: list[Node] = [*child.layer, *child.calls]
    return calls[0] if len(calls) == 1 and not child.children else None


def carried(node: Node) -> int:
    """How many of its operands are what the module before it in a chain gives."""
    return len(node.outputs)


def _feeds(a: Node, b: Node, graph: Graph) -> bool:
    count = carried(a)
    return (len(b.outputs) == count and b.operands[:count] == a.outputs
            and all(list(v.uses) == [(b, i)] and v not in graph.outputs for i, v in enumerate(a.outputs)))


def _uniform_rest(run: list[Node]) -> bool:
    def rest(node: Node) -> tuple[Value | None, ...]:
        others = node.operands[carried(node):]
        return tuple(v for v in others if not (isinstance(node, Apply) and isinstance(v, Weight)))
    return all(rest(n) == rest(run[0]) for n in run)
