"""Steps that some specialisations of a block have and others lack: `relu(y) if act else y`, a skip that is resampled.

A block's `if` is decided when it is specialised, so its specialisations differ in nodes. Where one has all nodes of
another one and more, and those more are steps with one tensor in and one out, the shorter one gets `identity` nodes
in their place, and both can be one class with a flag.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dlc.ir.graph import Apply, Call, Graph, Node, Program, Value, Weight
from dlc.ir.op import op
from dlc.targets.source.names import identifier

ABSENT = "absent"
"""The origin of identities that stand for what is not there."""


@dataclass(frozen=True)
class Optional:
    """A step that is there or not. like: the step as it is where it is there. hint: what the flag is called."""

    present: bool
    like: Node
    hint: str


def reconcile(program: Program) -> dict[Node, Optional]:
    """Insert identities into blocks in place; all steps that are optional, there and not there."""
    groups: dict[str, list[Graph]] = {}
    for graph in program.graphs():
        groups.setdefault(graph.template, []).append(graph)
    found: dict[Node, Optional] = {}
    for graphs in groups.values():
        if len(graphs) > 1:
            _reconcile_group(graphs, found)
    return found


def order(program: Program, optional: dict[Node, Optional]) -> list[Graph]:
    """All graphs, callees first; what an absent step would call counts as called."""
    done: dict[Graph, None] = {}
    entered: set[Graph] = set()

    def visit(graph: Graph) -> None:
        if graph in entered:
            return
        entered.add(graph)
        for node in graph.walk():
            like = optional[node].like if node in optional else node
            if isinstance(like, Call):
                visit(like.block)
        done[graph] = None
    visit(program.entry)
    return list(done)


Plan = list[tuple[Node, Node | None]]
"""Every node of the longest graph with its counterpart in another one, None where that one lacks it."""


def _reconcile_group(graphs: list[Graph], found: dict[Node, Optional]) -> None:
    longest = max(graphs, key=len)
    plans = {graph: plan for graph in graphs if graph is not longest and (plan := _plan(longest, graph)) is not None}
    absent = {like for plan in plans.values() for like, here in plan if here is None}
    if not absent:
        return
    for like in absent:
        found[like] = Optional(True, like, _hint(like))
    for graph, plan in plans.items():
        for like, here in _apply(longest, graph, plan):
            if like in absent:
                present = here.origin != ABSENT
                found[here] = Optional(present, here if present else like, _hint(like))


def _hint(node: Node) -> str:
    name = node.instance if isinstance(node, Call) else node.label
    return f"with_{identifier(name.rpartition('.')[2])}"


def _plan(longest: Graph, graph: Graph) -> Plan | None:
    """How the nodes of a graph stand to those of the longest one; None if they differ in more than missing steps."""
    known: dict[Value, Value] = dict(zip(longest.inputs, graph.inputs, strict=False))
    known |= {weight: graph.weights[path] for path, weight in longest.weights.items() if path in graph.weights}
    remaining = list(graph.nodes)
    plan: Plan = []
    for node in longest.nodes:
        here = remaining[0] if remaining else None
        if here is not None and _key(node) == _key(here) and _operands(node, known) == list(here.operands):
            plan.append((node, remaining.pop(0)))
            known.update(zip(node.outputs, here.outputs, strict=True))
            continue
        data = _data(node)
        if not _may_lack(node, data) or data[0] not in known:
            return None
        plan.append((node, None))
        known[node.outputs[0]] = known[data[0]]
    same_outputs = [known.get(v) for v in longest.outputs] == list(graph.outputs)
    return plan if same_outputs and not remaining else None


def _apply(longest: Graph, graph: Graph, plan: Plan) -> Iterable[tuple[Node, Node]]:
    """Put identities into a graph where it lacks a step, read by those that would have read the step."""
    known: dict[Value, Value] = dict(zip(longest.inputs, graph.inputs, strict=False))
    made: dict[Value, Value] = {}
    for position, (node, here) in enumerate(plan):
        if here is None:
            following = next((h for _, h in plan[position:] if h is not None), None)
            here = Apply(op("identity"), [known[_data(node)[0]]], [known[_data(node)[0]].type], span=node.span,
                         origin=ABSENT)
            here.outputs[0].name = node.outputs[0].name
            graph.insert(here, following)
            made[node.outputs[0]] = here.outputs[0]
        else:
            for index, value in enumerate(node.operands):
                if value in made:
                    here.set_operand(index, made[value])
        known.update(zip(node.outputs, here.outputs, strict=True))
        yield node, here
    graph.outputs = [made.get(v, old) for v, old in zip(longest.outputs, graph.outputs, strict=True)]


def _data(node: Node) -> list[Value]:
    return [v for v in node.operands if v is not None and not isinstance(v, Weight)]


def _may_lack(node: Node, data: list[Value]) -> bool:
    """One tensor in, one out: a block that is no element of a list, a norm, an activation or a dropout."""
    if len(data) != 1 or len(node.outputs) != 1:
        return False
    if isinstance(node, Call):
        return not node.instance.rpartition(".")[2].isdigit()
    assert isinstance(node, Apply)
    weights = [v for v in node.operands if isinstance(v, Weight)]
    if weights:
        return all(w.type.rank == 1 for w in weights)
    return node.op.elementwise or node.op.random


def _operands(node: Node, known: dict[Value, Value]) -> list[Value | None]:
    return [None if v is None else known.get(v) for v in node.operands]


def _key(node: Node) -> tuple[object, ...]:
    if isinstance(node, Call):
        return "call", node.block.template, node.instance
    assert isinstance(node, Apply)
    return (node.op.name, *_paths(node.operands))


def _paths(operands: Iterable[Value | None]) -> Iterable[object]:
    return [v.path if isinstance(v, Weight) else v is None for v in operands]
