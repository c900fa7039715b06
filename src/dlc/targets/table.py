"""Which operation a target writes how: one table per target, filled by decorators in a file per op family.

An operation is *written* (it has an entry that accepts the node), *lowered* (a composite without one: its body is
written), or *refused* with a sentence. A test requires that every operation is one of the three in every target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from dlc.diagnostics import Diagnostic, Unsupported
from dlc.ir.graph import Apply, Program
from dlc.ir.op import Composite, Op, all_ops, is_op

Writer = TypeVar("Writer", bound=Callable[..., object])


@dataclass(frozen=True)
class Entry(Generic[Writer]):
    """How one operation is written; `when` says for which nodes, others are lowered (composites) or refused."""

    write: Writer
    when: Callable[[Apply], bool]
    otherwise: str


class Table(Generic[Writer]):
    """The entries and refusals of one target. Two entries for one operation are an error."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.entries: dict[str, Entry[Writer]] = {}
        self.refusals: dict[str, str] = {}

    def writes(self, *names: str, when: Callable[[Apply], bool] = lambda node: True,
               otherwise: str = "this combination of options") -> Callable[[Writer], Writer]:
        """Decorate the writer of these operations.

        when: the nodes it can write. otherwise: what it cannot, for the refusal of a primitive.
        """
        def enter(writer: Writer) -> Writer:
            for name in names:
                self._claim(name)
                self.entries[name] = Entry(writer, when, otherwise)
            return writer
        return enter

    def refuses(self, name: str, reason: str) -> None:
        """State that the target cannot express an operation, and why, in a sentence."""
        self._claim(name)
        self.refusals[name] = reason

    def _claim(self, name: str) -> None:
        if name in self.entries or name in self.refusals:
            raise TypeError(f"target {self.target}: operation {name!r} is entered twice")
        if not is_op(name):
            raise TypeError(f"target {self.target}: there is no operation {name!r}")

    def writer(self, node: Apply) -> Writer | None:
        """The writer that accepts this node, or None."""
        entry = self.entries.get(node.op.name)
        return entry.write if entry is not None and entry.when(node) else None

    def keeps(self, node: Apply) -> bool:
        """Whether the node is written as it is; what is not kept is lowered, if it is a composite."""
        return self.writer(node) is not None or node.op.name in self.refusals

    def refusal(self, node: Apply) -> str | None:
        """Why this node can be neither written nor lowered; None if it can."""
        name = node.op.name
        if name in self.refusals:
            return self.refusals[name]
        if self.writer(node) is not None or isinstance(node.op, Composite):
            return None
        entry = self.entries.get(name)
        if entry is None:
            return f"`{name}` has no {self.target} form"
        return f"`{name}` cannot be written with {entry.otherwise}"

    def status(self, op: Op) -> str:
        """"written", "lowered", "refused" or "missing", for the generated tables."""
        if op.name in self.entries:
            return "written"
        if op.name in self.refusals:
            return "refused"
        return "lowered" if isinstance(op, Composite) else "missing"

    def missing(self) -> list[str]:
        """The operations that nobody has decided about."""
        return [name for name, op in all_ops().items() if self.status(op) == "missing"]

    def require(self, program: Program) -> None:
        """Raise Unsupported with every node that this target cannot write, each at its source line."""
        found = [d for graph in program.graphs() for node in graph.walk() if isinstance(node, Apply)
                 for d in self._diagnose(node)]
        if found:
            raise Unsupported(*found)

    def _diagnose(self, node: Apply) -> Iterable[Diagnostic]:
        reason = self.refusal(node)
        if reason is not None:
            yield Diagnostic("E0601", f"{self.target} cannot express `{node.op.name}`: {reason}", node.span)
