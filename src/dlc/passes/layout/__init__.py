"""Channels first or last: the whole program in the layout that a framework runs best, with the fewest transposes.

In the order of the data:
    views      where the channels of a tensor are, and how it is stored
    rules      how each kind of node takes part; `axes` those that name axes; `dispatch` which node follows which rule
    mincut     two-way labelling at least cost
    plan       views spread through the program, forms chosen
    storage    the values of a graph in their forms, and conversions between them
    rewrite    the program made anew
    arrays     weights reordered when they are asked for
"""

from __future__ import annotations

from dataclasses import dataclass

from dlc.ir.graph import Apply, Program
from dlc.passes.base import Pass
from dlc.passes.layout.plan import plan
from dlc.passes.layout.rewrite import rewrite
from dlc.passes.layout.views import Axes

__all__ = ["AssignLayout", "assign", "moved_axes", "transposes"]


@dataclass(frozen=True)
class AssignLayout(Pass):
    """See `assign`."""

    want: str
    io: str = "keep"

    def transform(self, program: Program) -> Program:
        return assign(program, self.want, self.io)


def assign(program: Program, want: str, io: str = "keep") -> Program:
    """The same program with every spatial operation in the layout `want` ("NCHW" or "NHWC"), blocks included.

    Transposes cancel, and move through whatever does not mind the order of axes; those that are left are as few as
    can be, found by a minimum cut over the program (`transposes` counts them). Where a flattened spatial tensor feeds a
    dense layer, or a dense layer feeds a spatial one, the rows and columns of its weight are reordered instead; so are
    weights that broadcast over channels. Such weights keep their paths and initialisers, and their type changes with
    their order; `values` of the result reorders the arrays of `program.values` when they are asked for. To reorder
    other arrays, put them into `program.values` first.

    io: "keep" leaves the inputs and outputs of the program as they are; "native" gives those that are spatial tensors
    the layout `want` as well (`moved_axes` tells which).
    The program given stays as it was. One without spatial operations comes back as it is.
    """
    spatial = any(isinstance(node, Apply) and node.op.spatial and node.operands[0] is not None
                  and node.operands[0].type.rank >= 3 for graph in program.graphs() for node in graph.walk())
    if not spatial:
        return program
    result = rewrite(program, plan(program, last=want == "NHWC", native=io == "native"))
    result.layout = want
    return result


def transposes(program: Program) -> int:
    """How many transposes a program has, those of a block counted once."""
    return sum(isinstance(node, Apply) and node.op.name == "transpose"
               for graph in program.graphs() for node in graph.walk())


def moved_axes(program: Program, want: str) -> dict[str, tuple[int, ...]]:
    """The inputs and outputs that `io="native"` changes: axis i of the new tensor is axis `order[i]` of the old one."""
    chosen, entry = plan(program, last=want == "NHWC", native=True), program.entry
    names = [v.name for v in entry.inputs] + entry.output_names
    forms = chosen.inputs[entry] + chosen.outputs[entry]
    return {name: form.order for name, form in zip(names, forms, strict=True) if isinstance(form, Axes)}
