"""Is this a well-formed program? Checked between any two passes in tests, and under `--verify`."""

from __future__ import annotations

from dlc.diagnostics import Diagnostic, DlcError
from dlc.ir.build import resolve
from dlc.ir.graph import Apply, Call, Graph, Node, Program, Value, join, regions
from dlc.ir.op import ControlFlow, Problem


def verify(program: Program, *, after: str = "") -> None:
    """Check every graph of a program; raise DlcError with all findings.

    Values are defined before they are used and in the same graph; use-lists agree with operands; the types on a node
    are those that its operation infers; calls fit the block's inputs; outputs exist; weights of one path agree.
    """
    findings = [message for graph in program.graphs() for message in check(graph)]
    try:
        _check_weights(program)
    except ValueError as error:
        findings.append(str(error))
    if findings:
        where = f" after {after}" if after else ""
        raise DlcError(*(Diagnostic("E0390", f"invalid graph{where}: {finding}", None) for finding in findings))


def check(graph: Graph) -> list[str]:
    """The faults of one graph and its regions, a sentence each."""
    faults: list[str] = []
    defined: set[Value] = {*graph.inputs, *graph.weights.values()}
    for node in graph.nodes:
        where = f"{graph.name}: {node!r}"
        faults += [f"{where} reads a value that is not defined before it: {v!r}"
                   for v in node.operands if v is not None and v not in defined]
        faults += [f"{where} is missing from the use-list of operand {i}"
                   for i, v in enumerate(node.operands) if v is not None and (node, i) not in v.uses]
        faults += [f"{where}: {fault}" for fault in _check_types(node)]
        for region in regions(node):
            faults += check(region)
        defined.update(node.outputs)
    faults += [f"{graph.name}: output {n!r} is not defined in the graph"
               for n, v in zip(graph.output_names, graph.outputs, strict=True) if v not in defined]
    for value in defined:
        faults += [f"{graph.name}: the use-list of {value!r} names {user!r}, which does not read it"
                   for user, i in value.uses if i >= len(user.operands) or user.operands[i] is not value]
    return faults


def _check_types(node: Node) -> list[str]:
    if isinstance(node, Call):
        expected = [v.type for v in node.block.inputs]
        found = [v.type if v is not None else None for v in node.operands]
        mismatch = len(expected) != len(found) or any(
            f is not None and f != e for e, f in zip(expected, found, strict=True))
        return [f"the call gives {found}, the block takes {expected}"] if mismatch else _compare(
            node, [v.type for v in node.block.outputs])
    assert isinstance(node, Apply)
    if isinstance(node.op, ControlFlow):
        try:
            types = node.op.infer_regions([v.type for v in node.operands if v is not None], node.regions,
                                          **node.attributes)
        except Problem as problem:
            return [problem.message]
        return _compare(node, list(types))
    try:
        attributes, types = resolve(node.op, [None if v is None else v.type for v in node.operands], node.attributes)
    except Problem as problem:
        return [problem.message]
    if attributes != node.attributes:
        return [f"attributes are not canonical: {node.attributes} should be {attributes}"]
    return _compare(node, list(types))


def _compare(node: Node, types: list[object]) -> list[str]:
    found = [v.type for v in node.outputs]
    return [] if found == types else [f"its types are {found}, inferred are {types}"]


def _check_weights(program: Program) -> None:
    seen: dict[str, Value] = {}

    def visit(graph: Graph, prefix: str) -> None:
        for path, weight in graph.weights.items():
            other = seen.setdefault(prefix + path, weight)
            if other.type != weight.type:
                raise ValueError(f"weight {prefix + path!r} is both {other.type} and {weight.type}")
        for node in graph.walk():
            if isinstance(node, Call):
                visit(node.block, join(prefix, node.instance))
    visit(program.entry, "")
