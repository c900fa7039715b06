"""Cases with names in the place of some sizes: the rules must say of names what they say of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlc.ir.build import body_graph, resolve
from dlc.ir.dim import Dim, name
from dlc.ir.evaluate import run
from dlc.ir.graph import Program
from dlc.ir.op import Composite, Problem
from dlc.ir.types import TensorType
from every_op.cases import Case, distance, feeds, program_of, tolerance

NUMBERS_ALONE = {
    "adaptive_avg_pool": "its windows depend on the size; targets that have the layer need no definition",
    "adaptive_max_pool": "its windows depend on the size; targets that have the layer need no definition",
}
"""Composites whose definition needs numbers, though the operation itself does not."""


@dataclass(frozen=True)
class Variant:
    """A case whose operand types have names; `sizes` are the numbers that they stand for."""

    case: Case
    types: tuple[TensorType | None, ...]
    sizes: dict[str, int]
    attributes: dict[str, Any]
    inferred: tuple[TensorType, ...]

    def findings(self) -> Iterator[str]:
        _, numbers = self.case.inferred()
        bound = tuple(t.substitute(self.sizes) for t in self.inferred)
        if bound != numbers:
            yield f"{self.case}: named sizes give {self.inferred} = {bound}, numbers give {numbers}"
        elif isinstance(self.case.op, Composite) and self.sizes.keys() <= self._names():
            yield from self._compared()

    def _names(self) -> set[str]:
        """The names that the shapes of the operands bind by themselves."""
        return {str(d) for t in self.types if t is not None for d in t.shape}

    def _compared(self) -> Iterator[str]:
        """The definition built on named sizes computes what the one built on numbers does."""
        case = self.case
        try:
            graph = body_graph(case.op, self.types, self.attributes)
        except Problem as problem:
            if case.op.name not in NUMBERS_ALONE:
                yield f"{case}: its definition refuses the named sizes {self.types}: {problem.message}"
            return
        given = [a for a in case.arrays() if a is not None]
        program = program_of(case.op, case.types, case.attributes)
        exact = list(run(program, feeds(case.arrays()), weights={}, precision="float64").values())
        inputs = dict(zip((v.name for v in graph.inputs), given, strict=True))
        found = list(run(Program(graph), inputs, weights={}, precision="float64").values())
        if len(found) != len(exact):
            yield f"{case}: the definition has {len(found)} results, {len(exact)} are declared"
            return
        for f, e in zip(found, exact, strict=True):
            if f.shape != e.shape or not distance(np.asarray(f), e) <= tolerance(case.op, exact, 1e-13):
                yield f"{case}: the definition on named sizes gives another result"


EVERYWHERE = (slice(None), slice(0, 1), slice(-1, None))


def symbolic_variants(case: Case, choices: Sequence[slice] = EVERYWHERE) -> Iterator[Variant]:
    """Names for all sizes over 1 (equal sizes share one), for the first, and for the last of each operand.

    What the rule cannot prove for names it refuses; such a variant says nothing.
    """
    for axes in choices:
        sizes: dict[str, int] = {}
        types = tuple(None if t is None else _named(t, axes, sizes) for t in case.types)
        if not sizes:
            continue
        try:
            attributes, inferred = resolve(case.op, types, case.attributes)
        except Problem:
            continue
        yield Variant(case, types, sizes, attributes, inferred)


def _named(t: TensorType, axes: slice, sizes: dict[str, int]) -> TensorType:
    chosen = range(t.rank)[axes]
    dims: list[Dim] = []
    for axis, size in enumerate(t.shape):
        assert isinstance(size, int)
        if axis in chosen and size > 1:
            sizes[f"s{size}"] = size
            dims.append(name(f"s{size}"))
        else:
            dims.append(size)
    return t.with_shape(*dims)
