"""The plan of a run: the order of the steps, how long each value lives, and where it lies in the arena.

Inputs and weights lie outside: the caller owns them. Every other value of known size gets a place in one arena; a
value that is the same elements in another shape shares the place of its operand, and an elementwise result takes the
place of an operand that nobody reads afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply, Graph, Node, Program, Value, Weight
from dlc.ir.types import TensorType
from dlc.passes.clone import clone
from dlc.passes.inline import inline
from dlc.runtime.arena import Lifetime, aligned, liveness_bound, place

VIEWS = frozenset({"reshape", "squeeze", "unsqueeze", "flatten", "unflatten", "stop_gradient"})
"""Operations that give the elements of their first operand in the same order, as a dense tensor."""


@dataclass(frozen=True)
class Placement:
    """Where a value is.

    how: "arena" (a place of its own), "in place" (that of an operand that ends here), "view" (that of its operand),
    "outside" (an input, a weight, or a view of one), or "dynamic" (its size is known only when it is computed).
    offset: bytes from the start of the arena; None outside it.
    """

    how: str
    offset: int | None
    nbytes: int


@dataclass
class Plan:
    """The steps of a flat graph whose sizes are numbers, and the place of every value.

    peak: bytes of the arena. bound: bytes that are needed at once at the busiest step; no plan can take fewer.
    """

    graph: Graph
    steps: tuple[Apply, ...]
    placements: dict[Value, Placement]
    peak: int
    bound: int
    sizes: dict[str, int] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each value that a step makes: step, operation, layer or block, type, bytes, place."""
        return [{"step": i, "operation": step.op.name, "scope": _where(step), "type": str(value.type),
                 "bytes": self.placements[value].nbytes, "place": self.placements[value].how,
                 "offset": self.placements[value].offset}
                for i, step in enumerate(self.steps) for value in step.outputs]

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {"steps": self.rows(), "peak_bytes": self.peak, "lower_bound_bytes": self.bound}

    def table(self) -> str:
        """The plan for people."""
        head = ("step", "operation", "at", "type", "bytes", "place")
        lines = [head, *((str(r["step"]), r["operation"], r["scope"], r["type"], f"{r['bytes']:,}", _place(r))
                         for r in self.rows())]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        text = ["  ".join(c.rjust(w) if i in (0, 4) else c.ljust(w)
                          for i, (c, w) in enumerate(zip(line, widths, strict=True))).rstrip() for line in lines]
        over = f", {self.peak / self.bound - 1:.1%} above it" if self.bound and self.peak > self.bound else ""
        text.append(f"arena: {self.peak:,} bytes; at least {self.bound:,} are needed at once{over}")
        return "\n".join(text)


def _where(step: Apply) -> str:
    """The layer that a step belongs to, or the block instance."""
    weights = (v for v in step.operands if isinstance(v, Weight))
    return next((w.path.rpartition(".")[0] for w in weights), step.scope)


def _place(row: Mapping[str, Any]) -> str:
    return row["place"] if row["offset"] is None else f"{row['offset']:,} {row['place']}".removesuffix(" arena")


def plan_program(program: Program, sizes: Mapping[str, int]) -> Plan:
    """Plan a program for these named sizes; names without one must be sizes that depend on data."""
    flat = clone(inline(program), dict(sizes))
    return plan_graph(flat.entry, sizes)


def plan_graph(graph: Graph, sizes: Mapping[str, int]) -> Plan:
    """Plan a flat graph in which the named sizes are replaced."""
    steps = tuple(node for node in graph.nodes if isinstance(node, Apply))
    storages = _Storages(graph, steps)
    blocks = [Lifetime(s.size, s.first, s.last) for s in storages.inside]
    offsets = place(blocks)
    at = {id(s): offset for s, offset in zip(storages.inside, offsets, strict=True)}
    placements = {value: Placement(how, at.get(id(storage)) if how != "dynamic" else None, nbytes(value.type) or 0)
                  for value, (storage, how) in storages.of.items()}
    peak = max((offset + aligned(b.size) for offset, b in zip(offsets, blocks, strict=True)), default=0)
    return Plan(graph, steps, placements, peak, liveness_bound(blocks), dict(sizes))


def nbytes(type: TensorType) -> int | None:
    """The bytes of a dense tensor; None where a size is not known, and for strings, which are objects."""
    size: Dim = type.size
    return size * type.dtype.numpy.itemsize if isinstance(size, int) and type.dtype.kind != "string" else None


@dataclass(eq=False)
class _Storage:
    """A piece of memory that one value or several hold, one after the other or together."""

    size: int
    first: int
    last: int
    outside: bool = False


class _Storages:
    """Gives every value a storage, in the order of the steps."""

    def __init__(self, graph: Graph, steps: Sequence[Apply]) -> None:
        self.of: dict[Value, tuple[_Storage, str]] = {}
        self.inside: list[_Storage] = []
        self.last_read = _last_reads(graph, steps)
        for value in (*graph.inputs, *graph.weights.values()):
            self.of[value] = _Storage(0, 0, len(steps), outside=True), "outside"
        for index, step in enumerate(steps):
            for value in step.outputs:
                self.of[value] = self._assign(step, index, value)
                self._extend(self.of[value][0], value, index)

    def _extend(self, storage: _Storage, value: Value, index: int) -> None:
        storage.last = max(storage.last, self.last_read.get(value, index))

    def _assign(self, step: Apply, index: int, value: Value) -> tuple[_Storage, str]:
        size = nbytes(value.type)
        if size is None:
            return _Storage(0, index, index, outside=True), "dynamic"
        viewed = self._viewed(step)
        if viewed is not None:
            return viewed, "outside" if viewed.outside else "view"
        reused = self._reusable(step, index, value)
        if reused is not None:
            return reused, "in place"
        storage = _Storage(size, index, index)
        self.inside.append(storage)
        return storage, "arena"

    def _viewed(self, step: Apply) -> _Storage | None:
        if step.op.name not in VIEWS or step.operands[0] is None:
            return None
        storage, how = self.of[step.operands[0]]
        return None if how == "dynamic" else storage

    def _reusable(self, step: Apply, index: int, value: Value) -> _Storage | None:
        """The storage of an operand of the same type that is last read here.

        Another operand in that storage has as many elements in the same order, so each is read before it is written.
        """
        if not step.op.elementwise or len(step.outputs) != 1:
            return None
        for operand in step.operands:
            if operand is None or operand.type != value.type:
                continue
            storage, how = self.of[operand]
            if not storage.outside and how != "dynamic" and storage.last <= index:
                return storage
        return None


def _last_reads(graph: Graph, steps: Sequence[Node]) -> dict[Value, int]:
    """The last step that reads each value; the number of steps for an output of the graph."""
    found: dict[Value, int] = {}
    for index, step in enumerate(steps):
        for operand in step.operands:
            if operand is not None:
                found[operand] = index
    return found | {value: len(steps) for value in graph.outputs}

