"""Samples of operations that own weights, as programs in which those operands are weights of one layer."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature

from every_op.cases import Case, cases, testable

from dlc.ir.build import resolve
from dlc.ir.graph import Apply, Graph, Program, Value, Weight
from dlc.ir.op import Initializer, Op
from dlc.ir.types import Array

Layer = tuple[Case, Program, dict[str, Array], dict[str, Array]]


def layered(op: Op) -> Iterator[Layer]:
    """(case, program, weights, inputs) for every sample of an operation with a layer form."""
    for case in cases(op):
        names = _weight_names(case)
        graph = Graph("Case")
        values: list[Value | None] = []
        weights: dict[str, Array] = {}
        inputs: dict[str, Array] = {}
        for position, (t, array) in enumerate(zip(case.types, case.arrays(), strict=True)):
            if t is None or array is None:
                values.append(None)
            elif position in names:
                path = f"unit.{names[position]}"
                values.append(graph.add_weight(Weight(t, path=path, initializer=Initializer("zeros"))))
                weights[path] = array
            else:
                values.append(graph.add_input(f"x{position}", t))
                inputs[f"x{position}"] = array
        attributes, types = resolve(op, case.types, case.attributes)
        node = graph.insert(Apply(op, values, types, attributes))
        for i, value in enumerate(node.outputs):
            graph.add_output(f"y{i}", value)
        yield case, Program(graph), weights, inputs


def with_layers() -> list[str]:
    """The operations that own weights when used as layers."""
    return [name for name, op in testable().items() if op.layer is not None]


def _weight_names(case: Case) -> dict[int, str]:
    """The declared name of every operand that a layer owns, by position."""
    op, types = case.op, case.types
    assert op.layer is not None
    fixed = len(op.operands) - op.variadic
    found = {i: o.name for i, o in enumerate(op.operands[:fixed])
             if o.name in ("weight", "bias", "running_mean", "running_var")}
    if op.variadic:
        known = {**case.inferred()[0], **{o.name: t for o, t in zip(op.operands, types, strict=False)}}
        declared = op.layer(**{n: known[n] for n in signature(op.layer).parameters if n in known})
        found |= {fixed + i: name for i, name in enumerate(declared)}
    return found
