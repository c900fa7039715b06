"""Control flow at run time: cond, while, scan. Their bodies are regions: graphs that the node holds.

A region reads its own inputs alone. Values from around it are *captured*: they follow as the last operands of the
node and as the last inputs of every region, in the same order. Regions own no weights; a weight is captured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from dlc.ir.attributes import Int
from dlc.ir.dim import Dim
from dlc.ir.graph import Apply, Graph
from dlc.ir.op import ControlFlow, Problem, Sample, Tensor, Types, operation
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import need, need_equal

RunRegion = Callable[[Graph, Sequence[Array | None]], Sequence[Array]]
OperandTypes = Sequence[TensorType]


def _need_regions(name: str, regions: Sequence[Graph], *words: str) -> None:
    need(len(regions) == len(words), f"`{name}` has {len(words)} regions", expected=", ".join(words),
         found=str(len(regions)))


def _need_inputs(name: str, part: str, region: Graph, types: OperandTypes) -> None:
    """The inputs of a region have the types of what they are given."""
    found = [v.type for v in region.inputs]
    need(len(found) == len(types), f"the {part} of `{name}` takes {len(types)} values", expected=str(len(types)),
         found=str(len(found)))
    for value, given in zip(region.inputs, types, strict=True):
        need(value.type == given, f"`{value.name}` in the {part} of `{name}` has another type than what it is given",
             expected=str(given), found=str(value.type))


def _need_predicate(name: str, part: str, t: TensorType) -> None:
    need(t.rank == 0 and t.dtype.kind == "bool", f"the {part} of `{name}` is one bool", expected="bool", found=str(t),
         hint="compare numbers (`x > 0`), and reduce more than one with `all` or `any`", code="E0221")


def _need_states(name: str, states: OperandTypes, region: Graph, extra: int = 0) -> None:
    """A loop leaves the types of its states as they were."""
    found = [v.type for v in region.outputs]
    need(len(found) >= len(states) and (extra < 0 or len(found) == len(states) + extra),
         f"the body of `{name}` gives {len(found)} values", found=str(len(found)),
         expected=f"{len(states)} next states")
    for index, (before, after) in enumerate(zip(states, found, strict=False)):
        label = region.inputs[index].name or f"state {index}"
        need(before == after, f"the body of `{name}` changes the type of `{label}`", expected=str(before),
             found=str(after), hint="a state keeps its element type and shape in every step", code="E0232")


@operation
class Cond(ControlFlow):
    """One of two regions, chosen at run time by a scalar bool: cond(predicate, *captures).

    Both regions take all captures and give values of the same types, which are the results.
    """

    def infer(self, predicate: Tensor, *captures: Tensor) -> Types:
        raise Problem("`cond` is written with its two bodies", expected="cond p { ... } else { ... }", found="a call")

    def infer_regions(self, types: OperandTypes, regions: Sequence[Graph]) -> tuple[TensorType, ...]:
        _need_regions(self.name, regions, "then", "else")
        _need_predicate(self.name, "condition", types[0])
        for part, region in zip(("first body", "second body"), regions, strict=True):
            _need_inputs(self.name, part, region, types[1:])
        first, second = ([v.type for v in region.outputs] for region in regions)
        need(first == second, "the two bodies of `cond` give different types", code="E0232",
             expected=", ".join(map(str, first)), found=", ".join(map(str, second)))
        return tuple(first)

    def execute(self, node: Apply, arrays: Sequence[Array], run: RunRegion) -> Sequence[Array]:
        return run(node.regions[0 if bool(arrays[0]) else 1], arrays[1:])

    def samples(self) -> Iterable[Sample]:
        return []


@operation
class While(ControlFlow):
    """A region repeated while another one is true: while(*states, *captures).

    Regions: the condition (a scalar bool) and the body (the next states), both from states and captures. The results
    are the last states. The condition is asked before the first step.
    """

    def infer(self, *values: Tensor, states: Int) -> Types:
        raise Problem("`while` is written with its body", expected="while (s = s0) condition { ... }", found="a call")

    def infer_regions(self, types: OperandTypes, regions: Sequence[Graph], *, states: int) -> tuple[TensorType, ...]:
        _need_regions(self.name, regions, "condition", "body")
        condition, body = regions
        _need_inputs(self.name, "condition", condition, types)
        _need_inputs(self.name, "body", body, types)
        need(len(condition.outputs) == 1, "the condition of `while` is one bool", expected="1 value",
             found=str(len(condition.outputs)))
        _need_predicate(self.name, "condition", condition.outputs[0].type)
        _need_states(self.name, types[:states], body)
        return tuple(types[:states])

    def execute(self, node: Apply, arrays: Sequence[Array], run: RunRegion, *, states: int) -> Sequence[Array]:
        condition, body = node.regions
        current, captures = list(arrays[:states]), list(arrays[states:])
        while bool(run(condition, [*current, *captures])[0]):
            current = list(run(body, [*current, *captures]))
        return current

    def samples(self) -> Iterable[Sample]:
        return []


@operation
class Scan(ControlFlow):
    """A region run for every index of an axis, with states that are passed on: scan(*states, *sequences, *captures).

    The region takes the states, the slices of the sequences at that index (without the axis) and the captures, and
    gives the next states and the outputs of the step. The results are the last states and the outputs, stacked along
    `axis`. All sequences have one size on the axis; there is at least one.
    """

    def infer(self, *values: Tensor, states: Int, sequences: Int, axis: Int = 0) -> Types:
        raise Problem("`scan` is written with its body", expected="scan (h = h0) over (xt = x) { ... }", found="a call")

    def infer_regions(self, types: OperandTypes, regions: Sequence[Graph], *, states: int, sequences: int,
                      axis: int) -> tuple[TensorType, ...]:
        _need_regions(self.name, regions, "body")
        (body,) = regions
        need(sequences >= 1, "`scan` goes over at least one tensor", expected="over (xt = x)", found="none")
        over = types[states:states + sequences]
        for t in over:
            need(-t.rank <= axis < t.rank, f"`scan` goes over axis {axis}, which {t} lacks", code="E0222",
                 expected=f"an axis from {-t.rank} to {t.rank - 1}", found=str(axis))
            need_equal("the sizes of the axis that `scan` goes over", over[0].shape[axis], t.shape[axis])
        steps = over[0].shape[axis]
        slices = [_without(t, axis) for t in over]
        _need_inputs(self.name, "body", body, [*types[:states], *slices, *types[states + sequences:]])
        _need_states(self.name, types[:states], body, extra=-1)
        stacked = [v.type for v in body.outputs[states:]]
        for t in stacked:
            need(-t.rank - 1 <= axis <= t.rank, f"the outputs of a step cannot be stacked along axis {axis}",
                 expected=f"an axis from {-t.rank - 1} to {t.rank}", found=str(axis), code="E0222")
        return (*types[:states], *(_with(t, axis % (t.rank + 1), steps) for t in stacked))

    def execute(self, node: Apply, arrays: Sequence[Array], run: RunRegion, *, states: int, sequences: int,
                axis: int) -> Sequence[Array]:
        (body,) = node.regions
        current, over = list(arrays[:states]), arrays[states:states + sequences]
        captures = arrays[states + sequences:]
        steps: list[list[Array]] = []
        for index in range(over[0].shape[axis]):
            results = list(run(body, [*current, *(np.take(x, index, axis) for x in over), *captures]))
            current = results[:states]
            steps.append(results[states:])
        if not steps:
            raise ValueError("`scan` over an axis of size 0 has no outputs to stack")
        return [*current, *(np.stack(column, axis) for column in zip(*steps, strict=True))]

    def samples(self) -> Iterable[Sample]:
        return []


def _without(t: TensorType, axis: int) -> TensorType:
    place = axis % t.rank
    return t.with_shape(*t.shape[:place], *t.shape[place + 1:])


def _with(t: TensorType, place: int, size: Dim) -> TensorType:
    return t.with_shape(*t.shape[:place], size, *t.shape[place:])
