"""Steps that some specialisations of a block have and others lack: `relu(y) if act else y`, a skip that is resampled.

A block's `if` is decided when it is specialised, so its specialisations differ in nodes. Where one has all nodes of
another one and more, and those more are steps that could as well pass on one of their operands, the shorter one gets
stand-ins in their place, and both can be one class with a flag.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dlc.ir.graph import Apply, Call, Graph, Node, Program, Value, Weight
from dlc.ir.op import op
from dlc.targets.source.names import identifier

ABSENT = "absent"
"""The origin of nodes that stand for what is not there."""


@dataclass(frozen=True)
class Optional:
    """A step that is there or not.

    like: the step as it is where it is there. hint: what the flag is called. passing: the operand that takes the place
    of the result where it is not.
    """

    present: bool
    like: Node
    hint: str
    passing: int


def reconcile(program: Program) -> dict[Node, Optional]:
    """Insert stand-ins into blocks in place; all steps that are optional, there and not there."""
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


Plan = list[tuple[Node, Node | None, int]]
"""Every node of the longest graph with its counterpart in another one, None where that one lacks it, and the operand
that passes there instead of the result."""


def _reconcile_group(graphs: list[Graph], found: dict[Node, Optional]) -> None:
    longest = max(graphs, key=len)
    plans: dict[Graph, Plan] = {}
    passing: dict[Node, int] = {}
    for graph in graphs:
        plan = _plan(longest, graph) if graph is not longest else None
        if plan is None:
            continue
        lacks = {like: position for like, here, position in plan if here is None}
        if all(passing.get(like, position) == position for like, position in lacks.items()):
            plans[graph] = plan
            passing.update(lacks)
    absent = set(passing)
    for like in absent:
        found[like] = Optional(True, like, _hint(like), passing[like])
    for graph, plan in plans.items():
        for like, here in _apply(longest, graph, plan):
            if like in absent:
                present = here.origin != ABSENT
                found[here] = Optional(present, here if present else like, _hint(like), passing[like])


def _hint(node: Node) -> str:
    name = node.instance if isinstance(node, Call) else node.label
    return f"with_{identifier(name.rpartition('.')[2])}"


def _plan(longest: Graph, graph: Graph) -> Plan | None:
    """How the nodes of a graph stand to those of the longest one; None if they differ in more than missing steps."""
    known: dict[Value, Value] = dict(zip(longest.inputs, graph.inputs, strict=False))
    known |= {weight: graph.weights[path] for path, weight in longest.weights.items() if path in graph.weights}
    return _match(list(longest.nodes), list(graph.nodes), known, longest, graph)


def _match(nodes: list[Node], remaining: list[Node], known: dict[Value, Value], longest: Graph,
           graph: Graph) -> Plan | None:
    plan: Plan = []
    while nodes:
        node, *nodes = nodes
        here = remaining[0] if remaining else None
        if here is not None and _key(node) == _key(here) and _operands(node, known) == list(here.operands):
            plan.append((node, remaining.pop(0), 0))
            known.update(zip(node.outputs, here.outputs, strict=True))
            continue
        choices = [i for i in _passing(node) if node.operands[i] in known]
        for position in choices:
            passed = {**known, node.outputs[0]: known[node.operands[position]]}  # type: ignore[index]
            rest = _match(nodes, list(remaining), passed, longest, graph)
            if rest is not None:
                return [*plan, (node, None, position), *rest]
        return None
    same_outputs = [known.get(v) for v in longest.outputs] == list(graph.outputs)
    return plan if same_outputs and not remaining else None


def _apply(longest: Graph, graph: Graph, plan: Plan) -> Iterable[tuple[Node, Node]]:
    """Put stand-ins into a graph where it lacks a step, read by those that would have read the step."""
    known: dict[Value, Value] = dict(zip(longest.inputs, graph.inputs, strict=False))
    known |= {weight: graph.weights[path] for path, weight in longest.weights.items() if path in graph.weights}
    made: dict[Value, Value] = {}
    for position, (node, here, passing) in enumerate(plan):
        if here is None:
            following = next((h for _, h, _ in plan[position:] if h is not None), None)
            here = _stand_in(node, passing, known)
            graph.insert(here, following)
            made[node.outputs[0]] = here.outputs[0]
        else:
            for index, value in enumerate(node.operands):
                if value in made:
                    here.set_operand(index, made[value])
        known.update(zip(node.outputs, here.outputs, strict=True))
        yield node, here
    graph.outputs = [made.get(v, old) for v, old in zip(longest.outputs, graph.outputs, strict=True)]


def _stand_in(node: Node, passing: int, known: dict[Value, Value]) -> Node:
    """What stands where a step is absent: the step itself without its weights; for a block an identity."""
    operands = [known.get(v) if v is not None else None for v in node.operands]
    passed = operands[passing]
    assert passed is not None
    if isinstance(node, Apply) and not any(isinstance(v, Weight) for v in node.operands):
        here = Apply(node.op, operands, [passed.type], node.attributes, span=node.span, origin=ABSENT)
    else:
        here = Apply(op("identity"), [passed], [passed.type], span=node.span, origin=ABSENT)
    here.outputs[0].name = node.outputs[0].name
    return here


def _passing(node: Node) -> list[int]:
    """The operands that may take the place of the result: of a block that is no element of a list and has one
    operand, a norm, an activation, a dropout, or a binary operation such as the sum of a skip."""
    data = [i for i, v in enumerate(node.operands) if v is not None and not isinstance(v, Weight)]
    if len(node.outputs) != 1:
        return []
    if isinstance(node, Call):
        return data if len(data) == 1 and not node.instance.rpartition(".")[2].isdigit() else []
    assert isinstance(node, Apply)
    weights = [v for v in node.operands if isinstance(v, Weight)]
    if weights:
        return data if len(data) == 1 and all(w.type.rank == 1 for w in weights) else []
    return data if node.op.elementwise or node.op.random else []


def _operands(node: Node, known: dict[Value, Value]) -> list[Value | None]:
    return [None if v is None else known.get(v) for v in node.operands]


def _key(node: Node) -> tuple[object, ...]:
    if isinstance(node, Call):
        return "call", node.block.template, node.instance
    assert isinstance(node, Apply)
    return (node.op.name, *_paths(node.operands))


def _paths(operands: Iterable[Value | None]) -> Iterable[object]:
    return [v.path if isinstance(v, Weight) else v is None for v in operands]
