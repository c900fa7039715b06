"""Reverse-mode differentiation: nodes that compute gradients, appended to the graph that computes the values.

A primitive brings its own rule. A composite is differentiated through its body and a call through its block, both
built once more beside the original: lowering or inlining followed by `Share` leaves one computation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dlc.ir.build import Builder, expand
from dlc.ir.graph import Apply, Call, Graph, Node, Value, Weight, join
from dlc.ir.op import Composite, ControlFlow, Primitive, Problem
from dlc.ops.constants import filled
from dlc.passes.clone import copy_weight
from dlc.passes.inline import inline_into

Gradients = dict[Value, Value]


def grad(b: Builder, y: Value, wrt: Value | Sequence[Value]) -> Value | list[Value]:
    """The gradient of a scalar, of the type of `wrt`; zeros where y does not depend on it.

    Raises Problem for a y that is no floating-point scalar, a `wrt` that is no float, and what has no gradient.
    """
    if y.type.rank != 0:
        raise Problem("only a scalar has a gradient", expected=f"a scalar such as {y.type.dtype}", found=str(y.type),
                      at=["y"], hint="make one number of it first: `sum(y)` or `mean(y)`", code="E0240")
    wanted = [wrt] if isinstance(wrt, Value) else list(wrt)
    for value in (y, *wanted):
        if not value.type.dtype.is_float:
            raise Problem("gradients exist for floating-point tensors only", expected="a float type",
                          found=str(value.type), at=["y" if value is y else "wrt"], code="E0240")
    found = [filled(b, v.type, 0) if g is None else g
             for v, g in zip(wanted, gradients(b, [y], wanted), strict=True)]
    return found[0] if isinstance(wrt, Value) else found


def gradients(b: Builder, ys: Sequence[Value], wrt: Sequence[Value],
              seeds: Sequence[Value | None] | None = None) -> list[Value | None]:
    """For each value of `wrt`, the sum over all ys of seed * dy/dwrt; None where no y depends on it.

    seeds: of the types of the ys, ones unless given; None leaves a y out. Everything must be in the graph of `b`,
    which appends to its end. Raises Problem for what cannot be differentiated.
    """
    before = set(b.graph.nodes)
    start = [filled(b, y.type, 1) for y in ys] if seeds is None else list(seeds)
    found = _reverse(b, list(zip(ys, start, strict=True)), wrt, leaves=())
    results = [found.get(v) for v in wrt]
    _prune(b.graph, before, set(results))
    return results


def _prune(graph: Graph, before: set[Node], results: set[Value | None]) -> None:
    """Remove what the rules made on the way to gradients that nobody asked for."""
    for node in graph.nodes_reversed:
        if node not in before and not any(v.uses or v in results for v in node.outputs):
            graph.remove(node)


def _reverse(b: Builder, seeded: Iterable[tuple[Value, Value | None]], wrt: Sequence[Value],
             leaves: Iterable[Value]) -> Gradients:
    """The gradient of each value between the seeded ones and `wrt`, both included. Nothing behind `leaves` counts."""
    found: Gradients = {}
    stop = set(leaves)
    for y, seed in seeded:
        _accumulate(b, found, y, seed)
    for node in reversed(_between(list(found), set(wrt), stop)):
        grads = [found.get(v) for v in node.outputs]
        if all(g is None for g in grads):
            continue
        if isinstance(node, Apply) and isinstance(node.op, Primitive):
            for operand, g in zip(node.operands, _primitive(b, node, grads), strict=True):
                if operand is not None:
                    _accumulate(b, found, operand, g)
        else:
            for operand, g in _through(b, node, grads).items():
                _accumulate(b, found, operand, g)
    return found


def _between(ys: Sequence[Value], wrt: set[Value], stop: set[Value]) -> list[Node]:
    """The nodes on a way from `wrt` to the ys, in an order in which they can run."""
    order: list[Node] = []
    relevant: dict[Node, bool] = {}
    pending: list[tuple[Node, bool]] = [(y.node, False) for y in ys if y.node is not None and y not in stop]
    while pending:
        node, complete = pending.pop()
        if complete:
            relevant[node] = any(v in wrt or (v.node is not None and v not in stop and relevant.get(v.node, False))
                                 for v in _operands(node))
            order += [node] if relevant[node] else []
        elif node not in relevant:
            relevant[node] = False
            pending.append((node, True))
            pending += [(v.node, False) for v in _operands(node)
                        if v.node is not None and v not in stop and v.node not in relevant]
    return order


def _operands(node: Node) -> list[Value]:
    """The operands that a gradient can flow to, the weights of a called block included."""
    own = [v for v in node.operands if v is not None and v.type.dtype.is_float]
    if isinstance(node, Call) and node.graph is not None:
        own += [node.graph.weights[p] for p in _called(node.block, join("", node.instance)) if p in node.graph.weights]
    return own


def _called(block: Graph, prefix: str) -> list[str]:
    """The paths of all weights inside a block, as its caller names them."""
    paths = [prefix + path for path in block.weights]
    for node in block.walk():
        if isinstance(node, Call):
            paths += _called(node.block, join(prefix, node.instance))
    return paths


def _primitive(b: Builder, node: Apply, grads: list[Value | None]) -> Sequence[Value | None]:
    """What the rule of a primitive says, checked."""
    assert isinstance(node.op, Primitive)
    rule = node.op.gradient
    if rule is None:
        if not any(v.type.dtype.is_float for v in node.outputs):
            return [None] * len(node.operands)
        raise Problem(f"`{node.op.name}` has no gradient", expected="a differentiable operation", code="E0240",
                      found=node.op.name, hint="compute what needs the gradient without it")
    results = rule(Builder(b.graph, origin=f"gradient of {node.op.name}", span=node.span, anchor=b.anchor,
                           scope=node.scope), node, *grads)
    for operand, g in zip(node.operands, results, strict=True):
        if operand is not None and g is not None and g.type != operand.type:
            raise TypeError(f"the gradient rule of `{node.op.name}` gives {g.type} for an operand {operand.type}")
    return results


def _through(b: Builder, node: Node, grads: list[Value | None]) -> Gradients:
    """The gradients of the operands of a composite operation or of a call, through its definition."""
    operands = _operands(node)
    if isinstance(node, Call):
        inner: Sequence[Value] = _body_of_call(b, node)
        operands = _operands(node)
    elif isinstance(node, Apply) and isinstance(node.op, Composite):
        definition = Builder(b.graph, origin=node.op.name, span=node.span, anchor=b.anchor, scope=node.scope)
        inner = expand(node.op, definition, node.operands, node.attributes)
    else:
        raise _refusal(node)
    unique = list(dict.fromkeys(operands))
    found = _reverse(b, zip(inner, grads, strict=True), unique, leaves=unique)
    return {v: found[v] for v in unique if v in found}


def _body_of_call(b: Builder, node: Call) -> list[Value]:
    """The nodes of a called block, appended to the caller's graph, its weights beside the caller's own."""
    graph = b.graph

    def find(path: str, weight: Weight) -> Value:
        return graph.weights.get(path) or graph.add_weight(copy_weight(weight, path))
    return inline_into(graph, node.block, list(node.operands), join("", node.instance), find,
                       b.anchor)


def _refusal(node: Node) -> Problem:
    assert isinstance(node, Apply)
    assert isinstance(node.op, ControlFlow)
    return Problem(f"the gradient through `{node.op.name}` is not defined", code="E0240", found=node.op.name,
                   expected="a graph without run-time control flow",
                   hint="decide at compile time with `if`, or unroll a fixed number of steps with `for` or `repeat`")


def _accumulate(b: Builder, found: Gradients, value: Value, g: Value | None) -> None:
    if g is None or not value.type.dtype.is_float:
        return
    found[value] = b.add(found[value], g) if value in found else g
