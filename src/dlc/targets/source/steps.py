"""What happens in one statement: steps, and which values are nested in the statement that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlc.ir.graph import Apply, Call, Graph, Node, Value, Weight, regions
from dlc.targets.source.dialect import Dialect, scalar
from dlc.targets.source.layers import Member
from dlc.targets.source.reconcile import Optional


@dataclass
class Step:
    """One thing that happens: a node, or the calls of a chain at once."""

    nodes: list[Node]
    chain: Member | None = None

    @property
    def first(self) -> Node:
        return self.nodes[0]

    @property
    def last(self) -> Node:
        return self.nodes[-1]


class Nesting:
    """Decides what goes into one line: short chains of calls, never two layers with matrices.

    inner: whether it is a region, whose results are assigned at once.
    kept: values that get a name all the same, because a line would be too long.
    """

    def __init__(self, graph: Graph, dialect: Dialect, optional: Mapping[Node, Optional], *, inner: bool) -> None:
        self.graph, self.dialect, self.optional, self.inner = graph, dialect, optional, inner
        self.kept: set[Value] = set()

    def choose(self, steps: Sequence[Step]) -> set[Value]:
        """The values whose expression stands inside the one statement that reads them."""
        chosen: set[Value] = set()
        depth: dict[Value, int] = {}
        for at, step in enumerate(steps):
            nested = [v for v in reads(step) if v in chosen]
            inside = max((depth[v] for v in nested), default=0)
            if len(step.last.outputs) != 1 or self.is_statement(step):
                continue
            value = step.last.outputs[0]
            depth[value] = inside + (0 if _is_infix(step.last) or is_cheap(value) else 1)
            if self._may_nest(value, step, steps[at + 1:at + 4], depth[value]):
                chosen.add(value)
        return chosen

    def is_statement(self, step: Step) -> bool:
        loop = step.chain is not None and not self.dialect.is_sequence(step.chain)
        return loop or bool(regions(step.last))

    def _may_nest(self, value: Value, step: Step, following: Sequence[Step], depth: int) -> bool:
        if value in self.kept or scalar(value) is not None:
            return False
        if value in self.graph.outputs:
            once = not value.uses and self.graph.outputs.count(value) == 1
            alone = len(self.graph.outputs) == 1 and not following
            return once and (self.inner or alone or (not own_name(value) and depth <= 2))
        readers = list(value.uses)
        if len(readers) != 1 or readers[0][0].graph is not self.graph:
            return False
        reader = next((s for s in following if readers[0][0] in s.nodes), None)
        name = own_name(value)
        if reader is None or (name and name != own_name(reader.last.outputs[0])) or regions(reader.last):
            return self._is_condition(value, reader)
        choice = self.optional.get(reader.last)
        if choice is not None and not isinstance(choice.like, Call):
            return False
        if len(reader.nodes) > 1 and self.is_statement(reader):
            return False
        if self._owns_matrix(reader):
            return depth <= 1 and not self._owns_matrix(step)
        return depth <= 3

    def _is_condition(self, value: Value, reader: Step | None) -> bool:
        """What `cond` asks may stand in its `if`."""
        return reader is not None and reader.last.operands[0] is value and isinstance(reader.last, Apply) and (
            reader.last.op.name == "cond")

    def _owns_matrix(self, step: Step) -> bool:
        """Whether it is a block or a layer with a matrix of weights, in contrast to a norm or an activation."""
        node = step.last
        return isinstance(node, Call) or (isinstance(node, Apply) and node.op.layer is not None and any(
            isinstance(v, Weight) and v.type.rank > 1 for v in node.operands))


def reads(step: Step) -> list[Value]:
    """The values that a step reads, weights of layers too; a chain reads what its first call reads."""
    return [v for v in step.first.operands if v is not None]


def own_name(value: Value) -> str:
    """The name that somebody gave to a value; a name that is only the label of the layer it comes from counts not."""
    node = value.node
    if isinstance(node, Call) and value.name in (node.instance, node.instance.rpartition(".")[2]):
        return ""
    if isinstance(node, Apply) and any(
            isinstance(v, Weight) and v.path.startswith(f"{value.name}.") for v in node.operands):
        return ""
    return value.name


def is_cheap(value: Value) -> bool:
    """Whether it is a part of another value that is as short to say as a name."""
    return isinstance(value.node, Apply) and value.node.op.name == "select"


def _is_infix(node: Node) -> bool:
    return isinstance(node, Apply) and node.op.elementwise and len(node.operands) == 2
