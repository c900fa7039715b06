"""Nodes that change nothing removed, and pairs that undo or continue each other merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dlc.ir.build import Builder
from dlc.ir.graph import Apply, Graph, Node, Program, Value, regions
from dlc.passes.base import Pass
from dlc.passes.dead import remove_dead
from dlc.passes.facts import uniform
from dlc.passes.lower import take_place

Rule = Callable[[Builder, Apply], Value | None]
"""The value to use in place of the node's only output, or None where the rule does not apply."""

_RULES: dict[str, list[Rule]] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule for these operations."""
    def enter(function: Rule) -> Rule:
        for name in names:
            _RULES.setdefault(name, []).append(function)
        return function
    return enter


@dataclass(frozen=True)
class Simplify(Pass):
    """Apply the rules of this file until none applies, in all graphs; what dies is removed."""

    def transform(self, program: Program) -> Program:
        for graph in program.graphs():
            simplify(graph)
        return program


def simplify(graph: Graph) -> int:
    """Simplify one graph and its regions in place; how often a rule fired."""
    fired = 0
    pending: list[Node] = list(graph.nodes)[::-1]
    while pending:
        node = pending.pop()
        if node.graph is not graph or not isinstance(node, Apply):
            continue
        fired += sum(simplify(region) for region in regions(node))
        new = _rewrite(graph, node)
        if new is None:
            continue
        fired += 1
        old = node.output
        readers = old.users
        take_place(graph, old, new)
        graph.remove(node)
        pending.extend(readers[::-1])
        if new.node is not None:
            pending.append(new.node)
    remove_dead(graph)
    return fired


def _rewrite(graph: Graph, node: Apply) -> Value | None:
    if len(node.outputs) != 1:
        return None
    for candidate in [*_RULES.get(node.op.name, ()), neutral, absorbing]:
        b = Builder(graph, origin=candidate.__name__, span=node.span, anchor=node, scope=node.scope)
        new: Value | None = candidate(b, node)
        if new is not None and new.type == node.output.type:
            return new
    return None


def made_by(value: Value | None, name: str) -> Apply | None:
    """The node that makes a value, if it applies the operation `name`."""
    node = value.node if value is not None else None
    return node if isinstance(node, Apply) and node.op.name == name else None


@rule("reshape", "cast", "broadcast_to", "broadcast", "expand", "tile", "flatten", "unflatten", "squeeze", "unsqueeze")
def same_type(b: Builder, node: Apply) -> Value | None:
    """An operation that keeps all elements in order is the identity where it keeps the type."""
    x = node.operands[0]
    return x if x is not None and x.type == node.output.type else None


@rule("transpose")
def transpose_of_transpose(b: Builder, node: Apply) -> Value | None:
    """Two orders of axes are one; the plain order is none."""
    axes = node.attributes["axes"]
    if list(axes) == sorted(axes):
        return node.operands[0]
    inner = made_by(node.operands[0], "transpose")
    if inner is None:
        return None
    first = inner.attributes["axes"]
    result: Value = b.transpose(inner.operands[0], axes=[first[a] for a in axes])
    return result


@rule("reshape")
def reshape_of_reshape(b: Builder, node: Apply) -> Value | None:
    """Only the last of several shapes matters."""
    for name in ("reshape", "flatten", "unflatten", "squeeze", "unsqueeze"):
        inner = made_by(node.operands[0], name)
        if inner is not None:
            result: Value = b.reshape(inner.operands[0], shape=node.attributes["shape"])
            return result
    return None


@rule("slice")
def whole_slice(b: Builder, node: Apply) -> Value | None:
    """A slice that cuts no axis."""
    return None if node.attributes["axes"] else node.operands[0]


@rule("pad")
def no_padding(b: Builder, node: Apply) -> Value | None:
    """Padding of width 0."""
    return node.operands[0] if all(w == (0, 0) for w in node.attributes["widths"]) else None


@rule("concat")
def concat_of_one(b: Builder, node: Apply) -> Value | None:
    """One tensor put after nothing."""
    return node.operands[0] if len(node.operands) == 1 else None


@rule("neg", "logical_not")
def twice_undone(b: Builder, node: Apply) -> Value | None:
    """An operation that undoes itself."""
    inner = made_by(node.operands[0], node.op.name)
    return inner.operands[0] if inner is not None else None


@rule("where")
def decided(b: Builder, node: Apply) -> Value | None:
    """A condition that is a constant."""
    condition, x, y = node.operands
    known = uniform(condition)
    return None if known is None else x if known else y


def neutral(b: Builder, node: Apply) -> Value | None:
    """op(x, unit) is x; op(unit, x) too where the operation is commutative."""
    if node.op.unit is None or len(node.operands) != 2:
        return None
    x, y = node.operands
    if uniform(y) == node.op.unit:
        return x
    return y if node.op.commutative and uniform(x) == node.op.unit else None


def absorbing(b: Builder, node: Apply) -> Value | None:
    """op(x, zero) is zero: for integers, as 0 * inf is no 0."""
    if node.op.zero is None or len(node.operands) != 2 or node.output.type.dtype.is_float:
        return None
    x, y = node.operands
    if uniform(y) == node.op.zero or (node.op.commutative and uniform(x) == node.op.zero):
        zero = b.constant(node.op.zero, node.output.type.dtype)
        result: Value = b.broadcast_to(zero, shape=node.output.type.shape)
        return result
    return None
