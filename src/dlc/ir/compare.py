"""Are two programs the same graph? Names of inner values, spans and the order of independent nodes do not count."""

from __future__ import annotations

from collections.abc import Iterator

from dlc.ir.graph import Apply, Call, Graph, Input, Node, Program, Value, Weight


def difference(a: Program, b: Program) -> str | None:
    """The first difference between two programs in a sentence, or None if they are the same."""
    left, right = a.weights(), b.weights()
    if left.keys() != right.keys():
        return f"weights differ: {sorted(left.keys() ^ right.keys())}"
    for path in left:
        if (found := _weight(left[path], right[path])) is not None:
            return f"weight {path}: {found}"
    if [str(x) for x in a.assumptions] != [str(x) for x in b.assumptions]:
        return f"assumptions differ: {a.assumptions} and {b.assumptions}"
    return next(_graphs(a.entry, b.entry, {}), None)


def _weight(a: Weight, b: Weight) -> str | None:
    left = (a.type, a.initializer, a.trainable, a.state)
    right = (b.type, b.initializer, b.trainable, b.state)
    return None if left == right else f"{left} and {right}"


def _graphs(a: Graph, b: Graph, seen: dict[Graph, Graph], *, region: bool = False) -> Iterator[str]:
    """The differences of two graphs. region: their inputs are inner values, whose names do not count."""
    if a in seen:
        if seen[a] is not b:
            yield f"block {a.name} corresponds to two blocks, {seen[a].name} and {b.name}"
        return
    seen[a] = b
    where = a.name
    if a.output_names != b.output_names and not (a.template and seen and len(seen) > 1):
        yield f"{where}: outputs are {a.output_names} and {b.output_names}"
    if len(a.inputs) != len(b.inputs) or len(a.outputs) != len(b.outputs):
        yield f"{where}: {len(a.inputs)} -> {len(a.outputs)} and {len(b.inputs)} -> {len(b.outputs)} tensors"
        return
    match: dict[Value, Value] = {}
    for x, y in zip(a.inputs, b.inputs, strict=True):
        match[x] = y
        if (x.type, x.default) != (y.type, y.default) or (x.name != y.name and not region):
            yield f"{where}: inputs {x!r} and {y!r} differ"
    stack = list(zip(a.outputs, b.outputs, strict=True))
    while stack:
        left, right = stack.pop()
        if left in match:
            if match[left] is not right:
                yield f"{where}: {left!r} corresponds to {match[left]!r} and {right!r}"
            continue
        match[left] = right
        yield from _values(left, right, where, stack, seen)


def _values(a: Value, b: Value, where: str, stack: list[tuple[Value, Value]],
            seen: dict[Graph, Graph]) -> Iterator[str]:
    if type(a) is not type(b) or a.type != b.type or a.index != b.index:
        yield f"{where}: {a!r} (made by {a.node!r}) and {b!r} (made by {b.node!r})"
        return
    if isinstance(a, Weight) and isinstance(b, Weight):
        if a.path != b.path:
            yield f"{where}: weights {a.path} and {b.path}"
        return
    if isinstance(a, Input):
        yield f"{where}: inputs {a!r} and {b!r}"
        return
    assert a.node is not None
    assert b.node is not None
    yield from _nodes(a.node, b.node, where, stack, seen)


def _nodes(a: Node, b: Node, where: str, stack: list[tuple[Value, Value]], seen: dict[Graph, Graph]) -> Iterator[str]:
    if isinstance(a, Call) and isinstance(b, Call):
        if a.instance != b.instance:
            yield f"{where}: instances {a.instance} and {b.instance}"
        yield from _graphs(a.block, b.block, seen)
    elif isinstance(a, Apply) and isinstance(b, Apply):
        if a.op is not b.op or a.attributes != b.attributes or len(a.regions) != len(b.regions):
            yield f"{where}: {a!r} and {b!r}"
            return
        for left, right in zip(a.regions, b.regions, strict=True):
            yield from _graphs(left, right, seen, region=True)
    else:
        yield f"{where}: {a!r} and {b!r}"
        return
    if [v is None for v in a.operands] != [v is None for v in b.operands]:
        yield f"{where}: operands of {a!r} and {b!r}"
        return
    stack += [(left, right) for left, right in zip(a.operands, b.operands, strict=True)
              if left is not None and right is not None]
