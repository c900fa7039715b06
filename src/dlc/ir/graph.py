"""The graph: values in SSA form, the nodes that make them, graphs of nodes, and the program they add up to.

A `Program` has an entry graph; graphs call other graphs (*blocks*) under an instance name, which is the prefix of the
weights inside: the block `ConvNorm` with the weight `conv.weight`, called as `layer1.0`, uses `layer1.0.conv.weight`.
One block is stored once however often it is called. Dims are named program-wide: `N` means the same in every graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlc.diagnostics import Span
from dlc.ir.dim import Answer, Dim, at_most, divisibility, equal, evaluate, names
from dlc.ir.op import Initializer, Op
from dlc.ir.types import Array, TensorType


class Value:
    """One tensor in a graph: an input, a weight or an output of a node.

    uses: every (node, operand position) that reads it, kept by the nodes themselves; being an output of the graph
    is not a use.
    """

    __slots__ = ("index", "name", "node", "span", "type", "uses")

    def __init__(self, type: TensorType, *, name: str = "", node: Node | None = None, index: int = 0,
                 span: Span | None = None) -> None:
        self.type, self.name, self.node, self.index, self.span = type, name, node, index, span
        self.uses: dict[tuple[Node, int], None] = {}

    @property
    def users(self) -> list[Node]:
        """The nodes that read it, each once, in the order in which they began to."""
        return list(dict.fromkeys(node for node, _ in self.uses))

    def replace_uses(self, other: Value) -> None:
        """Let every node that reads this value read `other`. Graph outputs are the caller's to change."""
        for node, position in list(self.uses):
            node.set_operand(position, other)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or '_'}: {self.type}>"


class Input(Value):
    """A tensor that the caller gives. `default` fills it where it is optional; `doc` is its `##` comment."""

    __slots__ = ("default", "doc")

    def __init__(self, type: TensorType, *, name: str, default: float | bool | None = None, doc: str = "",
                 span: Span | None = None) -> None:
        super().__init__(type, name=name, span=span)
        self.default, self.doc = default, doc


class Weight(Value):
    """A tensor that the model owns. `path` is relative to its graph; `state` marks a buffer, never trained."""

    __slots__ = ("initializer", "path", "state", "trainable")

    def __init__(self, type: TensorType, *, path: str, initializer: Initializer, trainable: bool = True,
                 state: bool = False, span: Span | None = None) -> None:
        super().__init__(type, name=path, span=span)
        self.path, self.initializer, self.state = path, initializer, state
        self.trainable = trainable and not state


class Node:
    """A step of a graph. `origin` names the reader, pass or rule that made it (`"source"` for the person).

    scope: the instance path (`layer1.0`) of the block that it stood in before inlining; empty in its own graph.
    """

    __slots__ = ("_next", "_previous", "doc", "graph", "operands", "origin", "outputs", "scope", "span")

    operands: tuple[Value | None, ...]
    outputs: tuple[Value, ...]

    def __init__(self, operands: Iterable[Value | None], types: Iterable[TensorType], *, span: Span | None = None,
                 origin: str = "source", doc: str = "") -> None:
        self.graph: Graph | None = None
        self.span, self.origin, self.doc, self.scope = span, origin, doc, ""
        self._previous: Node | None = None
        self._next: Node | None = None
        self.operands = tuple(operands)
        for position, operand in enumerate(self.operands):
            if operand is not None:
                operand.uses[self, position] = None
        self.outputs = tuple(Value(t, node=self, index=i, span=span) for i, t in enumerate(types))

    @property
    def output(self) -> Value:
        """Its only output."""
        (value,) = self.outputs
        return value

    def set_operand(self, position: int, value: Value | None) -> None:
        """Read another value at one position; the use-lists follow."""
        old = self.operands[position]
        if old is not None:
            del old.uses[self, position]
        if value is not None:
            value.uses[self, position] = None
        self.operands = (*self.operands[:position], value, *self.operands[position + 1:])

    @property
    def label(self) -> str:
        """What people call it: the operation's or block's name."""
        raise NotImplementedError


class Apply(Node):
    """An operation applied to operands, with canonical attributes, and regions for run-time control flow.

    The first inputs of a region are the operation's own; values captured from around it follow as further operands.
    """

    __slots__ = ("attributes", "op", "regions")

    def __init__(self, op: Op, operands: Iterable[Value | None], types: Iterable[TensorType],
                 attributes: Mapping[str, Any] | None = None, regions: Sequence[Graph] = (), *,
                 span: Span | None = None, origin: str = "source", doc: str = "") -> None:
        super().__init__(operands, types, span=span, origin=origin, doc=doc)
        self.op, self.attributes, self.regions = op, dict(attributes or {}), tuple(regions)

    @property
    def label(self) -> str:
        return self.op.name

    def operand(self, name: str) -> Value | None:
        """The operand of that declared name."""
        for declared, value in zip(self.op.operands, self.operands, strict=False):
            if declared.name == name:
                return value
        return None

    def __repr__(self) -> str:
        return f"<{self.op.name} {[o.name or str(o.type) if o else None for o in self.operands]} {self.attributes}>"


class Call(Node):
    """A block called under an instance name; two calls with one instance name share their weights."""

    __slots__ = ("block", "instance")

    def __init__(self, block: Graph, instance: str, operands: Iterable[Value | None], *, span: Span | None = None,
                 origin: str = "source", doc: str = "") -> None:
        super().__init__(operands, [v.type for v in block.outputs], span=span, origin=origin, doc=doc)
        self.block, self.instance = block, instance

    @property
    def label(self) -> str:
        return self.block.name

    def __repr__(self) -> str:
        return f"<call {self.block.name} as {self.instance}>"


@dataclass(frozen=True)
class Assumption:
    """`left relation right` (== != < <= > >=) about sizes, checked when they are bound."""

    left: Dim
    relation: str
    right: Dim
    message: str = ""
    span: Span | None = field(default=None, compare=False)

    @property
    def names(self) -> frozenset[str]:
        return names(self.left) | names(self.right)

    def holds(self, sizes: Mapping[str, int]) -> bool:
        """Whether it holds under these sizes. Raises KeyError for a name without one."""
        a, b = evaluate(self.left, sizes), evaluate(self.right, sizes)
        return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[self.relation]

    def decide(self) -> Answer:
        """Whether it holds for every size, for none, or only for some."""
        left, right = (self.right, self.left) if self.relation in (">", ">=") else (self.left, self.right)
        if self.relation in ("==", "!="):
            same = equal(left, right)
            return same if self.relation == "==" or same is Answer.UNKNOWN else _opposite(same)
        return at_most(left, right) if self.relation in ("<=", ">=") else _opposite(at_most(right, left))

    def __str__(self) -> str:
        divided = divisibility(self.left, self.right) if self.relation == "==" else None
        if divided is not None:
            x, divisor = divided
            return f"{x} % {divisor} == 0" if str(x).isidentifier() else f"({x}) % {divisor} == 0"
        return f"{self.left} {self.relation} {self.right}"


def _opposite(answer: Answer) -> Answer:
    return {Answer.YES: Answer.NO, Answer.NO: Answer.YES, Answer.UNKNOWN: Answer.UNKNOWN}[answer]


class Graph:
    """Inputs, weights, nodes in an order in which they can run, and named outputs.

    template: the block of the source that it was specialised from (its name without a number), and `parameters`, the
    hyper-parameters it was specialised with, for writers that turn several specialisations into one class.
    """

    def __init__(self, name: str, *, template: str = "", parameters: Mapping[str, Any] | None = None, doc: str = "",
                 span: Span | None = None) -> None:
        self.name, self.template, self.doc, self.span = name, template or name, doc, span
        self.parameters = dict(parameters or {})
        self.inputs: list[Input] = []
        self.weights: dict[str, Weight] = {}
        self.outputs: list[Value] = []
        self.output_names: list[str] = []
        self.output_docs: list[str] = []
        self.assumptions: list[Assumption] = []
        self._first: Node | None = None
        self._last: Node | None = None
        self._count = 0

    @property
    def nodes(self) -> Iterator[Node]:
        """The nodes in order. Removing the current one, or inserting before or after it, is allowed meanwhile."""
        node = self._first
        while node is not None:
            following = node._next
            yield node
            node = following

    @property
    def nodes_reversed(self) -> Iterator[Node]:
        node = self._last
        while node is not None:
            before = node._previous
            yield node
            node = before

    def __len__(self) -> int:
        return self._count

    def add_input(self, name: str, type: TensorType, *, default: float | bool | None = None, doc: str = "",
                  span: Span | None = None) -> Input:
        value = Input(type, name=name, default=default, doc=doc, span=span)
        self.inputs.append(value)
        return value

    def add_weight(self, weight: Weight) -> Weight:
        if weight.path in self.weights:
            raise ValueError(f"graph {self.name!r} has two weights {weight.path!r}")
        self.weights[weight.path] = weight
        return weight

    def add_output(self, name: str, value: Value, doc: str = "") -> None:
        self.outputs.append(value)
        self.output_names.append(name)
        self.output_docs.append(doc)

    def insert(self, node: Node, before: Node | None = None) -> Node:
        """Put a node in front of another, or at the end."""
        following, previous = before, before._previous if before is not None else self._last
        node.graph, node._previous, node._next = self, previous, following
        if previous is None:
            self._first = node
        else:
            previous._next = node
        if following is None:
            self._last = node
        else:
            following._previous = node
        self._count += 1
        return node

    def remove(self, node: Node) -> None:
        """Take out a node whose outputs nobody reads."""
        for position in range(len(node.operands)):
            node.set_operand(position, None)
        previous, following = node._previous, node._next
        if previous is None:
            self._first = following
        else:
            previous._next = following
        if following is None:
            self._last = previous
        else:
            following._previous = previous
        node.graph = node._previous = node._next = None
        self._count -= 1

    def replace(self, old: Value, new: Value) -> None:
        """Let every reader of `old`, the graph's outputs too, read `new`."""
        old.replace_uses(new)
        self.outputs = [new if v is old else v for v in self.outputs]

    def walk(self) -> Iterator[Node]:
        """All nodes, those in regions after the node that has them."""
        for node in self.nodes:
            yield node
            for region in regions(node):
                yield from region.walk()

    def __repr__(self) -> str:
        return f"<graph {self.name}: {len(self.inputs)} inputs, {self._count} nodes, {len(self.outputs)} outputs>"


def regions(node: Node) -> tuple[Graph, ...]:
    """The regions of a node; none for a call."""
    return node.regions if isinstance(node, Apply) else ()


@dataclass
class Program:
    """A whole model: the entry graph, what its weights hold, and the recipes (`train` sections) that came with it.

    values: array by full weight path, possibly loaded when asked for. Paths that it lacks start from their
    initialisers.
    """

    entry: Graph
    values: Mapping[str, Array] = field(default_factory=dict)
    layout: str | None = None
    recipes: tuple[Any, ...] = ()
    assumptions: list[Assumption] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.entry.name

    def blocks(self) -> list[Graph]:
        """Every graph that is called, callees before callers, each once; without the entry."""
        found: dict[Graph, None] = {}
        _collect(self.entry, found)
        return list(found)

    def graphs(self) -> list[Graph]:
        """All blocks, then the entry."""
        return [*self.blocks(), self.entry]

    def weights(self) -> dict[str, Weight]:
        """Every weight by its full path, in the order of first use; tied and shared ones stand once."""
        found: dict[str, Weight] = {}
        _weights(self.entry, "", found)
        return found


def _collect(graph: Graph, found: dict[Graph, None]) -> None:
    for node in graph.walk():
        if isinstance(node, Call) and node.block not in found:
            _collect(node.block, found)
            found[node.block] = None


def _weights(graph: Graph, prefix: str, found: dict[str, Weight]) -> None:
    for node in graph.walk():
        for operand in node.operands:
            if isinstance(operand, Weight) and graph.weights.get(operand.path) is operand:
                found.setdefault(prefix + operand.path, operand)
        if isinstance(node, Call):
            _weights(node.block, join(prefix, node.instance), found)
    for path, weight in graph.weights.items():
        found.setdefault(prefix + path, weight)


def join(prefix: str, instance: str) -> str:
    """The prefix of the weights of an instance: `join("layer1.", "0")` is `"layer1.0."`."""
    return f"{prefix}{instance}." if instance else prefix
