"""The variables of one function: which name holds which value, and which names may be used again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dlc.ir.dim import Dim
from dlc.ir.graph import Value
from dlc.targets.source.code import Code
from dlc.targets.source.dims import AxisText, Sizes
from dlc.targets.source.names import identifier, unique

FOREVER = 1 << 60


class Scope:
    """Values by name while statements are written one after the other.

    last: the statement that reads a value last; from then on its name is free. reserved: names that are never given.
    """

    def __init__(self, last: Mapping[Value, int], reserved: Iterable[str], axis: AxisText) -> None:
        self.last, self.axis = last, axis
        self.reserved = set(reserved)
        self.names: dict[Value, str] = {}
        self.holder: dict[str, Value | None] = {}
        self.sizes: dict[Dim, str] = {}

    def bind(self, value: Value, name: str) -> None:
        """Let the name hold this value; what it held before is gone."""
        before = self.holder.get(name)
        if before is not None:
            self.names.pop(before, None)
        self.holder[name] = value
        self.names[value] = name

    def is_free(self, name: str, at: int) -> bool:
        """Whether statement `at` may assign the name."""
        if name in self.reserved or (name in self.holder and self.holder[name] is None):
            return False
        held = self.holder.get(name)
        return held is None or held not in self.names or self.last.get(held, -1) <= at

    def choose(self, candidates: Iterable[str], at: int) -> str:
        """The first candidate that is free, else the first one with a number."""
        names = [identifier(c) for c in candidates]
        for name in names:
            if self.is_free(name, at):
                return name
        busy = {n for n in [*self.holder, *self.reserved] if not self.is_free(n, at)}
        return unique(names[0], busy)

    def hold(self, name: str) -> str:
        """A new variable that stays taken."""
        chosen = unique(identifier(name), {*self.holder, *self.reserved})
        self.holder[chosen] = None
        return chosen

    def size(self, dim: Dim, hint: str, prefer: Sequence[Value | None]) -> Code:
        """A size over the tensors that have names now. Raises UnknownSize."""
        first = [(self.names[v], v.type) for v in prefer if v is not None and v in self.names]
        rest = [(n, v.type) for n, v in self.holder.items() if v is not None and self.names.get(v) == n]
        return Sizes([*first, *rest], self.sizes, self.axis).expression(dim, hint)
