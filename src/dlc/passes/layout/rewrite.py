"""The program made anew with every tensor in its planned form."""

from __future__ import annotations

from dataclasses import replace

from dlc.ir.graph import Apply, Call, Graph, Program, Value, join
from dlc.ir.types import TensorType
from dlc.passes.layout.arrays import Reordered, ReorderedValues
from dlc.passes.layout.dispatch import rule
from dlc.passes.layout.plan import Plan
from dlc.passes.layout.storage import Storage, Wishes
from dlc.passes.layout.views import Axes, Form


def rewrite(program: Program, plan: Plan) -> Program:
    """The program in planned forms.

    A weight that is used in one order only is stored in that order: `values` reorders it when it is asked for, its
    initialiser stays. One that is used in several is reordered in the graph.
    """
    frozen: set[tuple[Graph, str]] = set()
    while True:
        rewriter = _Rewriter(plan, frozen)
        entry = rewriter.graph(program.entry)
        changes, contested = _settled(program, rewriter.wishes)
        if contested <= frozen:
            return replace(program, entry=entry, values=ReorderedValues(program.values, changes))
        frozen |= contested


def _settled(program: Program, wishes: Wishes) -> tuple[dict[str, Reordered], set[tuple[Graph, str]]]:
    """What happens to each weight by full path, and the weights that cannot be stored in one order for all uses."""
    wanted: dict[str, set[Reordered | None]] = {}
    users: dict[str, set[tuple[Graph, str]]] = {}

    def visit(graph: Graph, prefix: str) -> None:
        for path in graph.weights:
            asked = wishes.get((graph, path))
            if asked:
                wanted.setdefault(prefix + path, set()).update(asked)
                users.setdefault(prefix + path, set()).add((graph, path))
        for node in graph.walk():
            if isinstance(node, Call):
                visit(node.block, join(prefix, node.instance))
    visit(program.entry, "")
    changes: dict[str, Reordered] = {}
    contested: set[tuple[Graph, str]] = set()
    for path, asked in wanted.items():
        if len(asked) > 1:
            contested |= users[path]
        elif (change := next(iter(asked))) is not None:
            changes[path] = change
    return changes, contested


class _Rewriter:
    def __init__(self, plan: Plan, frozen: set[tuple[Graph, str]]) -> None:
        self.plan, self.frozen = plan, frozen
        self.wishes: Wishes = {}
        self.done: dict[Graph, Graph] = {}

    def graph(self, graph: Graph) -> Graph:
        """A block or the entry, once."""
        if graph not in self.done:
            self.done[graph] = self._made(graph, None)
        return self.done[graph]

    def _made(self, graph: Graph, around: Graph | None) -> Graph:
        new = Graph(graph.name, template=graph.template, parameters=graph.parameters, doc=graph.doc, span=graph.span)
        new.assumptions = list(graph.assumptions)
        to = Storage(new, graph, self.wishes, self.frozen)
        nothing: list[Form] = [None] * max(len(graph.inputs), len(graph.outputs))
        inputs = self.plan.inputs[graph] if around is None else nothing[:len(graph.inputs)]
        outputs = self.plan.outputs[graph] if around is None else nothing[:len(graph.outputs)]
        for value, form in zip(graph.inputs, inputs, strict=True):
            given = new.add_input(value.name, _type(value.type, form), default=value.default, doc=value.doc,
                                  span=value.span)
            to.define(value, given, form)
        for node in graph.nodes:
            if isinstance(node, Call):
                self._call(node, to)
            elif isinstance(node, Apply) and node.regions:
                self._regions(node, to, graph)
            else:
                assert isinstance(node, Apply)
                rule(node).rewrite(node, self.plan.ports.get(node, {}), to)
        made: list[Value] = [to.get(v, form) for v, form in zip(graph.outputs, outputs, strict=True)]
        for name, result, doc in zip(graph.output_names, made, graph.output_docs, strict=True):
            new.add_output(name, result, doc)
        to.finish()
        return new

    def _call(self, node: Call, to: Storage) -> None:
        forms = self.plan.inputs[node.block]
        operands = [None if v is None else to.get(v, form) for v, form in zip(node.operands, forms, strict=True)]
        call = to.insert(Call(self.graph(node.block), node.instance, operands), node)
        for old, new, form in zip(node.outputs, call.outputs, self.plan.outputs[node.block], strict=True):
            to.define(old, new, form)

    def _regions(self, node: Apply, to: Storage, around: Graph) -> None:
        inner = [self._made(region, around) for region in node.regions]
        operands = [None if v is None else to.get(v) for v in node.operands]
        made = to.insert(Apply(node.op, operands, [v.type for v in node.outputs], node.attributes, inner), node)
        for old, new in zip(node.outputs, made.outputs, strict=True):
            to.define(old, new)


def _type(t: TensorType, form: Form) -> TensorType:
    return t.with_shape(*(t.shape[a] for a in form.order)) if isinstance(form, Axes) else t
