"""Which tensors are stored channels first and which last, so that the fewest transposes are left in the program.

Views spread from the spatial operations over all nodes that let them through, and through the borders of blocks. Then
every value is a net that joins the node that makes it and those that read it; a transpose is paid where a net is cut.
The cheapest labelling is a minimum cut of the whole program at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dlc.ir.graph import Apply, Call, Graph, Node, Program, Value, regions
from dlc.passes.layout.dispatch import rule
from dlc.passes.layout.mincut import Labels
from dlc.passes.layout.rules import TransposeRule, values
from dlc.passes.layout.views import Flat, Form, Spatial, View, pure

_TRANSPOSE, _FEATURES, _RESHAPE = 10, 12, 1
"""What a conversion costs: moving elements, doing so behind a flatten, or only naming axes anew."""


@dataclass
class Plan:
    """The result: the form of every bound port, and of the inputs and outputs of every graph."""

    ports: dict[Node, dict[int, Form]] = field(default_factory=dict)
    inputs: dict[Graph, list[Form]] = field(default_factory=dict)
    outputs: dict[Graph, list[Form]] = field(default_factory=dict)


def plan(program: Program, *, last: bool, native: bool) -> Plan:
    """Forms for a whole program. last: channels last is wanted. native: also for the inputs and outputs."""
    return _Planner(program, last, native).solve()


def spread(program: Program) -> dict[Value, View]:
    """The view of every value that has one."""
    calls = _calls(program)
    views: dict[Value, View] = {}
    queue: deque[tuple[Value, View]] = deque()
    for graph in program.graphs():
        for node in graph.walk():
            if isinstance(node, Apply) and node.op.spatial:
                queue.extend(rule(node).spread(node, views))
    while queue:
        value, view = queue.popleft()
        if value in views:
            continue
        views[value] = view
        for node in dict.fromkeys([*([value.node] if value.node is not None else []), *value.users]):
            if isinstance(node, Apply):
                queue.extend(rule(node).spread(node, views))
            elif isinstance(node, Call):
                queue.extend((inner, view) for outer, inner in _border(node) if outer is value)
        queue.extend((outer, view) for node in calls.get(value, []) for outer, inner in _border(node) if inner is value)
    return views


def _border(call: Call) -> Iterator[tuple[Value, Value]]:
    """Every value outside a block with the one inside that it is."""
    yield from ((o, i) for o, i in zip(call.operands, call.block.inputs, strict=True) if o is not None)
    yield from zip(call.outputs, call.block.outputs, strict=True)


def _calls(program: Program) -> dict[Value, list[Call]]:
    """The calls that an input or output of a block belongs to."""
    found: dict[Value, list[Call]] = {}
    for graph in program.graphs():
        for node in graph.walk():
            if isinstance(node, Call):
                for value in [*node.block.inputs, *node.block.outputs]:
                    found.setdefault(value, []).append(node)
    return found


class _Planner:
    def __init__(self, program: Program, last: bool, native: bool) -> None:
        self.program, self.last, self.native = program, last, native
        self.views = spread(program)
        self.labels = Labels()
        self.nets: dict[Value, list[int]] = {}
        self.pending: list[tuple[Callable[[Form], None], int, Value, View]] = []
        self.borders: dict[tuple[Graph, int], int] = {}
        self.same: dict[Value, Value] = {}
        self.result = Plan()

    def solve(self) -> Plan:
        times = _instances(self.program)
        weight: dict[Value, int] = {}
        for graph in self.program.graphs():
            self._graph(graph)
            self._nodes(graph)
            for value in _values(graph):
                weight[value] = times[graph]
        for value, pins in self.nets.items():
            self.labels.together(pins, self._cost(value) * weight.get(value, 1))
        label = self.labels.solve(prefer=self.last)
        for put, variable, value, view in self.pending:
            put(view.form(value.type.rank, label[variable]))
        return self.result

    def _cost(self, value: Value) -> int:
        view = self.views[value]
        if view.trivial(value.type):
            return _RESHAPE
        return _FEATURES if isinstance(view, Flat) else _TRANSPOSE

    # --- borders of graphs ------------------------------------------------------------------------------------------

    def _graph(self, graph: Graph) -> None:
        self.result.inputs[graph] = [None] * len(graph.inputs)
        self.result.outputs[graph] = [None] * len(graph.outputs)
        for side, all_values, forms in ((1, graph.inputs, self.result.inputs[graph]),
                                        (-1, graph.outputs, self.result.outputs[graph])):
            for index, value in enumerate(all_values):
                view = self.views.get(value)
                if view is None:
                    continue
                variable = self._join(value)
                self._record(forms, index, variable, value, view)
                self.borders[graph, side * (index + 1)] = variable
                if graph is self.program.entry:
                    wanted = self.native and isinstance(view, Spatial)
                    self.labels.pin(variable, self.last if wanted else view.last)

    def _record(self, forms: list[Form], index: int, variable: int, value: Value, view: View) -> None:
        def put(form: Form) -> None:
            forms[index] = form
        self.pending.append((put, variable, value, view))

    # --- nodes ------------------------------------------------------------------------------------------------------

    def _nodes(self, graph: Graph) -> None:
        for node in graph.nodes:
            if isinstance(node, Call):
                self._call(node)
                continue
            assert isinstance(node, Apply)
            self._apply(node)
            for region in regions(node):
                for value in [*region.inputs, *region.outputs]:
                    self._as_written(value)
                self._nodes(region)

    def _apply(self, node: Apply) -> None:
        own = rule(node)
        binding = own.bind(node, self.views)
        if isinstance(own, TransposeRule) and len(binding.tied) == 2:
            x, view = node.operands[0], binding.tied[0]
            assert x is not None
            if isinstance(view, Spatial) and pure(view, own.order(node)):
                self.same[node.output] = self.same.get(x, x)
        tied = self.labels.variable() if binding.tied else 0
        if binding.tied and binding.wanted:
            self.labels.pin(tied, self.last)
        forms: dict[int, Form] = {}
        for port, value in values(node):
            if port in binding.tied or port in binding.free:
                variable = tied if port in binding.tied else self.labels.variable()
                view = binding.tied.get(port) or binding.free[port]
                self._link(value, variable, view)
                self._bind(forms, port, variable, value, view)
            else:
                self._as_written(value)
        self.result.ports[node] = forms

    def _bind(self, forms: dict[int, Form], port: int, variable: int, value: Value, view: View) -> None:
        def put(form: Form) -> None:
            forms[port] = form
        self.pending.append((put, variable, value, view))

    def _call(self, node: Call) -> None:
        ports: list[tuple[int, Value, Value]] = []
        ports += [(i + 1, v, node.block.inputs[i]) for i, v in enumerate(node.operands) if v is not None]
        ports += [(-1 - i, v, node.block.outputs[i]) for i, v in enumerate(node.outputs)]
        for border, outer, inner in ports:
            variable, view = self.borders.get((node.block, border)), self.views.get(inner)
            if variable is None or view is None:
                self._as_written(outer)
            elif self.views.get(outer) != view:
                self.labels.pin(variable, view.last)
                self._as_written(outer)
            else:
                self._link(outer, variable, view)

    # --- nets -------------------------------------------------------------------------------------------------------

    def _link(self, value: Value, variable: int, view: View) -> None:
        """The variable says how `value` is stored; where the two look at it differently, it is stored as written."""
        if self.views.get(value) == view:
            self.nets.setdefault(self.same.get(value, value), []).append(variable)
        else:
            self._as_written(value)

    def _join(self, value: Value) -> int:
        variable = self.labels.variable()
        self.nets.setdefault(self.same.get(value, value), []).append(variable)
        return variable

    def _as_written(self, value: Value) -> None:
        view = self.views.get(value)
        if view is not None:
            self.labels.pin(self._join(value), view.last)


def _values(graph: Graph) -> Iterator[Value]:
    yield from graph.inputs
    yield from graph.weights.values()
    for node in graph.walk():
        yield from node.outputs


def _instances(program: Program) -> dict[Graph, int]:
    """How often each graph runs in one run of the program (bodies of loops counted once)."""
    times = dict.fromkeys(program.graphs(), 0)
    times[program.entry] = 1
    for graph in reversed(program.graphs()):
        for node in graph.walk():
            if isinstance(node, Call):
                times[node.block] += times[graph]
    return times
