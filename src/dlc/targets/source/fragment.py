"""The code of one specialised graph, with its literals still marked: what its class constructs and what it computes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dlc.ir.graph import Apply, Graph, Node
from dlc.targets.source.body import Body, Line, Members, access
from dlc.targets.source.code import construct, either, lit, literal, plain
from dlc.targets.source.dialect import Dialect, Layer
from dlc.targets.source.layers import Member, members
from dlc.targets.source.marks import forget
from dlc.targets.source.names import identifier, unique
from dlc.targets.source.reconcile import Optional


@dataclass(frozen=True)
class Argument:
    """A parameter of the method: its name, its default as source (empty for none), and what it is."""

    name: str
    default: str
    comment: str


@dataclass
class Fragment:
    """The code of one graph. `construction` fills `__init__`, `lines` and `returned` the method."""

    graph: Graph
    arguments: list[Argument]
    construction: list[str]
    lines: list[Line]
    returned: list[str]
    attributes: frozenset[str]
    helpers: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Everything that is code, in order."""
        return [*self.construction, *(line.text for line in self.lines), *self.returned]


def write_fragment(graph: Graph, index: Mapping[Graph, int], dialect: Dialect,
                   optional: Mapping[Node, Optional]) -> Fragment:
    """The code of a graph; a block that it owns stands as `construct(index[block])`."""
    forms: dict[Apply, Layer | None] = {}

    def form(node: Apply) -> Layer | None:
        if node not in forms:
            forms[node] = dialect.layer(node)
        return forms[node]

    def constructor(node: Apply) -> str | None:
        layer = form(node)
        return None if layer is None else plain(layer.constructor)

    owned = Members(members(graph, constructor, optional, dialect.unsafe), optional=optional)
    for member in owned.root.walk():
        for node in member.layer:
            layer = form(node)
            assert layer is not None
            owned.layer_of[node] = (member, layer)
    body = Body(graph, dialect, owned)
    names = argument_names(graph, dialect)
    lines = body.write(list(zip(graph.inputs, names, strict=True)))
    returned = [dialect.finish(v, text) for v, text in zip(graph.outputs, body.returns(), strict=True)]
    construction = [*_construct_all(owned, index, dialect), *(f"self.{n} = {t}" for n, t in owned.extra.items())]
    arguments = [_argument(graph, i, name) for i, name in enumerate(names)]
    return Fragment(graph, arguments, construction, lines, returned,
                    frozenset({*owned.root.children, *owned.extra}), body.helpers)


def argument_names(graph: Graph, dialect: Dialect) -> list[str]:
    """A variable for every input, as near to its name as can be."""
    taken: set[str] = set(dialect.reserved)
    names: list[str] = []
    for value in graph.inputs:
        name = identifier(value.name, "x")
        names.append(unique(f"{name}_" if dialect.fills_in(value, name, names) else name, taken))
        taken.add(names[-1])
    return names


def _argument(graph: Graph, position: int, name: str) -> Argument:
    """An optional input defaults to None; where a required one follows it, None must be given."""
    value = graph.inputs[position]
    optional = value.default is not None
    last = all(v.default is not None for v in graph.inputs[position:])
    kind = f"{value.type} or None" if optional and not last else str(value.type)
    return Argument(name, literal(None) if optional and last else "", f"{kind}: {value.doc}" if value.doc else kind)


def _construct_all(owned: Members, index: Mapping[Graph, int], dialect: Dialect) -> list[str]:
    writer = _Construction(owned, index, dialect)
    return [line for child in owned.root.children.values() for line in writer.assign(owned.root, child)]


class _Construction:
    """Writes the statements that build the tree of members."""

    def __init__(self, owned: Members, index: Mapping[Graph, int], dialect: Dialect) -> None:
        self.owned, self.index, self.dialect = owned, index, dialect

    def assign(self, parent: Member, member: Member) -> Iterable[str]:
        """Statements that make a member an attribute of its parent."""
        if member.weight is not None:
            owner = access(self.dialect, self.owned.root, parent.path) if parent.path else "self"
            yield from self.dialect.new_weight(member.weight, owner, member.name)
        else:
            yield f"{access(self.dialect, self.owned.root, member.path)} = {self.expression(member)}"
        yield from self.rest(member)

    def expression(self, member: Member) -> str:
        """The constructor of a layer, a block or a container with all that fits into it."""
        text = self._always(member)
        if member.optional is None:
            return text
        present = member.optional.present
        return either(present, member.optional.hint, text if present else forget(text), self.dialect.identity)

    def _always(self, member: Member) -> str:
        if member.layer:
            return self.owned.layer_of[member.layer[0]][1].constructor
        if member.block is not None:
            return construct(self.index[member.block])
        if not (member.is_list or member.is_dictionary):
            return self.dialect.new_container(member, {})
        items = {key: self.expression(child) for key, child in member.children.items()}
        uniform = member.is_list and len(set(items.values())) == 1 and all(
            c.is_module and not c.children for c in member.children.values())
        if uniform and (len(items) > 1 or member.chain):
            return self.dialect.new_repeated(member, items["0"], lit(len(items), "depth"))
        return self.dialect.new_container(member, items)

    def rest(self, member: Member) -> Iterable[str]:
        """What must follow the constructor: initialisers, and children that no constructor call can hold."""
        if member.layer and member.optional is None:
            target = access(self.dialect, self.owned.root, member.path)
            yield from (line.replace("{self}", target) for line in self.owned.layer_of[member.layer[0]][1].after)
        inside = member.is_list or member.is_dictionary
        for child in member.children.values():
            if inside:
                yield from self.rest(child)
            else:
                yield from self.assign(member, child)
