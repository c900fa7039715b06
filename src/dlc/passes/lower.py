"""Composite operations replaced by their bodies, until only what a target keeps is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dlc.diagnostics import Diagnostic, Unsupported
from dlc.ir.build import Builder, expand
from dlc.ir.graph import Apply, Graph, Node, Program, Value
from dlc.ir.op import Composite, Problem
from dlc.passes.base import Pass


def keep_nothing(node: Apply) -> bool:
    """Lower everything: only primitives are left."""
    return False


@dataclass(frozen=True)
class Lower(Pass):
    """Expand every composite for which `keep(node)` is false, and what comes out of it, in all graphs.

    The new nodes have the operation that they came from as their origin, and its span and scope.
    """

    keep: Callable[[Apply], bool] = keep_nothing

    def transform(self, program: Program) -> Program:
        for graph in program.graphs():
            lower_graph(graph, self.keep)
        return program


def lower(program: Program, keep: Callable[[Apply], bool] = keep_nothing) -> Program:
    """The program without the composites that are not kept."""
    return Lower(keep)(program)


def lower_graph(graph: Graph, keep: Callable[[Apply], bool]) -> None:
    """Expand the composites of one graph and of its regions in place."""
    pending: list[Node] = list(graph.nodes)[::-1]
    while pending:
        node = pending.pop()
        if not isinstance(node, Apply):
            continue
        for region in node.regions:
            lower_graph(region, keep)
        if isinstance(node.op, Composite) and not keep(node):
            pending.extend(_expand(graph, node)[::-1])


class _Recorder(Builder):
    """A builder that remembers what it made."""

    made: list[Node]

    def insert(self, node: Node) -> Node:
        self.made.append(node)
        return super().insert(node)


def _expand(graph: Graph, node: Apply) -> list[Node]:
    """Put the definition of a node in its place; the new nodes. Raises Unsupported where the types allow no body."""
    b = _Recorder(graph, origin=node.op.name, span=node.span, anchor=node, scope=node.scope)
    b.made = []
    try:
        results = expand(node.op, b, node.operands, node.attributes)
    except Problem as problem:
        raise Unsupported(Diagnostic(problem.code, problem.message, node.span, problem.expected, problem.found,
                                     problem.hint)) from problem
    for old, new in zip(node.outputs, results, strict=True):
        take_place(graph, old, new)
    if b.made and not b.made[-1].doc:
        b.made[-1].doc = node.doc
    graph.remove(node)
    return b.made


def take_place(graph: Graph, old: Value, new: Value) -> None:
    """Let all readers of `old` read `new`, which takes over its name. Their types must be the same."""
    if old.type != new.type:
        made = old.node.label if old.node is not None else old.name
        raise TypeError(f"the replacement of `{made}` has the type {new.type}, not {old.type}")
    if old.name and not new.name:
        new.name = old.name
    graph.replace(old, new)
