"""Instances that are called with inputs of different sizes, so that one module would have to be two classes.

`layer encoder = Encoder` called on a short and on a long sequence gives two specialisations that share their weights.
Mostly their code is the same, and one module serves both. Where it is not, all calls but those of the first
specialisation are written out in place, and read the weights of the one module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dlc.ir.graph import Call, Graph, Program, Value, Weight
from dlc.passes.clone import clone, copy_weight
from dlc.passes.inline import inline_into
from dlc.targets.source.names import identifier, unique

Classify = Callable[[Program], Mapping[Graph, object]]
"""What each block of a program becomes: equal for blocks that one module can serve. The program may be changed."""


def separate(program: Program, classify: Classify) -> None:
    """Inline, in place, the calls of an instance that its module cannot serve. Blocks without weights may have no
    label; they get one."""
    for graph in program.graphs():
        _name_instances(graph)
    doubtful = [(g, n) for g, graph in enumerate(program.graphs()) for n, node in enumerate(graph.nodes)
                if isinstance(node, Call) and _is_doubtful(graph, node)]
    if not doubtful:
        return
    trial = clone(program)
    nodes = [list(graph.nodes) for graph in trial.graphs()]
    places = [nodes[g][n] for g, n in doubtful]
    kinds = classify(trial)
    first: dict[tuple[int, str], object] = {}
    graphs, originals = program.graphs(), [list(graph.nodes) for graph in program.graphs()]
    for (g, n), place in zip(doubtful, places, strict=True):
        assert isinstance(place, Call)
        kind = kinds[place.block]
        if first.setdefault((g, place.instance), kind) != kind:
            node = originals[g][n]
            assert isinstance(node, Call)
            _write_out(graphs[g], node)


def _name_instances(graph: Graph) -> None:
    """Call an instance without a label as its block: `self.squeeze_excite`."""
    calls = [node for node in graph.walk() if isinstance(node, Call)]
    taken = {name.partition(".")[0] for name in (*(c.instance for c in calls), *graph.weights)}
    names: dict[Graph, str] = {}
    for node in calls:
        if node.instance:
            continue
        if node.block not in names:
            words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node.block.template).lower()
            names[node.block] = unique(identifier(words, "block"), taken)
            taken.add(names[node.block])
        node.instance = names[node.block]


def _is_doubtful(graph: Graph, node: Call) -> bool:
    return any(isinstance(other, Call) and other.instance == node.instance and other.block is not node.block
               for other in graph.nodes)


def _write_out(graph: Graph, node: Call) -> None:
    """Replace a call by the nodes of its block."""
    def find(path: str, weight: Weight) -> Value:
        return graph.weights.get(path) or graph.add_weight(copy_weight(weight, path))
    results = inline_into(graph, node.block, list(node.operands), f"{node.instance}.", find, node)
    for old, new in zip(node.outputs, results, strict=True):
        new.name = new.name or old.name
        graph.replace(old, new)
    graph.remove(node)
